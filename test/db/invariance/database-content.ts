// Everything a database holds, as one text that two databases can be compared by: every table with
// its rowids, shadow tables and statistics included, and all that the state machine keeps beside
// them.
import { currentDatabaseFiles } from '#db/database-files.ts';
import { type Engine, noBindings, openEngine, type SqlValue } from '#db/engine.ts';
import { systemFiles } from '#io/file-system.ts';

const tables = `SELECT name, wr FROM pragma_table_list
  WHERE schema = 'main' AND type <> 'view' ORDER BY name`;

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const rowsOf = (engine: Engine, name: string, withoutRowid: boolean): unknown => {
  // Each start of a writer raises the epoch; nothing else may differ.
  const where = name === '_stockade_values' ? "WHERE name <> 'epoch'" : '';
  const rowid = withoutRowid ? '' : 'rowid, ';
  try {
    return engine
      .prepare(`SELECT ${rowid}* FROM ${quoted(name)} ${where}`)
      .all(noBindings, true)
      .map((row) => (name === 'ft_data' ? withoutCookie(row) : row).map(readable));
  } catch (error) {
    // A generated column may fail where it is read: on both sides alike.
    return String(error);
  }
};

/**
 * The structure record of a full-text index begins with a number that says when its settings have
 * changed; it also counts changes that were undone, and no write can read it.
 */
const structureRow = 10n;
const withoutCookie = (row: readonly SqlValue[]): readonly SqlValue[] =>
  row[0] === structureRow
    ? row.map((value) => (value instanceof Uint8Array ? value.subarray(4) : value))
    : row;

const printable = (_key: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return `${value}n`;
  return value;
};

const readable = (value: SqlValue): unknown =>
  value instanceof Uint8Array ? { hex: Buffer.from(value).toString('hex') } : value;

const line = (name: SqlValue | undefined, rows: unknown): string =>
  `${String(name)} ${JSON.stringify(rows, printable)}`;

/** The content seen by a connection, a line a table. */
export const contentOn = (engine: Engine): string =>
  engine
    .prepare(tables)
    .all(noBindings, false)
    .map(([name, wr]) => line(name, rowsOf(engine, String(name), wr === 1)))
    .join('\n');

/** The content of the current database of a folder. @throws when it is not sound */
export const contentIn = (folder: string): string => {
  const engine = openEngine(currentDatabaseFiles(folder, systemFiles).database, {
    readonly: true,
    busyTimeoutMs: 0,
  });
  try {
    return contentOn(engine);
  } finally {
    engine.close();
  }
};
