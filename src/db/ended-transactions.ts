// Which interactive transactions were committed, kept in the same transaction as what they did:
// whoever commits one again learns what came of it and applies nothing, at whichever leader. Like
// the outcomes under keys it depends on nothing but entries.
import { endedTransactionsMax, keptMs } from '#limits.ts';
import { type Engine, type EngineStatement, noBindings, type SqlValue } from './engine.ts';
import type { PositionStore } from './position.ts';

/** Makes the table; within a transaction. */
export const makeEndedTable = (engine: Engine): void => {
  engine.execute(`CREATE TABLE IF NOT EXISTS _stockade_transactions (
    entry INTEGER PRIMARY KEY,
    user TEXT NOT NULL,
    id TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    error TEXT NOT NULL,
    UNIQUE (user, id)
  ) STRICT`);
};

/** A transaction whose commit is in the log. */
export interface EndedTransaction {
  readonly entry: number;
  /** By the time of the log. */
  readonly timeMs: number;
  readonly user: string;
  readonly id: string;
  /** Why its COMMIT failed; empty: it is committed. */
  readonly error: string;
}

/** At most so many of the oldest go with each that comes: the bounds are met, nothing stops. */
const droppedMax = 2;

/** A message of SQLite that is longer is cut: it is for reading. */
const errorCharactersMax = 500;

const rowsName = 'transaction_rows';

const numberFrom = (value: SqlValue | undefined): number => Number(value ?? 0);

/** Reads and writes the table through one connection. */
export class EndedTransactions {
  readonly #store: PositionStore;
  readonly #find: EngineStatement;
  readonly #insert: EngineStatement;
  readonly #oldest: EngineStatement;
  readonly #delete: EngineStatement;

  constructor(engine: Engine, store: PositionStore) {
    this.#store = store;
    this.#find = engine.prepare(
      'SELECT entry, time_ms, error FROM _stockade_transactions WHERE user = ? AND id = ?',
    );
    this.#insert = engine.prepare('INSERT INTO _stockade_transactions VALUES (?, ?, ?, ?, ?)');
    this.#oldest = engine.prepare(
      'SELECT entry, time_ms FROM _stockade_transactions ORDER BY entry LIMIT 1',
    );
    this.#delete = engine.prepare('DELETE FROM _stockade_transactions WHERE entry = ?');
  }

  /** What came of this user's transaction, if its commit was applied. */
  find(user: string, id: string): EndedTransaction | undefined {
    const row = this.#find.all({ anonymous: [user, id] }, false)[0];
    if (row === undefined) return undefined;
    const [entry, timeMs, error] = row;
    return { entry: numberFrom(entry), timeMs: numberFrom(timeMs), user, id, error: String(error) };
  }

  /** Remembers one that is not known: nobody commits one that is. */
  keep({ entry, user, id, timeMs, error }: EndedTransaction): void {
    this.#insert.run({ anonymous: [entry, user, id, timeMs, error.slice(0, errorCharactersMax)] });
    let rows = numberFrom(this.#store.readValue(rowsName)) + 1;
    for (let dropped = 0; dropped < droppedMax; dropped++) {
      const [oldest, keptAt] = this.#oldest.all(noBindings, false)[0] ?? [];
      const late = numberFrom(keptAt) + keptMs < timeMs;
      if (!late && rows <= endedTransactionsMax) break;
      this.#delete.run({ anonymous: [numberFrom(oldest)] });
      rows -= 1;
    }
    this.#store.writeValue(rowsName, BigInt(rows));
  }
}
