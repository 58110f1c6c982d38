// Keeps events: a database file of its own beside the one that they tell of, bounded in bytes, the
// oldest dropped first. Written by the writer only; page docs/formats/changes.md.
import { join } from 'node:path';
import { fileBytes, makeFolder, syncFile } from '#db/database-files.ts';
import { type Engine, type EngineStatement, noBindings, openEngine } from '#db/engine.ts';
import { CodedError } from '#errors.ts';
import type { FileSystem } from '#io/file-system.ts';
import { droppedPortion, eventOverheadBytes } from './bounds.ts';
import { bytesOf, type ChangeEvent } from './change-event.ts';
import type { WalPosition } from './wal-tail.ts';

/** Version of the file. */
const formatVersion = 1;

/** The events of an entry. */
export interface EntryEvents {
  readonly index: number;
  /** The log's time, milliseconds since 1970. */
  readonly timeMs: number;
  readonly events: readonly ChangeEvent[];
}

/** How far events are stored, and what the reader of pages had read by then. */
export interface StoredPosition extends WalPosition {
  /** Every change up to this entry is stored, or a gap in its place. */
  readonly index: number;
  /** Statements of the entry behind it whose events are stored too, but not shown yet. */
  readonly statementsDone: number;
  /** The generation of the database that was read; '' before the first. */
  readonly generation: string;
}

/** Where the file lies. */
export const changeStorePath = (dataFolder: string): string =>
  join(dataFolder, 'changes', 'changes.sqlite');

const tables = `
  CREATE TABLE IF NOT EXISTS position (
    key INTEGER PRIMARY KEY CHECK (key = 0),
    format INTEGER NOT NULL,
    generation TEXT NOT NULL,
    salts TEXT NOT NULL,
    frames INTEGER NOT NULL,
    stored_index INTEGER NOT NULL,
    statements_done INTEGER NOT NULL,
    dropped_index INTEGER NOT NULL,
    high_water INTEGER NOT NULL,
    bytes INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS events (
    entry INTEGER NOT NULL,
    number INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    table_name TEXT NOT NULL,
    head TEXT NOT NULL,
    images TEXT NOT NULL,
    PRIMARY KEY (entry, number)
  ) STRICT, WITHOUT ROWID;`;

/** The events of one node. */
export class ChangeStore {
  readonly #engine: Engine;
  readonly #files: FileSystem;
  readonly #path: string;
  readonly #bytesMax: number;
  readonly #insert: EngineStatement;
  readonly #move: EngineStatement;
  #bytes: number;
  /** Also when it is not known. */
  #hasPartial = true;

