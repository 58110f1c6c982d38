// The one place that touches better-sqlite3: open, prepare, run, iterate, define a function, close.
// Everything else in this folder speaks this interface, so that the engine can be changed in a
// week. It judges nothing: text that users wrote goes through the guard first.
import Database from 'better-sqlite3';
import { invariant } from '#invariant.ts';

/** What the engine stores and returns; `bigint` only where exact integers were asked for. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** Values of anonymous parameters in their order, and of named ones by name without its prefix. */
export interface Bindings {
  readonly anonymous: readonly SqlValue[];
  readonly named?: Readonly<Record<string, SqlValue>> | undefined;
}

/** No parameters. */
export const noBindings: Bindings = { anonymous: [] };

/** A column of a result: its name, and what SQLite knows of where it comes from. */
export interface EngineColumn {
  readonly name: string;
  /** Origin column and table; null for expressions. */
  readonly column: string | null;
  readonly table: string | null;
  /** Declared type as written; null when there is none. */
  readonly type: string | null;
}

/** What a statement without rows did. */
export interface RunResult {
  /** Rows inserted, changed or deleted by the statement itself; 0 when it changed none. */
  readonly changes: number;
  /** The connection's last_insert_rowid(). */
  readonly lastInsertRowid: bigint;
}

/** A prepared statement. */
export interface EngineStatement {
  /** It has columns. */
  readonly returnsRows: boolean;
  /** SQLite's own opinion; not a permission check. */
  readonly readonly: boolean;
  run(bindings: Bindings): RunResult;
  /** All rows at once; `exact` gives integers as bigint, else as number. */
  all(bindings: Bindings, exact: boolean): readonly (readonly SqlValue[])[];
  /** Row by row; the connection is busy until the iterator ends or returns. */
  iterate(bindings: Bindings, exact: boolean): IterableIterator<readonly SqlValue[]>;
  columns(): readonly EngineColumn[];
}

/** What a function written here may return to SQL. */
export type SqlFunction = (...values: SqlValue[]) => SqlValue;

/** An open connection. */
export interface Engine {
  readonly inTransaction: boolean;
  /** @throws SqlError's source, see {@link sqlErrorFrom} */
  prepare(text: string): EngineStatement;
  /** Runs statements of our own making; never text of a user. */
  execute(text: string): void;
  /** The same without SQLite's defences against users: it lets nobody touch shadow tables. */
  executeUndefended(text: string): void;
  /** Forgets the schema and the statistics in memory and reads them anew; in no transaction. */
  readSchemaAnew(): void;
  /** The first value of the first row of a statement of our own making. */
  value(text: string): SqlValue;
  /** Replaces a function for this connection; `parameters` undefined takes any number. */
  define(name: string, parameters: number | undefined, definition: FunctionDefinition): void;
  /**
   * Copies the database page by page into a new file, as the transaction sees it that is open here.
   * Others may write meanwhile. Must be in a transaction; nobody else uses the connection until the
   * copy is done; `onStep` is called behind each four MiB or so. The file is not durable.
   */
  copyTo(path: string, onStep: () => void): Promise<void>;
  close(): void;
}

/** A function for {@link Engine.define}; integers arrive as bigint. */
export interface FunctionDefinition {
  /** Equal arguments give an equal result for the length of a statement. */
  readonly deterministic: boolean;
  readonly call: SqlFunction;
}

/** How to open. */
export interface EngineOptions {
  readonly readonly: boolean;
  /** How long to wait for a lock, milliseconds. */
  readonly busyTimeoutMs: number;
}

/**
 * An error of SQLite: its extended result code by name (`SQLITE_CONSTRAINT_UNIQUE`) and its text.
 */
export interface SqlError {
  readonly code: string;
  readonly message: string;
}

/**
 * A statement's error that is raised here, not by SQLite; from a function SQLite passes it through.
 */
