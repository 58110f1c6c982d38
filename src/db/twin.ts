// The guard's twin: a database in memory with the schema of the real one and no rows. It is the one
// place that uses node:sqlite, because that has an authorizer: while a statement is prepared here,
// SQLite itself reports every table, function and trigger that the statement reaches. Never opens a
// file: two SQLite libraries on one file in one process would break its locks.
import { constants, DatabaseSync } from 'node:sqlite';
import { statementBytesMax } from '#limits.ts';
import { contentTableOf } from './content-tables.ts';
import { Expansion } from './expansion.ts';
import { type Instruction, instructionFrom } from './explain.ts';
import type { Refusal } from './statement-class.ts';
import type { Piece } from './statement-text.ts';

/** A row of sqlite_schema. */
export interface SchemaObject {
  readonly type: string;
  readonly name: string;
  readonly sql: string;
}

/** One report of the authorizer; `through` names the trigger or view whose text it is from. */
export interface Report {
  readonly action: number;
  readonly first: string | null;
  readonly second: string | null;
  readonly database: string | null;
  readonly through: string | null;
}

/** Actions of the authorizer, by SQLite's names. */
export const action = {
  read: constants.SQLITE_READ,
  select: constants.SQLITE_SELECT,
  insert: constants.SQLITE_INSERT,
  update: constants.SQLITE_UPDATE,
  delete: constants.SQLITE_DELETE,
  function: constants.SQLITE_FUNCTION,
  recursive: constants.SQLITE_RECURSIVE,
  createIndex: constants.SQLITE_CREATE_INDEX,
  createTable: constants.SQLITE_CREATE_TABLE,
  createTrigger: constants.SQLITE_CREATE_TRIGGER,
  createView: constants.SQLITE_CREATE_VIEW,
  createVirtualTable: constants.SQLITE_CREATE_VTABLE,
  dropIndex: constants.SQLITE_DROP_INDEX,
  dropTable: constants.SQLITE_DROP_TABLE,
  dropTrigger: constants.SQLITE_DROP_TRIGGER,
  dropView: constants.SQLITE_DROP_VIEW,
  dropVirtualTable: constants.SQLITE_DROP_VTABLE,
  alterTable: constants.SQLITE_ALTER_TABLE,
  reindex: constants.SQLITE_REINDEX,
  analyze: constants.SQLITE_ANALYZE,
} as const;

/** Decides on one report: undefined lets it pass. */
export type Judge = (report: Report) => Refusal | undefined;

/** What preparing a statement came to. */
export type Preparation =
  | { readonly kind: 'prepared'; readonly columns: readonly string[] }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'error'; readonly message: string };

/**
 * A program of SQLite is 40 bytes an instruction: bounds what one statement can make it prepare.
 */
const instructionsMax = 1_000_000;

/** Functions of the real engine that this one lacks; only their names matter here. */
const missingFunctions = ['soundex'];

const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);

/**
 * A rowid, a primary key or a unique index of which every column is given. NULLs are equal to
 * nothing, so columns that may hold them make nothing unique.
 */
const uniqueText = `WITH given(name) AS (SELECT value FROM json_each(:given)),
  columns AS (SELECT lower(name) AS name, lower(type) AS type, pk, "notnull" AS filled
    FROM pragma_table_info(:table))
  SELECT 1 FROM pragma_table_list(:table) t WHERE t.type = 'table' AND EXISTS (
    SELECT 1 FROM given WHERE name IN ('rowid', 'oid', '_rowid_')
      AND name NOT IN (SELECT name FROM columns))
  UNION ALL SELECT 1 FROM columns WHERE pk = 1 AND type = 'integer'
    AND (SELECT count(*) FROM columns WHERE pk > 0) = 1 AND name IN (SELECT name FROM given)
  UNION ALL SELECT 1 FROM pragma_index_list(:table) i WHERE i."unique" = 1 AND i.partial = 0
    AND NOT EXISTS (SELECT 1 FROM pragma_index_info(i.name) c
      WHERE c.name IS NULL OR lower(c.name) NOT IN (SELECT name FROM given)
        OR lower(c.name) NOT IN (SELECT name FROM columns WHERE filled = 1))`;

/** Virtual tables first: they make their shadow tables themselves. */
const loadOrder = ['table', 'index', 'view', 'trigger'];
const isVirtual = ({ sql }: Pick<SchemaObject, 'sql'>): boolean =>
  /^\s*create\s+virtual/i.test(sql);
const inLoadOrder = (objects: readonly SchemaObject[]): readonly SchemaObject[] => [
  ...objects.filter(isVirtual),
  ...loadOrder.flatMap((type) =>
    objects.filter((object) => object.type === type && !isVirtual(object)),
  ),
];

/** A twin of one schema. */
export class Twin {
  readonly #database: DatabaseSync;
  #judge: Judge | undefined;
  #refusal: Refusal | undefined;
  /** Undefined after a change of the schema, all three. */
  #shadows: ReadonlySet<string> | undefined;
  #expansion: Expansion | undefined;
  #contents: ReadonlyMap<string, string> | undefined;
  #changed = false;

