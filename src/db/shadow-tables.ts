// Shadow tables: where virtual tables keep what they store. How full-text indexes cut it into
// pieces depends on more than the rows (a change that was undone leaves traces), so nothing that is
// replicated may be computed from them.
import { type Engine, noBindings } from './engine.ts';

const statisticsText = `SELECT name FROM sqlite_schema
  WHERE type = 'table' AND name IN ('sqlite_stat1', 'sqlite_stat4')`;

/** Behind an ANALYZE, in its transaction: what it found out about shadow tables is left out. */
export const forgetShadowStatistics = (engine: Engine): void => {
  for (const [table] of engine.prepare(statisticsText).all(noBindings, false)) {
    engine.execute(`DELETE FROM ${String(table)} WHERE tbl IN
      (SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow')`);
  }
};
