// Keeps tables away from the end of the rowids. Behind the largest one, 2^63 - 1, SQLite draws
// rowids from its own generator, differently on each replica, or reports a full disk, which would
// stop them all; and a row that reached it may be gone again before its statement ends. So the row
// itself is refused, by triggers of this connection that fire before any of a user's: temporary
// ones, so that they are in no file and no image. Shadow tables have them too, because that is
// where full-text and R-tree tables take their rowids from.
import { type Engine, noBindings, type SqlError, type SqlValue } from './engine.ts';

/**
 * No rowid is this large: 2^63 - 2^32. One random 63-bit number in two thousand million is; and no
 * statement inserts so many rows that it passes the end from below without a rowid of its choice.
 */
export const rowidEnd = 9_223_372_032_559_808_512n;

/** What a statement is told that wanted such a rowid. */
const message = `rowid_space_exhausted: rowids end at ${rowidEnd - 1n}`;

/** Code of the error that {@link rowidErrorFrom} makes. */
export const rowidsExhausted = 'ROWIDS_EXHAUSTED';

/**
 * The error for users: when a guard of a shadow table fires SQLite says only that some constraint
 * failed, and keeps what the virtual table had stored before. Whoever ran the statement undoes it.
 */
export const rowidErrorFrom = (error: SqlError): SqlError =>
  error.code === 'SQLITE_CONSTRAINT_TRIGGER' && error.message === 'constraint failed'
    ? { code: rowidsExhausted, message }
    : error;

const aliases = ['rowid', '_rowid_', 'oid'];

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/**
 * Tables with rowids, whether they are AUTOINCREMENT (an alarm too many does no harm), the names of
 * their columns, and the INTEGER PRIMARY KEY. Of shadow tables one that every rowid passes through;
 * a guard costs there that the index is written row by row.
 */
const tablesText = `SELECT l.name,
    (SELECT sql LIKE '%autoincrement%' FROM sqlite_schema WHERE type = 'table' AND name = l.name),
    (SELECT group_concat(lower(name), char(0)) FROM pragma_table_xinfo(l.name)),
    (SELECT max(name) FROM pragma_table_info(l.name) WHERE pk > 0 AND upper(type) = 'INTEGER'
      HAVING count(*) = 1)
  FROM pragma_table_list AS l
  WHERE l.schema = 'main' AND l.wr = 0
    AND (l.type = 'table' OR l.type = 'shadow' AND (l.name GLOB '*_docsize'
      OR l.name GLOB '*_rowid' OR l.name GLOB '*_content' AND NOT EXISTS (
        SELECT 1 FROM sqlite_schema WHERE name = replace(l.name, '_content', '_docsize'))))
    AND substr(l.name, 1, 7) <> 'sqlite_' AND substr(lower(l.name), 1, 10) <> '_stockade_'`;

const guardsText = "SELECT name, sql FROM sqlite_temp_schema WHERE type = 'trigger'";

const guardPrefix = '_stockade_rowids_';

type Guards = ReadonlyMap<string, string>;

/** The triggers of a table, by name, without `TEMP`: as SQLite keeps their text. */
const guardsOf = ([name, increments, columns, primaryKey]: readonly SqlValue[]): Guards => {
  const table = String(name);
  const hidden = String(columns).split('\0');
  const key = typeof primaryKey === 'string' ? primaryKey : undefined;
  // Without an alias and without a key nobody can choose a rowid.
  const rowid = aliases.find((word) => !hidden.includes(word)) ?? key;
  if (rowid === undefined) return new Map();
  // SQLite compares these with the words of the SET clause, whatever they mean.
  const words = [...(key === undefined ? [] : [key]), ...aliases].map(quote).join(', ');
  const body = `WHEN new.${quote(rowid)} >= ${rowidEnd} BEGIN SELECT RAISE(ABORT, '${message}'); END`;
  const made = (event: string, kind: string): readonly [string, string] => {
    const trigger = `${guardPrefix}${kind}_${table}`;
    const text = `TRIGGER ${quote(trigger)} ${event} ON main.${quote(table)} ${body}`;
    return [trigger, text];
  };
  return new Map([
    made('AFTER INSERT', 'insert'),
    made(`AFTER UPDATE OF ${words}`, 'update'),
    // Its sequence goes up even for a row that a conflict clause leaves out.
    ...(increments === 1 ? [made('BEFORE INSERT', 'before')] : []),
  ]);
};

/** Makes the guards that the schema wants and are missing, and drops those of other tables. */
export const guardRowids = (engine: Engine): void => {
  const present = new Map(
    engine
      .prepare(guardsText)
      .all(noBindings, false)
      .map(([name, sql]) => [String(name), String(sql)]),
  );
  const wanted = new Map(
    engine
      .prepare(tablesText)
      .all(noBindings, false)
      .flatMap((row) => [...guardsOf(row)]),
  );
  const changes: string[] = [];
  for (const [name, sql] of present) {
    if (!name.startsWith(guardPrefix) || sql === `CREATE ${wanted.get(name) ?? ''}`) continue;
    changes.push(`DROP TRIGGER temp.${quote(name)}`);
  }
  for (const [name, text] of wanted) {
    if (present.get(name) !== `CREATE ${text}`) changes.push(`CREATE TEMP ${text}`);
  }
  if (changes.length > 0) engine.executeUndefended(changes.join(';\n'));
};