export class StatementError extends Error {
  override readonly name = 'StatementError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The SQL error in what was thrown, or undefined when that is something else: a fault of ours. */
export const sqlErrorFrom = (thrown: unknown): SqlError | undefined => {
  if (thrown instanceof Database.SqliteError || thrown instanceof StatementError) {
    return { code: thrown.code, message: thrown.message };
  }
  // The binding checks some sizes itself, before SQLite would, and knows no other RangeError here:
  // numbers and names of parameters are counted before anything is bound.
  if (thrown instanceof RangeError && thrown.message.endsWith('is too big')) {
    return { code: 'SQLITE_TOOBIG', message: 'string or blob too big' };
  }
  if (thrown instanceof RangeError && thrown.message.includes('more than one statement')) {
    return { code: 'SQLITE_ERROR', message: 'the text holds more than one statement' };
  }
  return undefined;
};

/** Between two steps of a copy the process hears what it is told: 4 MiB at a time take some ms. */
const pagesPerStep = 1024;

type Prepared = Database.Statement<unknown[], unknown>;

const bound = (bindings: Bindings): unknown[] =>
  bindings.named === undefined ? [bindings.anonymous] : [bindings.anonymous, bindings.named];

const statementOf = (prepared: Prepared): EngineStatement => {
  if (prepared.reader) prepared.raw(true);
  prepared.safeIntegers(true);
  let exactNow = true;
  const setExact = (exact: boolean): void => {
    if (exact === exactNow) return;
    prepared.safeIntegers(exact);
    exactNow = exact;
  };
  return {
    returnsRows: prepared.reader,
    readonly: prepared.readonly,
    run: (bindings) => {
      // The binding's own type does not say so, but with exact integers on the id is a bigint.
      const { changes, lastInsertRowid } =
        bindings.named === undefined
          ? prepared.run(bindings.anonymous)
          : prepared.run(bindings.anonymous, bindings.named);
      return { changes, lastInsertRowid: BigInt(lastInsertRowid) };
    },
    all: (bindings, exact) => {
      setExact(exact);
      return prepared.all(...bound(bindings)) as SqlValue[][];
    },
    iterate: (bindings, exact) => {
      setExact(exact);
      return prepared.iterate(...bound(bindings)) as IterableIterator<SqlValue[]>;
    },
    columns: () => prepared.columns(),
  };
};

/**
 * Opens a database file, or `:memory:`.
 *
 * @throws what {@link sqlErrorFrom} understands
 */
export const openEngine = (path: string, options: EngineOptions): Engine => {
  const database = new Database(path, {
    readonly: options.readonly,
    fileMustExist: path !== ':memory:',
    timeout: options.busyTimeoutMs,
  });
  const executeUndefended = (text: string): void => {
    database.unsafeMode(true);
    try {
      database.exec(text);
    } finally {
      database.unsafeMode(false);
    }
  };
  return {
    get inTransaction() {
      return database.inTransaction;
    },
    prepare: (text) => statementOf(database.prepare(text)),
    execute: (text) => {
      database.exec(text);
    },
    executeUndefended,
    readSchemaAnew: () => {
      // With its defences up SQLite leaves triggers on shadow tables out as it reads.
      executeUndefended('PRAGMA writable_schema = RESET; SELECT count(*) FROM sqlite_schema');
    },
    value: (text) => database.prepare(text).pluck().get() as SqlValue,
    define: (name, parameters, definition) => {
      const call = (...values: SqlValue[]): SqlValue => definition.call(...values);
      if (parameters !== undefined) Object.defineProperty(call, 'length', { value: parameters });
      const options = {
        deterministic: definition.deterministic,
        safeIntegers: true,
        varargs: parameters === undefined,
      };
      database.function(name, options, call);
    },
    copyTo: async (path, onStep) => {
      // In a transaction all steps read one snapshot; without, a write would start the copy anew.
      invariant(database.inTransaction, 'a copy is made of one snapshot');
      const progress = (): number => {
        onStep();
        return pagesPerStep;
      };
      await database.backup(path, { progress });
    },
    close: () => {
      database.close();
    },
  };
};
