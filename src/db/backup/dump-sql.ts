// A database as SQL text in rqlite's shape, piece by piece: tables by name with a line for each
// row, then indexes, views and triggers in the order of their creation. Unlike rqlite's it loads
// again when there are virtual tables: these are filled themselves, their shadow tables are not
// named.
import { type Engine, noBindings } from '#db/engine.ts';
import { isInternalName } from '#db/statement-class.ts';
import { literalOf } from './sql-literal.ts';
import { type VirtualTable, virtualTableFrom } from './virtual-table.ts';

/** An object of the schema. */
interface SchemaRow {
  readonly type: string;
  readonly name: string;
  readonly table: string;
  readonly sql: string;
  /** What pragma_table_list says: `table`, `virtual`, `shadow`; '' for what is no table. */
  readonly kind: string;
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const schemaText = `SELECT s.type, s.name, s.tbl_name, s.sql, coalesce(t.type, '')
  FROM sqlite_schema s
  LEFT JOIN pragma_table_list t ON s.type = 'table' AND t.schema = 'main' AND t.name = s.name
  WHERE s.sql IS NOT NULL ORDER BY s.rowid`;

const schemaOf = (engine: Engine): readonly SchemaRow[] =>
  engine
    .prepare(schemaText)
    .all(noBindings, false)
    .map((row) => row.map(String))
    .map(([type = '', name = '', table = '', sql = '', kind = '']) => ({
      type,
      name,
      table,
      sql,
      kind,
    }))
    .filter(({ name, table }) => ![name, table].some((one) => isInternalName(one.toLowerCase())));

const byName = (left: SchemaRow, right: SchemaRow): number =>
  Buffer.compare(Buffer.from(left.name), Buffer.from(right.name));

/** Columns that hold a value of their own: generated ones are left to the table. */
const columnsText = 'SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid';

const columnsOf = (engine: Engine, table: string): readonly string[] =>
  engine
    .prepare(columnsText)
    .all({ anonymous: [table] }, false)
    .map(([name]) => quoted(String(name)));

function* rowsOf(engine: Engine, select: string, insert: string): Generator<string> {
  for (const row of engine.prepare(select).iterate(noBindings, true)) {
    yield `${insert} VALUES(`;
    for (const [at, value] of row.entries()) {
      if (at > 0) yield ',';
      yield* literalOf(value);
    }
    yield ');\n';
  }
}

function* plainRows(engine: Engine, table: string, condition = ''): Generator<string> {
  const columns = columnsOf(engine, table);
  if (columns.length === 0) return;
  const select = `SELECT ${columns.join(', ')} FROM ${quoted(table)}${condition}`;
  yield* rowsOf(engine, select, `INSERT INTO ${quoted(table)}`);
}

function* virtualRows(
  engine: Engine,
  { name, rowid, setting, config }: VirtualTable,
): Generator<string> {
  const table = quoted(name);
  if (config !== '') {
    // Settings of a full-text index are set by inserting them.
    const select = `SELECT k, v FROM ${quoted(config)} WHERE k <> 'version' ORDER BY k`;
    yield* rowsOf(engine, select, `INSERT INTO ${table}(${table}, rank)`);
  }
  if (setting !== '') {
    yield `INSERT INTO ${table}(${table}) VALUES('${setting}');\n`;
    return;
  }
  const columns = [...(rowid ? ['rowid'] : []), ...columnsOf(engine, name)].join(', ');
  const select = `SELECT ${columns} FROM ${table} ORDER BY ${rowid ? 'rowid' : '1'}`;
  yield* rowsOf(engine, select, `INSERT INTO ${table}(${columns})`);
}

/** SQLite's own tables, which are there only once others are. */
function* ownRows(engine: Engine, tables: readonly SchemaRow[]): Generator<string> {
  const has = (name: string): boolean => tables.some((table) => table.name === name);
  if (has('sqlite_sequence')) {
    yield 'DELETE FROM "sqlite_sequence";\n';
    yield* plainRows(engine, 'sqlite_sequence');
  }
  if (!has('sqlite_stat1')) return;
  yield 'ANALYZE "sqlite_schema";\n';
  const ofUsers = " WHERE substr(lower(tbl), 1, 10) <> '_stockade_'";
  yield* plainRows(engine, 'sqlite_stat1', ofUsers);
  if (has('sqlite_stat4')) yield* plainRows(engine, 'sqlite_stat4', ofUsers);
}

/**
 * The pieces of the dump of what this connection sees; it must not change meanwhile. With `only`
 * just these tables, with their indexes and triggers; views need others and are left out then.
 *
 * @throws CodedError `bad_request` for a virtual table that cannot be read back
 */
export function* dumpSql(engine: Engine, only: readonly string[]): Generator<string> {
  const wanted = new Set(only.map((name) => name.toLowerCase()));
  const isWanted = (name: string): boolean => wanted.size === 0 || wanted.has(name.toLowerCase());
  const schema = schemaOf(engine);
  const all = schema.filter(({ type }) => type === 'table');
  const tables = all.filter(({ name }) => !name.startsWith('sqlite_') && isWanted(name));
  const shown = tables.filter(({ kind }) => kind !== 'shadow').sort(byName);
  // Before the first byte: an error behind it could only cut the text off.
  const virtual = new Map(
    shown
      .filter(({ kind }) => kind === 'virtual')
      .map(({ name, sql }) => [name, virtualTableFrom(name, sql)]),
  );
  yield 'PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n';
  for (const { name, sql } of shown) {
    yield `${sql};\n`;
    if (!virtual.has(name)) yield* plainRows(engine, name);
  }
  // An index over the content of another table is built when that is there.
  for (const table of virtual.values()) yield* virtualRows(engine, table);
  if (wanted.size === 0) yield* ownRows(engine, all);
  for (const { type, table, sql } of schema) {
    const kept = type === 'view' ? wanted.size === 0 : isWanted(table);
    if (type !== 'table' && kept) yield `${sql};\n`;
  }
  yield 'COMMIT;\n';
}
