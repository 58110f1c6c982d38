// Judges the schema of a database file that was not made here, object by object, as if a user were
// to make each of them now.
import { type Engine, noBindings } from '#db/engine.ts';
import { Guard } from '#db/guard.ts';
import type { Verdict } from '#db/reader.ts';
import { keywordOf, tokensOf } from '#db/tokenizer.ts';
import type { CodedError } from '#errors.ts';

/** Makes the error for what is wrong with a file; `why` is the end of a sentence. */
export type Refuse = (why: string) => CodedError;

/** In the order in which they can be made: what an object names comes before it. */
const schemaText = `
  SELECT s.type, s.name, s.sql, t.type = 'virtual'
  FROM sqlite_schema s LEFT JOIN pragma_table_list t ON t.schema = 'main' AND t.name = s.name
  WHERE s.sql IS NOT NULL AND coalesce(t.type, '') <> 'shadow'
    AND NOT (s.type IN ('table', 'index') AND substr(lower(s.tbl_name), 1, 10) = '_stockade_')
    AND NOT (s.type = 'table' AND lower(s.name) IN
      ('sqlite_sequence', 'sqlite_stat1', 'sqlite_stat3', 'sqlite_stat4'))
  ORDER BY t.type = 'virtual' DESC,
    CASE s.type WHEN 'table' THEN 0 WHEN 'index' THEN 1 WHEN 'view' THEN 2 ELSE 3 END, s.rowid`;

/** What the modules of virtual tables never write into the tables that they keep for themselves. */
const notInShadows = new Set(['AS', 'GENERATED', 'CHECK', 'DEFAULT', 'REFERENCES', 'COLLATE']);

const shadowsText = `SELECT s.name, s.sql FROM sqlite_schema s
  JOIN pragma_table_list t ON t.schema = 'main' AND t.name = s.name
  WHERE s.type = 'table' AND t.type = 'shadow'`;

/** A table is taken for a shadow by its name alone, and the guard judges none. */
const checkShadows = (engine: Engine, refuse: Refuse): void => {
  for (const [name, sql] of engine.prepare(shadowsText).all(noBindings, false)) {
    const text = String(sql);
    const odd = tokensOf(text).find((token) => notInShadows.has(keywordOf(text, token)));
    if (odd !== undefined) {
      throw refuse(`its table ${String(name)} is not as the virtual table would have made it`);
    }
  }
};

/**
 * Objects that run by themselves (triggers, views, virtual tables), for the log of this node.
 *
 * @throws what `refuse` makes for the first object that the guard refuses
 */
export const checkSchema = (engine: Engine, refuse: Refuse): readonly string[] => {
  checkShadows(engine, refuse);
  const rows = engine.prepare(schemaText).all(noBindings, false);
  const guard = new Guard([], () => ({ cost: 'small', copies: 1 }));
  try {
    const texts = rows.map(([, , sql]) => String(sql));
    for (const [at, verdict] of guard.judge({ texts, heavy: true }).entries()) {
      if (verdict.kind === 'allowed' && verdict.access === 'schema') continue;
      const name = String(rows[at]?.[1]);
      throw refuse(`its schema holds ${name}, which the guard refuses: ${reasonOf(verdict)}`);
    }
  } finally {
    guard.close();
  }
  return rows
    .filter(([type, , , isVirtual]) => type === 'trigger' || type === 'view' || isVirtual === 1)
    .map(([type, name]) => `${String(type)} ${String(name)}`);
};

const reasonOf = (verdict: Verdict): string => {
  switch (verdict.kind) {
    case 'allowed':
      return 'it makes nothing';
    case 'refused':
      return verdict.reason;
    case 'error':
      return verdict.message;
  }
};
