// Reads stored events, whole entries in their order, through a connection that cannot write.

import { type Engine, type EngineStatement, noBindings, openEngine } from '#db/engine.ts';
import type { FileSystem } from '#io/file-system.ts';
import { bytesOf } from './change-event.ts';
import { changeStorePath } from './change-store.ts';

/** Which events. */
export interface ChangesWanted {
  /** Only entries behind this one. */
  readonly after: number;
  /** No further entry is begun when the ones before have so many bytes. */
  readonly bytesMax: number;
}

/** An event as it is sent: its table ('' for a gap), and the members of its object. */
export interface ReadEvent {
  readonly table: string;
  readonly head: string;
  readonly images: string;
}

/** The events of one entry. */
export interface ReadEntry {
  readonly index: number;
  readonly timeMs: number;
  readonly events: readonly ReadEvent[];
}

/** What is there. */
export interface ChangesFound {
  readonly entries: readonly ReadEntry[];
  /** Every change up to this entry was looked at: the next look begins behind it. */
  readonly through: number;
  /** Every change up to this entry is stored. */
  readonly storedIndex: number;
  /** Events of this entry and of all before are gone, or were never there. */
  readonly droppedIndex: number;
}

/** Reads from one store. */
export class ChangeReader {
  readonly #engine: Engine;
  readonly #position: EngineStatement;
  readonly #events: EngineStatement;

  private constructor(engine: Engine) {
    this.#engine = engine;
    this.#position = engine.prepare('SELECT stored_index, dropped_index FROM position');
    this.#events = engine.prepare(
      `SELECT entry, time_ms, table_name, head, images FROM events
        WHERE entry > ? AND entry <= (SELECT stored_index FROM position)
        ORDER BY entry, number`,
    );
  }

  /** Opens the store of a data folder; undefined while there is none. */
  static open(dataFolder: string, files: FileSystem): ChangeReader | undefined {
    const path = changeStorePath(dataFolder);
    if (files.status(path) === undefined) return undefined;
    const engine = openEngine(path, { readonly: true, busyTimeoutMs: 1000 });
    try {
      return new ChangeReader(engine);
    } catch (thrown) {
      engine.close();
      throw thrown;
    }
  }

  /** Reads on, in one snapshot. */
  read(wanted: ChangesWanted): ChangesFound {
    this.#engine.execute('BEGIN');
    try {
      return this.#read(wanted);
    } finally {
      this.#engine.execute('COMMIT');
    }
  }

  #read({ after, bytesMax }: ChangesWanted): ChangesFound {
    const [position] = this.#position.all(noBindings, false);
    const storedIndex = Number(position?.[0] ?? 0);
    const droppedIndex = Number(position?.[1] ?? 0);
    const entries: { index: number; timeMs: number; events: ReadEvent[] }[] = [];
    let bytes = 0;
    let whole = true;
    for (const row of this.#events.iterate({ anonymous: [after] }, false)) {
      const index = Number(row[0]);
      const [, , table, head, images] = row.map(String);
      let entry = entries.at(-1);
      if (entry?.index !== index) {
        if (bytes >= bytesMax) {
          whole = false;
          break;
        }
        entry = { index, timeMs: Number(row[1]), events: [] };
        entries.push(entry);
      }
      const event = { table: table ?? '', head: head ?? '', images: images ?? '' };
      entry.events.push(event);
      bytes += bytesOf(event);
    }
    const last = entries.at(-1)?.index ?? after;
    return {
      entries,
      through: whole ? Math.max(storedIndex, after) : last,
      storedIndex,
      droppedIndex,
    };
  }

  /** Up to where changes were posted and taken, as far as this node knows. */
  highWater(): number {
    return Number(this.#engine.value('SELECT high_water FROM position'));
  }

  close(): void {
    this.#engine.close();
  }
}
