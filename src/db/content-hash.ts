// A digest of all that users stored, in one snapshot: equal on replicas that agree, whatever their
// files look like. The layout is on the page docs/formats/database.md; changing it makes replicas
// of two versions differ, so it has a version.
import { createHash, type Hash } from 'node:crypto';
import { CodedError } from '#errors.ts';
import { type Engine, noBindings, type SqlValue, sqlErrorFrom } from './engine.ts';
import { isInternalName } from './statement-class.ts';

/** One table's part. */
export interface TableHash {
  readonly name: string;
  readonly rows: number;
  /** SHA-256, hexadecimal. */
  readonly digest: string;
}

/** What a database holds, as digests. */
export interface Content {
  /** SHA-256 over schema and tables, hexadecimal. */
  readonly digest: string;
  /** SHA-256 of the schema, hexadecimal. */
  readonly schemaDigest: string;
  readonly rows: number;
  /** By name, in the order of its bytes. */
  readonly tables: readonly TableHash[];
}

const version = 'stockade content 1';

/** Values are collected in it before they are hashed; longer ones are hashed by themselves. */
const chunkBytes = 256 * 1024;

const kind = { null: 0, integer: 1, real: 2, text: 3, blob: 4 } as const;

/** Kind and length of a value, or kind and eight bytes. */
const headBytes = 9;

/** Hashes values one behind the other. */
class ValueHash {
  rows = 0;
  readonly #hash: Hash = createHash('sha256');
  readonly #chunk = Buffer.allocUnsafe(chunkBytes);
  readonly #view = new DataView(this.#chunk.buffer, this.#chunk.byteOffset, chunkBytes);
  #used = 0;

  row(values: readonly SqlValue[]): void {
    this.rows += 1;
    for (const value of values) this.#value(value);
  }

  digest(): string {
    this.#flush();
    return this.#hash.digest('hex');
  }

  #value(value: SqlValue): void {
    if (this.#used + headBytes > chunkBytes) this.#flush();
    if (value === null) this.#view.setUint8(this.#used++, kind.null);
    else if (typeof value === 'bigint') {
      this.#view.setUint8(this.#used, kind.integer);
      this.#view.setBigInt64(this.#used + 1, value);
      this.#used += headBytes;
    } else if (typeof value === 'number') {
      this.#view.setUint8(this.#used, kind.real);
      this.#view.setFloat64(this.#used + 1, value);
      this.#used += headBytes;
    } else if (typeof value === 'string') this.#text(value);
    else this.#bytes(kind.blob, value);
  }

  #text(value: string): void {
    // A UTF-16 unit is at most three bytes of UTF-8.
    if (value.length * 3 > chunkBytes - headBytes) {
      this.#bytes(kind.text, Buffer.from(value));
      return;
    }
    if (this.#used + headBytes + value.length * 3 > chunkBytes) this.#flush();
    const length = this.#chunk.write(value, this.#used + headBytes);
    this.#head(kind.text, length);
    this.#used += length;
  }

  #bytes(code: number, value: Uint8Array): void {
    const fits = value.length <= chunkBytes - headBytes;
    if (!fits || this.#used + headBytes + value.length > chunkBytes) this.#flush();
    this.#head(code, value.length);
    if (fits) {
      this.#chunk.set(value, this.#used);
      this.#used += value.length;
    } else {
      this.#flush();
      this.#hash.update(value);
    }
  }

  #head(code: number, length: number): void {
    this.#view.setUint8(this.#used, code);
    this.#view.setUint32(this.#used + 1, 0);
    this.#view.setUint32(this.#used + 5, length);
    this.#used += headBytes;
  }

  #flush(): void {
    this.#hash.update(this.#chunk.subarray(0, this.#used));
    this.#used = 0;
  }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const textRows = (engine: Engine, text: string, name: string): readonly string[] =>
  engine
    .prepare(text)
    .all({ anonymous: [name] }, false)
    .map(([value]) => String(value));