  constructor() {
    this.#database = new DatabaseSync(':memory:', {
      enableForeignKeyConstraints: false,
      limits: { attach: 0, sqlLength: 2 * statementBytesMax, vdbeOp: instructionsMax },
    });
    this.#database.enableDefensive(true);
    for (const name of missingFunctions) {
      this.#database.function(name, { varargs: true, deterministic: true }, () => null);
    }
    this.#database.setAuthorizer((code, first, second, database, through) =>
      this.#authorize({ action: code, first, second, database, through }),
    );
  }

  /** Makes the schema; the name of an object that cannot be made, or undefined. */
  load(objects: readonly SchemaObject[]): string | undefined {
    this.#database.exec('BEGIN');
    for (const object of inLoadOrder(objects)) {
      if (this.has(object.name)) continue;
      const error = this.#loadObject(object);
      if (error !== undefined) return `${object.name}: ${error}`;
    }
    this.#database.exec('COMMIT');
    return undefined;
  }

  /** Prepares a statement, each of its reports shown to `judge`. */
  prepare(text: string, judge: Judge): Preparation {
    this.#judge = judge;
    this.#refusal = undefined;
    try {
      const statement = this.#database.prepare(text);
      const columns = statement.columns().map(({ name }) => name);
      return { kind: 'prepared', columns };
    } catch (thrown) {
      return this.#refusal === undefined
        ? { kind: 'error', message: messageOf(thrown) }
        : { kind: 'refused', refusal: this.#refusal };
    } finally {
      this.#judge = undefined;
    }
  }

  /** Names in lower case of the tables in which virtual tables keep what they store. */
  shadowTables(): ReadonlySet<string> {
    this.#shadows ??= new Set(
      this.#database
        .prepare("SELECT lower(name) AS name FROM pragma_table_list WHERE type = 'shadow'")
        .all()
        .map(({ name }) => String(name)),
    );
    return this.#shadows;
  }

  /** Tables that full-text indexes take their text from, by the index; names in lower case. */
  contentTables(): ReadonlyMap<string, string> {
    this.#contents ??= new Map(
      this.#database
        .prepare(
          "SELECT lower(name) AS name, sql FROM sqlite_schema WHERE sql LIKE '%fts5%content%'",
        )
        .all()
        .flatMap(({ name, sql }) => {
          const content = isVirtual({ sql: String(sql) }) ? contentTableOf(String(sql)) : undefined;
          return content === undefined ? [] : [[String(name), content] as const];
        }),
    );
    return this.#contents;
  }

  /** Of the views of this schema. */
  expansion(): Expansion {
    this.#expansion ??= new Expansion(
      new Map(
        this.#database
          .prepare("SELECT lower(name) AS name, sql FROM sqlite_schema WHERE type = 'view'")
          .all()
          .map(({ name, sql }) => [String(name), String(sql)]),
      ),
    );
    return this.#expansion;
  }

  /** The program of a statement that has been judged. */
  explain({ text, explained }: Pick<Piece, 'text' | 'explained'>): readonly Instruction[] {
    const rows = this.#database.prepare(explained ? text : `EXPLAIN ${text}`).all();
    return rows.map((row) => instructionFrom(Object.values(row)));
  }

  /** Runs a schema statement that has been judged; its error, or undefined. */
  apply(text: string): string | undefined {
    this.#forgetSchema();
    this.#changed = true;
    try {
      this.#database.exec(text);
      return undefined;
    } catch (thrown) {
      return messageOf(thrown);
    }
  }

  /** Runs `work`, then undoes what it applied. */
  undoing<Result>(work: () => Result): Result {
    this.#database.exec('SAVEPOINT judging');
    try {
      return work();
    } finally {
      this.#database.exec('ROLLBACK TO judging; RELEASE judging');
      if (this.#changed) this.#forgetSchema();
      this.#changed = false;
    }
  }

  #forgetSchema(): void {
    this.#shadows = undefined;
    this.#expansion = undefined;
    this.#contents = undefined;
  }

  close(): void {
    this.#database.close();
  }

  /** Whether no two rows of a table can be equal in all of these columns (in lower case). */
  isUnique(table: string, columns: readonly string[]): boolean {
    const given = JSON.stringify(columns);
    return this.#database.prepare(uniqueText).get({ table, given }) !== undefined;
  }

  /** Whether the schema has an object of this name; case does not count. */
  has(name: string): boolean {
    const text = 'SELECT 1 FROM sqlite_schema WHERE lower(name) = lower(?)';
    return this.#database.prepare(text).get(name) !== undefined;
  }

  #loadObject({ name, sql }: SchemaObject): string | undefined {
    // Tables of SQLite itself are not made by their text.
    if (name.startsWith('sqlite_stat')) return this.apply('ANALYZE');
    return name.startsWith('sqlite_') ? undefined : this.apply(sql);
  }

  #authorize(report: Report): number {
    const refusal = this.#judge?.(report);
    if (refusal === undefined) return constants.SQLITE_OK;
    this.#refusal ??= refusal;
    return constants.SQLITE_DENY;
  }
}
