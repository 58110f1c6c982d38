// What the stored schema means for transaction boundaries.
import { type Engine, noBindings } from './engine.ts';
import { hasSoloToken } from './statement-text.ts';
import { tokensOf } from './tokenizer.ts';

/**
 * Whether some object of the schema may end or fail the transaction around a statement:
 * RAISE(ROLLBACK) in a trigger, ON CONFLICT ROLLBACK in a table, a deferred foreign key. The token
 * decides, wherever it stands: a false alarm costs a little speed, a miss would cost agreement
 * between replicas.
 */
export const schemaNeedsSolo = (engine: Engine): boolean =>
  engine
    .prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL')
    .all(noBindings, false)
    .some(([sql]) => typeof sql === 'string' && hasSoloToken(sql, tokensOf(sql)));
