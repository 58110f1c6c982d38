// A loaded file may hold what no statement can make here: rowids near their end, behind which every
// replica would draw others. See rowid-space.ts.
import { type Engine, noBindings, type SqlValue } from '#db/engine.ts';
import { rowidEnd } from '#db/rowid-space.ts';

const tablesText = `SELECT l.name,
    (SELECT group_concat(lower(name), char(0)) FROM pragma_table_xinfo(l.name)),
    (SELECT max(name) FROM pragma_table_info(l.name) WHERE pk > 0 AND upper(type) = 'INTEGER'
      HAVING count(*) = 1)
  FROM pragma_table_list AS l
  WHERE l.schema = 'main' AND l.wr = 0 AND l.type IN ('table', 'shadow')
    AND substr(l.name, 1, 7) <> 'sqlite_'`;

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const isExhausted = (engine: Engine, [name, columns, key]: readonly SqlValue[]): boolean => {
  const hidden = String(columns).split('\0');
  const alias = ['rowid', '_rowid_', 'oid'].find((word) => !hidden.includes(word));
  const rowid = alias ?? (typeof key === 'string' ? key : undefined);
  // Nobody could look, and nobody could choose one; but what is there may be anything.
  if (rowid === undefined) return true;
  const text = `SELECT 1 FROM main.${quote(String(name))} WHERE ${quote(rowid)} >= ${rowidEnd} LIMIT 1`;
  return engine.prepare(text).all(noBindings, false).length > 0;
};

/**
 * The first table that holds a rowid near the end, or one that nobody could look at because columns
 * have all its names; undefined when there is none.
 */
export const exhaustedTable = (engine: Engine): string | undefined => {
  const found = engine
    .prepare(tablesText)
    .all(noBindings, false)
    .find((row) => isExhausted(engine, row));
  return found === undefined ? undefined : String(found[0]);
};
