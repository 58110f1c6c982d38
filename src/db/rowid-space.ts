// Keeps tables away from the end of the rowids. Behind the largest one, 2^63 - 1, SQLite draws
// rowids from its own generator, differently on each replica, or reports a full disk, which would
// stop them all. So a statement that leaves that rowid behind fails instead. Known here: which
// tables a statement may have given an explicit rowid, so that ordinary inserts cost nothing.
import { type Engine, type EngineStatement, noBindings } from './engine.ts';
import { explain } from './explain.ts';
import type { Piece } from './statement-text.ts';
import { keywordOf, nameOf } from './tokenizer.ts';

/** The largest rowid. */
export const rowidMax = 9_223_372_036_854_775_807n;

/** A table whose rows have rowids. */
interface RowidTable {
  readonly name: string;
  /** What addresses the rowid: a column of the user, or the first alias that no column hides. */
  readonly rowid: string;
  /** Its own columns can be the rowid: a text without column names may set it. */
  readonly aliased: boolean;
}

const aliases = ['rowid', '_rowid_', 'oid'];

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const tablesText = `SELECT l.name, l.type,
    (SELECT group_concat(lower(name), char(0)) FROM pragma_table_xinfo(l.name)),
    (SELECT max(name) FROM pragma_table_info(l.name) WHERE pk > 0 AND upper(type) = 'INTEGER'
      HAVING count(*) = 1)
  FROM pragma_table_list AS l
  WHERE l.schema = 'main' AND l.wr = 0 AND l.type IN ('table', 'virtual')
    AND substr(l.name, 1, 7) <> 'sqlite_'`;

const tablesOf = (engine: Engine): ReadonlyMap<string, RowidTable> => {
  const tables = new Map<string, RowidTable>();
  for (const [name, type, columns, key] of engine.prepare(tablesText).all(noBindings, false)) {
    const hidden = String(columns).split('\0');
    const alias = aliases.find((word) => !hidden.includes(word));
    const rowid = typeof key === 'string' ? key : alias;
    if (rowid === undefined) continue;
    const aliased = typeof key === 'string' || type === 'virtual';
    tables.set(String(name).toLowerCase(), { name: String(name), rowid, aliased });
  }
  return tables;
};

/** The table that INSERT, REPLACE or UPDATE names, in lower case. */
const targetOf = (piece: Piece): string => {
  const { text, tokens } = piece;
  const verb = tokens.findIndex((token) => keywordOf(text, token) === piece.verb);
  let at = verb + 1;
  while (
    ['OR', 'ROLLBACK', 'ABORT', 'REPLACE', 'FAIL', 'IGNORE', 'INTO'].includes(
      keywordOf(text, tokens[at]),
    )
  )
    at += 1;
  return nameOf(text, tokens[tokens[at + 1]?.kind === 'dot' ? at + 2 : at]);
};

/** Whether a text says which columns it inserts. */
const listsColumns = (piece: Piece): boolean => {
  const values = piece.tokens.findIndex((token) =>
    ['VALUES', 'SELECT', 'DEFAULT', 'WITH'].includes(keywordOf(piece.text, token)),
  );
  return piece.tokens.slice(0, values).some(({ kind }) => kind === 'open');
};

const mentions = (piece: Piece, names: readonly string[]): boolean =>
  piece.tokens.some((token) => names.includes(nameOf(piece.text, token)));

/** What is known of the rowids of one schema. */
export class RowidSpace {
  readonly #engine: Engine;
  readonly #checks = new Map<string, EngineStatement>();
  #tables: ReadonlyMap<string, RowidTable> | undefined;
  #subprograms = false;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** After a change of the schema. */
  forget(): void {
    this.#tables = undefined;
    this.#checks.clear();
  }

  /** Tables to check after each run of a statement, in lower case. */
  tablesToCheck(piece: Piece): readonly string[] {
    if (piece.access !== 'write' || piece.explained) return [];
    const tables = this.#load();
    if (this.#subprograms) {
      const written = explain(this.#engine, piece).filter(({ opcode }) => opcode === 'Insert');
      const named = [targetOf(piece), ...written.map(({ p4 }) => p4.toLowerCase())];
      return [...new Set(named)].filter((name) => tables.has(name));
    }
    const target = targetOf(piece);
    const table = piece.verb === 'DELETE' ? undefined : tables.get(target);
    return table !== undefined && setsRowid(piece, table) ? [target] : [];
  }

  /** Whether one of these tables holds the largest rowid. */
  exhausted(names: readonly string[]): boolean {
    return names.some((name) => this.#check(name).all(noBindings, false).length > 0);
  }

  #load(): ReadonlyMap<string, RowidTable> {
    if (this.#tables !== undefined) return this.#tables;
    this.#tables = tablesOf(this.#engine);
    // Triggers and foreign keys write to tables that the statement does not name.
    const found = this.#engine.value(
      `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'trigger')
        OR ((SELECT foreign_keys FROM pragma_foreign_keys) AND EXISTS
          (SELECT 1 FROM pragma_table_list AS l, pragma_foreign_key_list(l.name)))`,
    );
    this.#subprograms = found === 1;
    return this.#tables;
  }

  #check(name: string): EngineStatement {
    const known = this.#checks.get(name);
    if (known !== undefined) return known;
    const table = this.#load().get(name);
    const made = this.#engine.prepare(
      `SELECT 1 FROM main.${quote(table?.name ?? name)} WHERE ${quote(table?.rowid ?? 'rowid')} = ${rowidMax}`,
    );
    this.#checks.set(name, made);
    return made;
  }
}

const setsRowid = (piece: Piece, table: RowidTable): boolean => {
  if (mentions(piece, [...aliases, table.rowid.toLowerCase()])) return true;
  return table.aliased && piece.verb !== 'UPDATE' && !listsColumns(piece);
};
