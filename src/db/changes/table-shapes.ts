// What the rows of each table mean: read from the schema's own rows, as they were in that version
// of the database, so that no statement runs on the writer's connection for it.
import { type Engine, noBindings, openEngine, type SqlValue } from '#db/engine.ts';
import type { PageReader } from './page-versions.ts';
import { valuesOf } from './record.ts';
import { isTree, payloadOf, treeBelow } from './tree-page.ts';

/** A column of a table. */
export interface ShapeColumn {
  readonly name: string;
  /** Place in the record; undefined: the column is computed when it is read, and not reported. */
  readonly at: number | undefined;
  /** It holds reals: SQLite writes those without a fraction as integers. */
  readonly real: boolean;
  /** What rows hold that are older than the column. */
  readonly fallback: SqlValue;
}

/** A table with rowids. */
export interface TableShape {
  readonly name: string;
  readonly root: number;
  readonly sql: string;
  /** Undefined when they cannot be made out: its rows are reported without values. */
  readonly columns: readonly ShapeColumn[] | undefined;
  /** Place in the record of the INTEGER PRIMARY KEY, which holds the rowid; -1 for none. */
  readonly rowidAt: number;
}

/** The tables of one version of a database. */
export interface Shapes {
  /** The schema's rows as one text: equal texts are equal schemas. */
  readonly text: string;
  /** Those whose rows are reported, by name. */
  readonly tables: ReadonlyMap<string, TableShape>;
  /** Root page of the table with the position; 0 before it was made. */
  readonly metaRoot: number;
}

/** The first page is the root of the schema. */
export const schemaRoot = 1;

const own = /^(?:sqlite_|_stockade_)/i;
/** What full-text and R-tree tables keep beside themselves. */
const shadow = /^(.*)_(?:data|idx|content|docsize|config|segments|segdir|stat|node|parent|rowid)$/i;

interface SchemaRow {
  readonly type: string;
  readonly name: string;
  readonly root: number;
  readonly sql: string;
}

const schemaRows = (reader: PageReader): readonly SchemaRow[] => {
  const rows: SchemaRow[] = [];
  for (const [, page] of treeBelow(reader, schemaRoot)) {
    if (page.kind !== 'leaf') continue;
    for (const cell of page.cells) {
      const [type, name, , root, sql] = valuesOf(payloadOf(reader, cell));
      rows.push({
        type: String(type),
        name: String(name),
        root: Number(root),
        sql: String(sql ?? ''),
      });
    }
  }
  return rows;
};

const affinityOf = (type: string): string => {
  const upper = type.toUpperCase();
  if (upper.includes('INT')) return 'INTEGER';
  if (/CHAR|CLOB|TEXT/.test(upper)) return 'TEXT';
  if (upper === '' || upper.includes('BLOB')) return 'BLOB';
  if (/REAL|FLOA|DOUB/.test(upper)) return 'REAL';
  return 'NUMERIC';
};

const stored = 0;
const virtual = 2;

const columnsText = `SELECT x.name, x.type, x.dflt_value, x.hidden, x.pk,
    (SELECT strict FROM pragma_table_list(?) WHERE schema = 'main')
  FROM pragma_table_xinfo(?) AS x ORDER BY x.cid`;

/** What a column added later holds in older rows; SQLite allows only constants there. */
const fallbackOf = (engine: Engine, type: string, text: SqlValue): SqlValue => {
  if (typeof text !== 'string') return null;
  try {
    engine.execute(`CREATE TEMP TABLE "a default" (x ${type} DEFAULT (${text}))`);
    engine.execute('INSERT INTO temp."a default" DEFAULT VALUES');
    return engine.prepare('SELECT x FROM temp."a default"').all(noBindings, true)[0]?.[0] ?? null;
  } catch {
    // No constant: then every row was written after the column was there.
    return null;
  } finally {
    engine.execute('DROP TABLE IF EXISTS temp."a default"');
  }
};

/** How its columns lie: SQLite is asked, in an empty database of its own. */
const shapeOf = (engine: Engine, { name, root, sql }: SchemaRow): TableShape => {
  let rowidAt = -1;
  try {
    engine.execute(sql);
    const rows = engine.prepare(columnsText).all({ anonymous: [name, name] }, false);
    const keys = rows.filter((row) => Number(row[4]) > 0);
    let place = 0;
    const columns = rows.map(([column, type, text, hidden, pk, strict]): ShapeColumn => {
      const written = String(type);
      const affinity = strict === 1 && written === 'ANY' ? 'BLOB' : affinityOf(written);
      const at = hidden === virtual ? undefined : place;
      if (at !== undefined) place += 1;
      const isKey = keys.length === 1 && pk === 1 && written.toUpperCase() === 'INTEGER';
      if (isKey && at !== undefined && keepsRowid(engine, name)) rowidAt = at;
      const fallback = hidden === stored ? fallbackOf(engine, affinity, text ?? null) : null;
      return { name: String(column), at, real: affinity === 'REAL', fallback };
    });
    return { name, root, sql, columns, rowidAt };
  } catch {
    return { name, root, sql, columns: undefined, rowidAt };
  } finally {
    engine.execute(`DROP TABLE IF EXISTS "${name.replaceAll('"', '""')}"`);
  }
};

/** `INTEGER PRIMARY KEY DESC` is a key with an index of its own, not the rowid. */
const keepsRowid = (engine: Engine, name: string): boolean =>
  engine
    .prepare("SELECT count(*) FROM pragma_index_list(?) WHERE origin = 'pk'")
    .all({ anonymous: [name] }, false)[0]?.[0] === 0;

/** Reads the schema of a version. `known` saves work for tables that are as they were. */
export const shapesOf = (reader: PageReader, known?: Shapes): Shapes => {
  const rows = schemaRows(reader);
  const text = JSON.stringify(rows);
  if (text === known?.text) return known;
  const virtuals = rows.filter(({ type, root }) => type === 'table' && root === 0);
  const ofVirtual = (name: string): boolean => {
    const owner = shadow.exec(name)?.[1]?.toLowerCase();
    return virtuals.some((table) => table.name.toLowerCase() === owner);
  };
  const engine = openEngine(':memory:', { readonly: false, busyTimeoutMs: 0 });
  try {
    const tables = new Map<string, TableShape>();
    for (const row of rows) {
      if (row.type !== 'table' || row.root === 0) continue;
      if (own.test(row.name) || ofVirtual(row.name)) continue;
      const same = known?.tables.get(row.name);
      const kept = same?.sql === row.sql && same.root === row.root;
      if (isTree(reader.page(row.root))) tables.set(row.name, kept ? same : shapeOf(engine, row));
    }
    const meta = rows.find(({ type, name }) => type === 'table' && name === '_stockade_meta');
    return { text, tables, metaRoot: meta?.root ?? 0 };
  } finally {
    engine.close();
  }
};

/** The values of a row by name, those that are computed when they are read left out. */
export const rowFrom = (
  { columns, rowidAt }: TableShape,
  rowid: bigint,
  payload: Buffer,
): ReadonlyMap<string, SqlValue> => {
  const row = new Map<string, SqlValue>();
  if (columns === undefined) return row;
  const values = valuesOf(payload);
  for (const { name, at, real, fallback } of columns) {
    if (at === undefined) continue;
    const value = at === rowidAt ? rowid : at < values.length ? (values[at] ?? null) : fallback;
    row.set(name, real && typeof value === 'bigint' ? Number(value) : value);
  }
  return row;
};
