// Keeps tables away from the end of the rowids. Behind the largest one, 2^63 - 1, SQLite draws
// rowids from its own generator, differently on each replica, or reports a full disk, which would
// stop them all. So a statement that leaves a rowid near the end fails instead. "Near" is more than
// one statement can insert, because one that begins below could otherwise pass the end before
// anybody looks. Known here: which tables a statement may give a rowid of its choice; ordinary
// inserts cost nothing.
import { type Engine, type EngineStatement, noBindings } from './engine.ts';
import type { Piece } from './statement-text.ts';
import { keywordOf, nameOf, tokensOf } from './tokenizer.ts';

/** No rowid is this large: 2^63 - 2^32. One random 63-bit number in two thousand million is. */
export const rowidEnd = 9_223_372_032_559_808_512n;

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
    ['OR', 'ROLLBACK', 'ABORT', 'REPLACE', 'FAIL', 'IGNORE', 'INTO', 'FROM'].includes(
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

/** Tables and views that a write to one may write to as well: by its triggers, by foreign keys. */
type Reach = ReadonlyMap<string, ReadonlySet<string>>;

const reachOf = (engine: Engine): Reach => {
  const reach = new Map<string, Set<string>>();
  const add = (from: string, to: string): void => {
    reach.set(from, (reach.get(from) ?? new Set()).add(to));
  };
  const triggers = "SELECT lower(tbl_name), sql FROM sqlite_schema WHERE type = 'trigger'";
  for (const [table, sql] of engine.prepare(triggers).all(noBindings, false)) {
    // Every name in a trigger could be that of a table it writes to.
    const text = String(sql);
    for (const token of tokensOf(text)) add(String(table), nameOf(text, token));
  }
  const keys = `SELECT lower(f."table"), lower(l.name)
    FROM pragma_table_list AS l, pragma_foreign_key_list(l.name) AS f
    WHERE (SELECT foreign_keys FROM pragma_foreign_keys)`;
  for (const [parent, child] of engine.prepare(keys).all(noBindings, false)) {
    add(String(parent), String(child));
  }
  return reach;
};

const reachedFrom = (start: string, reach: Reach): ReadonlySet<string> => {
  const found = new Set([start]);
  for (const name of found) for (const next of reach.get(name) ?? []) found.add(next);
  return found;
};

interface Known {
  readonly tables: ReadonlyMap<string, RowidTable>;
  readonly reach: Reach;
}

/**
 * What is known of the rowids of one schema. It looks with SELECT only: EXPLAIN of a write, which
 * would tell as much, sets changes() to 0 in the middle of a command.
 */
export class RowidSpace {
  readonly #engine: Engine;
  readonly #checks = new Map<string, EngineStatement>();
  #known: Known | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** After a change of the schema. */
  forget(): void {
    this.#known = undefined;
    this.#checks.clear();
  }

  /** Tables to look into after each run of a statement, in lower case. */
  tablesToCheck(piece: Piece): readonly string[] {
    if (piece.access !== 'write' || piece.explained) return [];
    const { tables, reach } = this.#load();
    const target = targetOf(piece);
    const reached = [...reachedFrom(target, reach)].filter((name) => tables.has(name));
    if (reached.some((name) => name !== target)) return reached;
    const table = piece.verb === 'DELETE' ? undefined : tables.get(target);
    return table !== undefined && setsRowid(piece, table) ? [target] : [];
  }

  /** Whether one of these tables holds a rowid near the end. */
  exhausted(names: readonly string[]): boolean {
    return names.some((name) => this.#check(name).all(noBindings, false).length > 0);
  }

  #load(): Known {
    this.#known ??= { tables: tablesOf(this.#engine), reach: reachOf(this.#engine) };
    return this.#known;
  }

  #check(name: string): EngineStatement {
    const known = this.#checks.get(name);
    if (known !== undefined) return known;
    const table = this.#load().tables.get(name);
    const made = this.#engine.prepare(
      `SELECT 1 FROM main.${quote(table?.name ?? name)} WHERE ${quote(table?.rowid ?? 'rowid')} >= ${rowidEnd} LIMIT 1`,
    );
    this.#checks.set(name, made);
    return made;
  }
}

/**
 * A table of a database from elsewhere that holds a rowid near the end, or one that nobody could
 * look at because columns have all its names.
 */
export const exhaustedTable = (engine: Engine): string | undefined => {
  const names = engine
    .prepare(`SELECT name FROM pragma_table_list WHERE schema = 'main' AND wr = 0
      AND type IN ('table', 'virtual') AND substr(name, 1, 7) <> 'sqlite_'`)
    .all(noBindings, false)
    .map(([name]) => String(name));
  const known = tablesOf(engine);
  const space = new RowidSpace(engine);
  return names.find((name) => {
    const key = name.toLowerCase();
    return !known.has(key) || space.exhausted([key]);
  });
};

const setsRowid = (piece: Piece, table: RowidTable): boolean => {
  if (mentions(piece, [...aliases, table.rowid.toLowerCase()])) return true;
  return table.aliased && piece.verb !== 'UPDATE' && !listsColumns(piece);
};
