// What an entry changed, found the slow way: every table read whole before and behind it.
import { currentDatabaseFiles } from '#db/database-files.ts';
import { type Engine, noBindings, openEngine, type SqlValue } from '#db/engine.ts';
import { systemFiles } from '#io/file-system.ts';

const tablesText = `SELECT l.name, s.sql, s.rootpage, (SELECT group_concat(
    CASE hidden WHEN 2 THEN '' ELSE name END, char(0)) FROM pragma_table_xinfo(l.name))
  FROM pragma_table_list AS l JOIN sqlite_schema AS s ON s.name = l.name AND s.type = 'table'
  WHERE l.schema = 'main' AND l.type = 'table' AND l.wr = 0
    AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND l.name NOT LIKE '\\_stockade\\_%' ESCAPE '\\'
  ORDER BY l.name`;

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A table: its rows as text, by rowid. */
export interface Table {
  readonly sql: string;
  readonly root: number;
  readonly rows: ReadonlyMap<string, string>;
}

const textOf = (value: SqlValue): string => {
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'));
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
};

const rowsOf = (engine: Engine, name: string, columns: readonly string[]): Table['rows'] => {
  const list = columns.map(quoted).join(', ');
  const rows = engine.prepare(`SELECT rowid, ${list} FROM ${quoted(name)}`).all(noBindings, true);
  return new Map(
    rows.map(([rowid, ...values]) => [
      String(rowid),
      `{${columns.map((column, at) => `${JSON.stringify(column)}:${textOf(values[at] ?? null)}`).join(',')}}`,
    ]),
  );
};

/** All tables with rowids as they are now. */
export const tablesIn = (folder: string): ReadonlyMap<string, Table> => {
  const path = currentDatabaseFiles(folder, systemFiles).database;
  const engine = openEngine(path, { readonly: true, busyTimeoutMs: 0 });
  try {
    return new Map(
      engine
        .prepare(tablesText)
        .all(noBindings, false)
        .map(([name, sql, root, columns]) => {
          const stored = String(columns)
            .split('\0')
            .filter((column) => column !== '');
          const rows = rowsOf(engine, String(name), stored);
          return [String(name), { sql: String(sql), root: Number(root), rows }];
        }),
    );
  } finally {
    engine.close();
  }
};

/** Whether a table's rows can be told: it is what it was, or new. A renamed one is neither. */
export const isComparable = (
  name: string,
  before: ReadonlyMap<string, Table>,
  after: ReadonlyMap<string, Table>,
): boolean => {
  const [old, now] = [before.get(name), after.get(name)];
  if (now === undefined) return false;
  if (old !== undefined) return old.sql === now.sql && old.root === now.root;
  return ![...before].some(([was, { root }]) => root === now.root && !after.has(was));
};

/**
 * The events that lead from one state to the other, sorted; of tables whose definition is another
 * nothing.
 */
export const eventsBetween = (
  before: ReadonlyMap<string, Table>,
  after: ReadonlyMap<string, Table>,
): readonly string[] => {
  const events: string[] = [];
  for (const [name, table] of after) {
    const old = before.get(name);
    if (!isComparable(name, before, after)) continue;
    const head = (op: string): string => `{"op":"${op}","table":${JSON.stringify(name)}`;
    for (const [id, row] of table.rows) {
      const was = old?.rows.get(id);
      if (was === row) continue;
      const ids = was === undefined ? '' : `,"old_row_id":${id},"before":${was}`;
      const op = was === undefined ? 'INSERT' : 'UPDATE';
      events.push(
        was === undefined
          ? `${head(op)},"new_row_id":${id},"after":${row}}`
          : `${head(op)},"new_row_id":${id}${ids},"after":${row}}`,
      );
    }
    for (const [id, row] of old?.rows ?? []) {
      if (!table.rows.has(id)) events.push(`${head('DELETE')},"old_row_id":${id},"before":${row}}`);
    }
  }
  return events.toSorted();
};
