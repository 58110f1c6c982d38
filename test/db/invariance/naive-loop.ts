// How a state machine over SQLite is written at first: a transaction for each batch, in it one
// statement after the other. The proof that the rules of the real one are needed.

import { decodeProposal } from '#command/proposal-codec.ts';
import { commandWork } from '#db/apply-work.ts';
import { bindParameters } from '#db/bind-parameters.ts';
import { defineDeterministicFunctions } from '#db/deterministic-functions.ts';
import { type Engine, openEngine, sqlErrorFrom } from '#db/engine.ts';
import { TextCache } from '#db/text-cache.ts';
import { contentOn } from './database-content.ts';
import type { JudgedLog } from './judged-log.ts';

const attempt = (work: () => void): void => {
  try {
    work();
  } catch (thrown) {
    if (sqlErrorFrom(thrown) === undefined) throw thrown;
  }
};

const endTransaction = (engine: Engine): void => {
  attempt(() => engine.execute('COMMIT'));
  attempt(() => engine.execute('ROLLBACK'));
};

/** Applies the log in batches that end behind these indexes, and gives the content. */
export const applyNaively = (
  { entries, foreignKeys }: JudgedLog,
  ends: ReadonlySet<number>,
): string => {
  const engine = openEngine(':memory:', { readonly: false, busyTimeoutMs: 0 });
  const functions = defineDeterministicFunctions(engine);
  engine.execute(`PRAGMA foreign_keys = ${foreignKeys ? 'ON' : 'OFF'}`);
  engine.execute('PRAGMA recursive_triggers = OFF');
  const texts = new TextCache(engine);
  for (const { index, data } of entries) {
    if (!engine.inTransaction) engine.execute('BEGIN');
    const { units, functionsOf } = commandWork(decodeProposal(data), texts);
    functions.startEntry(functionsOf.timeMs, functionsOf.seed);
    for (const { cached, at, statement, taken, number } of units) {
      const piece = cached.pieces[at];
      if (piece === undefined) continue;
      functions.startStatement(number);
      attempt(() => {
        const bound = bindParameters(piece, statement, taken);
        if (bound.kind === 'error') return;
        const prepared = texts.prepare(cached, at).statement;
        if (prepared.returnsRows) prepared.all(bound.bindings, true);
        else prepared.run(bound.bindings);
      });
    }
    if (ends.has(index)) endTransaction(engine);
  }
  endTransaction(engine);
  const content = contentOn(engine);
  functions.close();
  engine.close();
  return content;
};