  private constructor(engine: Engine, path: string, bytesMax: number, files: FileSystem) {
    this.#engine = engine;
    this.#path = path;
    this.#files = files;
    this.#bytesMax = bytesMax;
    this.#insert = engine.prepare('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)');
    this.#move = engine.prepare(
      `UPDATE position SET generation = ?, salts = ?, frames = ?, stored_index = ?,
        statements_done = ?, bytes = ?`,
    );
    this.#bytes = Number(engine.value('SELECT bytes FROM position'));
  }

  /**
   * Opens the file, made when missing: then its stream begins behind entry `appliedIndex`.
   *
   * @throws CodedError `data_folder_foreign` for the file of a newer version
   */
  static open(
    dataFolder: string,
    appliedIndex: number,
    bytesMax: number,
    files: FileSystem,
  ): ChangeStore {
    const path = changeStorePath(dataFolder);
    makeFolder(join(dataFolder, 'changes'), files);
    if (files.status(path) === undefined) files.create(path).close();
    const engine = openEngine(path, { readonly: false, busyTimeoutMs: 5000 });
    try {
      engine.execute('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
      engine.execute(`BEGIN IMMEDIATE; ${tables}`);
      engine
        .prepare("INSERT OR IGNORE INTO position VALUES (0, ?, '', '', 0, ?, 0, ?, 0, 0)")
        .run({ anonymous: [formatVersion, appliedIndex, appliedIndex] });
      engine.execute('COMMIT');
      const format = engine.value('SELECT format FROM position');
      if (format !== formatVersion) {
        throw new CodedError('data_folder_foreign', `${path} has format ${String(format)}`, {
          hint: 'start the version that wrote it, or move the folder changes/ away',
        });
      }
      return new ChangeStore(engine, path, bytesMax, files);
    } catch (thrown) {
      engine.close();
      throw thrown;
    }
  }

  get position(): StoredPosition {
    const [row] = this.#engine
      .prepare('SELECT generation, salts, frames, stored_index, statements_done FROM position')
      .all(noBindings, false);
    const [generation, salts, frames, index, statementsDone] = row ?? [];
    return {
      statementsDone: Number(statementsDone),
      generation: String(generation),
      salts: String(salts),
      frames: Number(frames),
      index: Number(index),
    };
  }

  /** The events of the entry behind the position, of the statements that are done. */
  get partial(): readonly ChangeEvent[] {
    return this.#engine
      .prepare(
        `SELECT table_name, head, images FROM events
          WHERE entry > (SELECT stored_index FROM position) ORDER BY number`,
      )
      .all(noBindings, false)
      .map((row) => row.map(String))
      .map(([table = '', head = '', images = '']) => ({ table, head, images }));
  }

  /**
   * Stores the events of entries, and where that leaves the reader of pages; all or nothing. The
   * events of `partial` are those of the entry behind, which is not done.
   */
  append(
    entries: readonly EntryEvents[],
    partial: readonly ChangeEvent[],
    position: StoredPosition,
  ): void {
    const before = this.#bytes;
    try {
      this.#engine.execute('BEGIN IMMEDIATE');
      this.#deletePartial();
      for (const entry of entries) this.#insertEntry(entry);
      this.#insertEntry({ index: position.index + 1, timeMs: 0, events: partial });
      this.#hasPartial = partial.length > 0;
      if (this.#bytes > this.#bytesMax) this.#dropOldest();
      const { generation, salts, frames, index, statementsDone } = position;
      this.#move.run({
        anonymous: [generation, salts, frames, index, statementsDone, this.#bytes],
      });
      this.#engine.execute('COMMIT');
    } catch (thrown) {
      this.#bytes = before;
      this.#hasPartial = true;
      if (this.#engine.inTransaction) this.#engine.execute('ROLLBACK');
      throw thrown;
    }
  }

  #deletePartial(): void {
    if (!this.#hasPartial) return;
    for (const event of this.partial) this.#bytes -= bytesOf(event);
    this.#engine.execute('DELETE FROM events WHERE entry > (SELECT stored_index FROM position)');
  }

  #insertEntry({ index, timeMs, events }: EntryEvents): void {
    for (const [number, event] of events.entries()) {
      const { table, head, images } = event;
      this.#insert.run({ anonymous: [index, number, timeMs, table, head, images] });
      this.#bytes += bytesOf(event);
    }
  }

  /** Whole entries; a reader that was behind is told that they are gone. */
  #dropOldest(): void {
    const target = this.#bytesMax * (1 - droppedPortion);
    const oldest = this.#engine.prepare(
      `SELECT entry, sum(${eventOverheadBytes} + octet_length(table_name) + octet_length(head)
        + octet_length(images)) FROM events GROUP BY entry ORDER BY entry`,
    );
    let through = 0;
    for (const [entry, bytes] of oldest.iterate(noBindings, false)) {
      if (this.#bytes <= target) break;
      through = Number(entry);
      this.#bytes -= Number(bytes);
    }
    this.#engine.prepare('DELETE FROM events WHERE entry <= ?').run({ anonymous: [through] });
    this.#engine
      .prepare('UPDATE position SET dropped_index = max(dropped_index, ?)')
      .run({ anonymous: [through] });
  }

  /** Everything up to this entry was posted and taken. Never goes back; not durable at once. */
  noteHighWater(index: number): void {
    this.#engine
      .prepare('UPDATE position SET high_water = max(high_water, ?)')
      .run({ anonymous: [index] });
  }

  /** Bytes of events that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What was appended survives a power cut when this returns. */
  sync(): void {
    if (fileBytes(`${this.#path}-wal`, this.#files) > 0) syncFile(`${this.#path}-wal`, this.#files);
  }

  close(): void {
    this.#engine.close();
  }
}
