// Where the database stands: the one row that every applied entry rewrites, and the few values
// beside it that change rarely. They live in the database, so they are as old or as new as the
// data. The page docs/formats/database.md describes the tables.
import { CodedError } from '#errors.ts';
import { invariant } from '#invariant.ts';
import { type Engine, type EngineStatement, noBindings, type SqlValue } from './engine.ts';

/** Version of the tables below and of the data folder's layout. */
const formatVersion = 2;

/** What is recorded with every applied entry. */
export interface Position {
  /** Last entry applied in whole. */
  readonly index: number;
  readonly term: number;
  /** Log time of the last command, milliseconds since 1970. */
  readonly timeMs: number;
  /** Last entry that changed the schema. */
  readonly schemaIndex: number;
  /** Outcome chain after `index`: 32 bytes. */
  readonly chain: Buffer;
  /** Statements done of entry `index` + 1, when that one has a transaction for each of them. */
  readonly statementsDone: number;
  /** Their part of the outcome chain. */
  readonly pending: Buffer;
}

/** The value beside the position that holds the last configuration entry's data. */
export const configurationKey = 'configuration';

/** The value beside the position that says of which cluster the data is. */
export const clusterKey = 'cluster';

const empty = Buffer.alloc(0);

/** Before the first entry. */
const origin: Position = {
  index: 0,
  term: 0,
  timeMs: 0,
  schemaIndex: 0,
  chain: Buffer.alloc(32),
  statementsDone: 0,
  pending: empty,
};

/**
 * One row in one table: every transaction writes its page, and a second one would be 4 KiB more.
 */
const createMeta = `
  CREATE TABLE _stockade_meta (
    key INTEGER PRIMARY KEY CHECK (key = 0),
    applied_index INTEGER NOT NULL,
    applied_term INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    schema_index INTEGER NOT NULL,
    chain BLOB NOT NULL,
    statements_done INTEGER NOT NULL,
    pending BLOB NOT NULL
  ) STRICT;`;

const createValues = `
  CREATE TABLE _stockade_values (
    name TEXT PRIMARY KEY,
    value ANY NOT NULL
  ) STRICT, WITHOUT ROWID;`;

const numberFrom = (value: SqlValue | undefined): number => {
  invariant(
    typeof value === 'number' || typeof value === 'bigint',
    'a position is made of numbers',
  );
  return Number(value);
};

const bufferFrom = (value: SqlValue | undefined): Buffer => {
  invariant(value instanceof Uint8Array, 'the outcome chain is bytes');
  return Buffer.from(value);
};

const selectPosition = `SELECT applied_index, applied_term, time_ms, schema_index, chain,
  statements_done, pending FROM _stockade_meta`;

const positionFrom = (row: readonly SqlValue[]): Position => ({
  index: numberFrom(row[0]),
  term: numberFrom(row[1]),
  timeMs: numberFrom(row[2]),
  schemaIndex: numberFrom(row[3]),
  chain: bufferFrom(row[4]),
  statementsDone: numberFrom(row[5]),
  pending: bufferFrom(row[6]),
});

const ownTablesText = `SELECT count(*) FROM sqlite_schema WHERE type = 'table'
  AND name IN ('_stockade_meta', '_stockade_values')`;

/** Whether the tables are there, as tables. */
export const hasOwnTables = (engine: Engine): boolean => engine.value(ownTablesText) === 2;

/** Format 1 had the row in two tables. */
const fromFormatOne = `
  ALTER TABLE _stockade_meta RENAME TO _stockade_meta_1;
  ${createMeta}
  INSERT INTO _stockade_meta SELECT 0, applied_index, applied_term, time_ms, schema_index, chain,
    statements_done, pending FROM _stockade_meta_1, _stockade_state;
  DROP TABLE _stockade_meta_1;
  DROP TABLE _stockade_state;
  UPDATE _stockade_values SET value = 2 WHERE name = 'format';`;

const formatText = "SELECT value FROM _stockade_values WHERE name = 'format'";