/** Columns that are stored: generated ones follow from them, and may fail where they are read. */
const columnsText = 'SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid';
const anyColumnsText = 'SELECT name FROM pragma_table_xinfo(?)';

/** A name under which the rowid can be read: a column may have taken some of them, or all. */
const rowidOf = (engine: Engine, table: string): string | undefined => {
  const taken = new Set(
    textRows(engine, anyColumnsText, table).map((column) => column.toLowerCase()),
  );
  return ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name));
};

/** A table's or a virtual table's rows, in the order of their keys. */
const rowsText = (engine: Engine, name: string, type: string, withoutRowid: boolean): string => {
  const columns = textRows(engine, columnsText, name).map(quoted);
  const rowid = withoutRowid ? undefined : rowidOf(engine, name);
  const selected = [...(rowid === undefined ? [] : [rowid]), ...columns].join(', ');
  // A table that no index may be used for is read in the order of its rowid or primary key.
  if (type !== 'virtual') return `SELECT ${selected} FROM main.${quoted(name)} NOT INDEXED`;
  return `SELECT ${selected} FROM main.${quoted(name)} ORDER BY ${rowid ?? '1'}`;
};

/** Shadow tables hold what their virtual table makes of batches; it is read itself. */
const tablesText = `SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main'
  AND type IN ('table', 'virtual') AND name NOT IN ('sqlite_schema', 'sqlite_master')`;

const schemaText = `SELECT type, name, tbl_name, sql FROM main.sqlite_schema
  WHERE substr(lower(tbl_name), 1, 10) <> '_stockade_' ORDER BY type, name`;

/** Tables of ANALYZE: no user stored them, and a file that is loaded leaves its own behind. */
const isStatistics = (name: string): boolean => /^sqlite_stat\d$/.test(name);
const schemaOfUsersText = schemaText.replace('ORDER', "AND tbl_name NOT LIKE 'sqlite_stat_' ORDER");

const hashOf = (
  engine: Engine,
  text: string,
): { readonly rows: number; readonly digest: string } => {
  const hash = new ValueHash();
  for (const row of engine.prepare(text).iterate(noBindings, true)) hash.row(row);
  return { rows: hash.rows, digest: hash.digest() };
};

const byBytes = (left: TableHash, right: TableHash): number =>
  Buffer.compare(Buffer.from(left.name), Buffer.from(right.name));

/**
 * Reads everything within the snapshot that is open on this connection; `statistics`: those of
 * ANALYZE as well, as replicas compare them.
 *
 * @throws CodedError `storage_failed` when rows cannot be read
 */
export const hashContent = (engine: Engine, statistics = true): Content => {
  try {
    return contentOf(engine, statistics);
  } catch (thrown) {
    const error = sqlErrorFrom(thrown);
    if (error === undefined) throw thrown;
    throw new CodedError('storage_failed', `reading failed: ${error.message} (${error.code})`, {
      hint: 'check the disk',
      cause: thrown,
    });
  }
};

const contentOf = (engine: Engine, statistics: boolean): Content => {
  const schemaDigest = hashOf(engine, statistics ? schemaText : schemaOfUsersText).digest;
  const tables = engine
    .prepare(tablesText)
    .all(noBindings, false)
    .map(([name, type, withoutRowid]) => ({
      name: String(name),
      text: rowsText(engine, String(name), String(type), withoutRowid === 1),
    }))
    .filter(({ name }) => !isInternalName(name.toLowerCase()))
    .filter(({ name }) => statistics || !isStatistics(name))
    .map(({ name, text }): TableHash => ({ name, ...hashOf(engine, text) }))
    .sort(byBytes);
  const all = new ValueHash();
  all.row([version, schemaDigest]);
  for (const { name, rows, digest } of tables) all.row([name, BigInt(rows), digest]);
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  return { digest: all.digest(), schemaDigest, rows, tables };
};
