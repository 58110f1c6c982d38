// Runs the statements of an interactive transaction as its commit would, and undoes all of it. The
// state of a transaction is its list of statements: each run begins anew, on the data of the
// moment, and says whether everything that its client saw before would still be seen.
import { createHash } from 'node:crypto';
import { renderBits } from '#command/outcome.ts';
import { decodeProposal } from '#command/proposal-codec.ts';
import { invariant } from '#invariant.ts';
import { transactionResultBytesMax } from '#limits.ts';
import type { CommandContext } from './apply-command.ts';
import { type CommandWork, commandWork } from './apply-work.ts';
import { OutcomeChain } from './outcome-chain.ts';
import { runUnits } from './run-command.ts';

/** The statements of one request of the client. */
export interface TrialStep {
  readonly statements: number;
  /** `renderBits` of what the client saw. */
  readonly render: number;
  /** Digest of what the client saw; empty: it has not seen it yet. */
  readonly digest: Uint8Array;
}

/** A transaction so far. */
export interface Trial {
  /** `data` of an entry: all statements in one command. */
  readonly data: Uint8Array;
  /** Together they have all statements of the command. */
  readonly steps: readonly TrialStep[];
}

/** What running it came to. */
export type TrialResult =
  | {
      readonly kind: 'ran';
      /** Elements of `results` of the last step. */
      readonly json: Buffer;
      readonly digest: Buffer;
      /** A statement of the last step failed; those behind it did not run. */
      readonly failed: boolean;
      /** The last entry that the data had in it. */
      readonly index: number;
    }
  /** What its client saw of an earlier step, or of the last one, would not be seen now. */
  | { readonly kind: 'differs' }
  | { readonly kind: 'schema-changed'; readonly schemaIndex: number }
  /** An error of this machine; it says nothing of the statements. */
  | { readonly kind: 'trouble'; readonly reason: string };

/** Where a step's units begin and end. */
const unitsFrom = (work: CommandWork, from: number, statements: readonly object[]): number => {
  let at = from;
  for (const statement of statements) {
    while (work.units[at]?.statement === statement) at += 1;
  }
  return at;
};

/** How long something took is no part of what it did. */
const withoutTime = (text: string): string => text.replace(/,"time":[-+.0-9e]+\}$/, '}');

const noChain = Buffer.alloc(32);
const noRecords = Buffer.alloc(0);

/** Results as the client saw them, as one digest. */
const digestOf = (chain: OutcomeChain, texts: readonly string[]): Buffer => {
  const hash = createHash('sha256').update(chain.digest());
  for (const text of texts) hash.update(withoutTime(text)).update('\n');
  return hash.digest();
};

const runSteps = (context: CommandContext, work: CommandWork, { steps }: Trial): TrialResult => {
  const { runner, ledger } = context;
  const { index } = ledger.position;
  const { statements } = work.command;
  let [unit, statement] = [0, 0];
  for (const [at, { statements: count, render, digest: seen }] of steps.entries()) {
    const isNew = seen.length === 0;
    const until = unitsFrom(work, unit, statements.slice(statement, statement + count));
    const chain = new OutcomeChain();
    chain.start(noChain, 0, noRecords);
    runner.startCommand(transactionResultBytesMax);
    // Only the client that waits for it learns how long a statement took.
    const shown = isNew ? render : render & ~renderBits.timings;
    const { texts, failed } = runUnits(runner, chain, work, { from: unit, until, render: shown });
    const digest = digestOf(chain, texts);
    if (!isNew && !digest.equals(seen)) return { kind: 'differs' };
    if (at === steps.length - 1) {
      return { kind: 'ran', json: Buffer.from(texts.join(',')), digest, failed, index };
    }
    // It did the same as before, and then it had not failed: failures come last.
    [unit, statement] = [until, statement + count];
  }
  return { kind: 'ran', json: noRecords, digest: noRecords, failed: false, index };
};

/** Runs it within a transaction that the caller has begun and undoes. @throws MachineError */
export const tryTransaction = (
  context: CommandContext,
  trial: Trial,
): { readonly result: TrialResult; readonly touchesSchema: boolean } => {
  const { ledger, runner, functions } = context;
  const work = commandWork(decodeProposal(trial.data), runner.texts);
  // Otherwise statements would go on behind one that has ended the transaction, and stay.
  invariant(work.command.transaction, 'a transaction is all or nothing');
  const { schemaIndex, index, term } = ledger.position;
  if (work.command.schemaIndex !== schemaIndex) {
    return { result: { kind: 'schema-changed', schemaIndex }, touchesSchema: false };
  }
  // As at the commit: it also sets last_insert_rowid() and changes().
  ledger.store.writeIndex(index, term);
  functions.startEntry(work.functionsOf.timeMs, work.functionsOf.seed);
  ledger.transactions.command.begin();
  return { result: runSteps(context, work, trial), touchesSchema: work.touchesSchema };
};
