// The pieces of the load that is under way, in the database itself: they are as durable as it is,
// and images carry them along. One load at a time; what another left unfinished gives way once its
// last piece is old by the log's own time, so every replica decides alike.
import { createHash } from 'node:crypto';
import type { LoadStep } from '#command/load-step.ts';
import { type Engine, noBindings } from '#db/engine.ts';
import type { PositionStore } from '#db/position.ts';
import { loadFileBytesMax } from '#limits.ts';

/** By the log's time: whoever loads sends its next piece long before. */
const staleMs = 30_000;

/** The value that says which load is under way, and the one that says which was the last. */
const underWayKey = 'load';
const finishedKey = 'loaded';

/** What is known of the load under way. */
interface UnderWay {
  readonly id: string;
  readonly bytes: number;
  readonly timeMs: number;
}

/** The end of a load, or of a command that came in pieces. */
export type LoadEnd = Extract<LoadStep, { readonly kind: 'database' | 'command' }>;

/** Makes the table of pieces; within a transaction. */
export const makeLoadTable = (engine: Engine): void => {
  engine.execute(`CREATE TABLE IF NOT EXISTS _stockade_load (
    at INTEGER PRIMARY KEY,
    data BLOB NOT NULL
  ) STRICT`);
};

const idOf = ({ load }: LoadStep): string => Buffer.from(load).toString('hex');

/** Every method runs within a transaction of the caller; what it says is the same everywhere. */
export class LoadStore {
  readonly #engine: Engine;
  readonly #store: PositionStore;

  constructor(engine: Engine, store: PositionStore) {
    this.#engine = engine;
    this.#store = store;
  }

  /** Takes a piece or an abandonment; why not, or undefined. A piece may come again. */
  take(
    step: Extract<LoadStep, { readonly kind: 'piece' | 'abandon' }>,
    timeMs: number,
  ): string | undefined {
    const id = idOf(step);
    const current = this.#underWay();
    if (step.kind === 'abandon') {
      if (current?.id === id) this.clear();
      return undefined;
    }
    const have = current?.id === id ? current.bytes : 0;
    if (current !== undefined && current.id !== id) {
      if (timeMs - current.timeMs < staleMs) return 'another load is under way';
      this.clear();
    }
    const end = step.bytes + step.data.length;
    if (end <= have) return undefined;
    if (step.bytes !== have) return 'a piece is missing; load it again';
    if (end > loadFileBytesMax) return `more than ${loadFileBytesMax} bytes are not loaded`;
    const insert = this.#engine.prepare('INSERT INTO _stockade_load VALUES (?, ?)');
    insert.run({ anonymous: [BigInt(step.bytes), step.data] });
    this.#write({ id, bytes: end, timeMs });
    return undefined;
  }

  /** Whether this end was applied before: whoever asks again did not hear of it. */
  isFinished(step: LoadEnd): boolean {
    return this.#store.readValue(finishedKey) === idOf(step);
  }

  /** Why the pieces are not what this end says, or undefined. */
  problemOf(step: LoadEnd): string | undefined {
    const current = this.#underWay();
    if (current?.id !== idOf(step)) return 'another load took its place; load it again';
    if (current.bytes !== step.bytes) return 'a piece is missing; load it again';
    const hash = createHash('sha256');
    for (const piece of this.pieces()) hash.update(piece);
    return hash.digest().equals(step.digest) ? undefined : 'the pieces are not what was sent';
  }

  /** All pieces in order. */
  *pieces(): Generator<Uint8Array> {
    const select = this.#engine.prepare('SELECT data FROM _stockade_load ORDER BY at');
    for (const [data] of select.iterate(noBindings, false)) {
      if (data instanceof Uint8Array) yield data;
    }
  }

  /** Forgets the pieces, because the load is over: `finished` when it has had its effect. */
  clear(finished?: LoadEnd): void {
    this.#engine.execute('DELETE FROM _stockade_load');
    this.#store.writeValue(underWayKey, '');
    if (finished !== undefined) this.#store.writeValue(finishedKey, idOf(finished));
  }

  #underWay(): UnderWay | undefined {
    const text = this.#store.readValue(underWayKey);
    return typeof text === 'string' && text !== '' ? (JSON.parse(text) as UnderWay) : undefined;
  }

  #write(state: UnderWay): void {
    this.#store.writeValue(underWayKey, JSON.stringify(state));
  }
}
