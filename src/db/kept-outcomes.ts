// What came of requests that may be sent again (Idempotency-Key), kept in the same transaction as
// what they did. Whether a request is a repetition decides what a replica applies, so it depends on
// nothing but entries: sizes are counted by what was asked, never by what came of it.
import type { Idempotency } from '#command/command.ts';
import { invariant } from '#invariant.ts';
import { keptBytesMax, keptMs, keptRowsMax } from '#limits.ts';
import { type Engine, type EngineStatement, noBindings, type SqlValue } from './engine.ts';
import type { PositionStore } from './position.ts';

/** Makes the table; within a transaction. */
export const makeKeptTable = (engine: Engine): void => {
  engine.execute(`CREATE TABLE IF NOT EXISTS _stockade_kept (
    entry INTEGER PRIMARY KEY,
    user TEXT NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL,
    time_ms INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    error TEXT NOT NULL,
    results TEXT,
    UNIQUE (user, key)
  ) STRICT`);
};

/** What came of a request. */
export interface KeptOutcome {
  /** An error of the request as a whole; otherwise empty. */
  readonly error: string;
  /** Elements of `results`; undefined when they were too many to be kept. */
  readonly results: string | undefined;
}

/** What came of a request just now. */
export interface Done extends KeptOutcome {
  /** A statement failed, and all of it was undone. */
  readonly undone: boolean;
}

/** A request that was carried out before. */
export interface KeptRequest extends KeptOutcome {
  readonly entry: number;
  readonly digest: Uint8Array;
}

/** A request to remember. */
export interface KeptFrom {
  readonly entry: number;
  readonly timeMs: number;
  readonly user: string;
  readonly idempotency: Idempotency;
  readonly statements: number;
}

/** At most so many of the oldest go with each that comes: the bounds are met, nothing stops. */
const droppedMax = 2;

/** Bytes for key, digest and index of one; about what SQLite needs. */
const rowBytes = 128;

/** Bytes for what came of one: a write's ids, a short RETURNING or an error for each statement. */
const resultBytesFor = (statements: number): number => 64 + 64 * statements;

const rowsName = 'kept_rows';
const bytesName = 'kept_bytes';

/** Reads and writes the table through one connection. */
export class KeptOutcomes {
  readonly #store: PositionStore;
  readonly #find: EngineStatement;
  readonly #oldest: EngineStatement;
  readonly #insert: EngineStatement;
  readonly #delete: EngineStatement;

  constructor(engine: Engine, store: PositionStore) {
    this.#store = store;
    this.#find = engine.prepare(`SELECT entry, digest, time_ms, bytes, error, results
      FROM _stockade_kept WHERE user = ? AND key = ?`);
    this.#oldest = engine.prepare(
      'SELECT entry, time_ms, bytes FROM _stockade_kept ORDER BY entry LIMIT 1',
    );
    this.#insert = engine.prepare('INSERT INTO _stockade_kept VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
    this.#delete = engine.prepare('DELETE FROM _stockade_kept WHERE entry = ?');
  }

  /** The request that this user sent under this key within the hour before `timeMs`. */
  find(user: string, key: string, timeMs: number): KeptRequest | undefined {
    const row = this.#find.all({ anonymous: [user, key] }, false)[0];
    if (row === undefined) return undefined;
    const [entry, digest, keptAt, , error, results] = row;
    if (numberFrom(keptAt) + keptMs < timeMs) return undefined;
    invariant(digest instanceof Uint8Array, 'a digest is bytes');
    return {
      entry: numberFrom(entry),
      digest,
      error: String(error),
      results: typeof results === 'string' ? results : undefined,
    };
  }

  /** Remembers a request whose key is not known (any longer). */
  keep(from: KeptFrom, outcome: Done): void {
    const { entry, timeMs, user, idempotency, statements } = from;
    const { key, digest } = idempotency;
    const resultBytes = resultBytesFor(statements);
    const bytes = rowBytes + user.length + key.length + resultBytes;
    const { error, results } = shortened(outcome, resultBytes);
    let { rows: kept, bytes: keptBytes } = this.#totals();
    const forget = (row: readonly SqlValue[], freed: number): void => {
      this.#delete.run({ anonymous: [numberFrom(row[0])] });
      kept -= 1;
      keptBytes -= freed;
    };
    const expired = this.#find.all({ anonymous: [user, key] }, false)[0];
    if (expired !== undefined) forget(expired, numberFrom(expired[3]));
    this.#insert.run({
      anonymous: [entry, user, key, digest, timeMs, bytes, error, results ?? null],
    });
    kept += 1;
    keptBytes += bytes;
    for (let dropped = 0; dropped < droppedMax; dropped++) {
      const oldest = this.#oldest.all(noBindings, false)[0];
      if (oldest === undefined) break;
      const late = numberFrom(oldest[1]) + keptMs < timeMs;
      if (!late && kept <= keptRowsMax && keptBytes <= keptBytesMax) break;
      forget(oldest, numberFrom(oldest[2]));
    }
    this.#store.writeValue(rowsName, BigInt(kept));
    this.#store.writeValue(bytesName, BigInt(keptBytes));
  }

  #totals(): { readonly rows: number; readonly bytes: number } {
    return {
      rows: numberFrom(this.#store.readValue(rowsName) ?? 0),
      bytes: numberFrom(this.#store.readValue(bytesName) ?? 0),
    };
  }
}

/** What of it is kept in so many bytes. */
const shortened = ({ error, results, undone }: Done, bytesMax: number): KeptOutcome => {
  const fits = (text: string): boolean => Buffer.byteLength(text) <= bytesMax;
  if (results !== undefined && fits(results) && fits(error)) return { error, results };
  // Whoever asks again must not hear that something was applied.
  if (undone || error !== '') return { error: failedBefore, results: '' };
  return { error: '', results: undefined };
};

const failedBefore = 'the request failed when it was sent first; nothing was applied';

const numberFrom = (value: SqlValue | undefined): number => {
  invariant(typeof value === 'number', 'it is a number');
  return value;
};