/**
 * Makes the tables in a new file, and brings those of an older format to this one; within a
 * transaction. A newer format is left alone: PositionStore refuses it.
 */
export const makeTables = (engine: Engine): void => {
  if (hasOwnTables(engine)) {
    if (engine.value(formatText) === 1) engine.execute(fromFormatOne);
    return;
  }
  engine.execute(createMeta + createValues);
  engine.execute(`INSERT INTO _stockade_values VALUES ('format', ${formatVersion}), ('epoch', 0)`);
};

const checkVersion = (engine: Engine): void => {
  if (!hasOwnTables(engine)) {
    throw new CodedError('data_folder_foreign', 'the database is not one of this program', {
      hint: 'start the writer of this folder first; it makes the tables',
    });
  }
  const version = engine.value(formatText);
  if (version === formatVersion) return;
  throw new CodedError(
    'data_folder_foreign',
    `the database has format ${String(version)}, this program reads ${formatVersion}`,
    { hint: 'start the version that wrote it, or restore a backup into a new folder' },
  );
};

/** Reads and writes the position through one connection. */
export class PositionStore {
  readonly #engine: Engine;
  readonly #select: EngineStatement;
  readonly #replaceIndex: EngineStatement;
  readonly #replaceRow: EngineStatement;
  readonly #selectValue: EngineStatement;
  readonly #replaceValue: EngineStatement;
  readonly #selectFence: EngineStatement;

  /** Opens the tables. @throws CodedError `data_folder_foreign` for another format or none */
  constructor(engine: Engine) {
    checkVersion(engine);
    this.#engine = engine;
    this.#select = engine.prepare(selectPosition);
    this.#replaceIndex = engine.prepare(
      "REPLACE INTO _stockade_meta VALUES (0, ?, ?, 0, 0, x'', 0, x'')",
    );
    this.#replaceRow = engine.prepare(
      'REPLACE INTO _stockade_meta VALUES (0, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#selectValue = engine.prepare('SELECT value FROM _stockade_values WHERE name = ?');
    this.#replaceValue = engine.prepare('REPLACE INTO _stockade_values VALUES (?, ?)');
    this.#selectFence = engine.prepare(
      `SELECT (SELECT applied_index FROM _stockade_meta),
        (SELECT value FROM _stockade_values WHERE name = 'epoch')`,
    );
  }

  /** The stored position. */
  read(): Position {
    const row = this.#select.all(noBindings, false)[0];
    return row === undefined ? origin : positionFrom(row);
  }

  /** Applied index and epoch of the database now. */
  readFence(): { readonly index: number; readonly epoch: number } {
    const row = this.#selectFence.all(noBindings, false)[0];
    return { index: numberFrom(row?.[0] ?? 0), epoch: numberFrom(row?.[1]) };
  }

  /**
   * Stores the index, and nothing yet of the rest: no transaction commits without `write`. Sets
   * last_insert_rowid() to 0 and changes() to 1.
   */
  writeIndex(index: number, term: number): void {
    this.#replaceIndex.run({ anonymous: [index, term] });
  }

  /** Stores the whole position. */
  write({ index, term, timeMs, schemaIndex, chain, statementsDone, pending }: Position): void {
    this.#replaceRow.run({
      anonymous: [index, term, timeMs, schemaIndex, chain, statementsDone, pending],
    });
  }

  /** A value of its own, or null. */
  readValue(name: string): SqlValue {
    return this.#selectValue.all({ anonymous: [name] }, false)[0]?.[0] ?? null;
  }

  writeValue(name: string, value: SqlValue): void {
    this.#replaceValue.run({ anonymous: [name, value] });
  }

  /** Takes office: from now on older writers of this file find another epoch and stop. */
  raiseEpoch(): number {
    const epoch = this.readFence().epoch + 1;
    this.writeValue('epoch', BigInt(epoch));
    invariant(this.#engine.inTransaction, 'the epoch is raised within a transaction');
    return epoch;
  }
}
