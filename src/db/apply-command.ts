// Applies one command: within the transaction of a batch, or with transactions of its own when a
// statement may end or fail the one around it.
import type { Outcome } from '#command/outcome.ts';
import { invariant } from '#invariant.ts';
import type { CommandWork } from './apply-work.ts';
import type { DeterministicFunctions } from './deterministic-functions.ts';
import type { SqlError } from './engine.ts';
import { keepOutcome } from './keep-outcome.ts';
import type { Ledger } from './ledger.ts';
import type { Position } from './position.ts';
import { errorText } from './result-text.ts';
import { type CommandResult, nextStatement, runUnits } from './run-command.ts';
import type { PieceRunner } from './run-piece.ts';
import { touchesSchema } from './statement-text.ts';
import type { CommittedEntry } from './writer.ts';

/** What commands are applied with. */
export interface CommandContext {
  readonly ledger: Ledger;
  readonly runner: PieceRunner;
  readonly functions: DeterministicFunctions;
  /** A clock for durations, milliseconds. */
  readonly nowMs: () => number;
  /** Between two transactions, behind one that may have changed the schema or tried to. */
  readonly readSchemaAnew: () => void;
}

/** An entry that is a command, decoded, and when work on it began. */
export interface CommandEntry {
  readonly entry: CommittedEntry;
  readonly work: CommandWork;
  readonly startedMs: number;
  /** `renderBits` of its results; 0: nobody wants them. */
  readonly render: number;
}

const schemaDiffers = ({ ledger }: CommandContext, work: CommandWork): boolean =>
  work.command.schemaIndex !== ledger.position.schemaIndex;

const run = (
  { runner, ledger }: CommandContext,
  { work, render }: CommandEntry,
  from: number,
  until: number,
): CommandResult => runUnits(runner, ledger.chain, work, { from, until, render });

/** Runs all statements; with `transaction` in a savepoint that a failure undoes. */
const runWhole = (context: CommandContext, command: CommandEntry): CommandResult => {
  const { transactions } = context.ledger;
  const { units, functionsOf } = command.work;
  const { transaction } = command.work.command;
  context.functions.startEntry(functionsOf.timeMs, functionsOf.seed);
  context.runner.startCommand();
  if (transaction) transactions.command.begin();
  const result = run(context, command, 0, units.length);
  if (transaction && (!result.failed || transactions.open)) {
    transactions.command.end(!result.failed);
  }
  return result;
};

const resultsOf = (
  { nowMs }: CommandContext,
  { entry, startedMs }: CommandEntry,
  texts: readonly string[],
  error = '',
): Outcome => {
  const elapsedMs = entry.render === 0 ? 0 : nowMs() - startedMs;
  const json = Buffer.from(error === '' ? texts.join(',') : '');
  return { kind: 'results', json, error, microseconds: Math.round(elapsedMs * 1000) };
};

/** What running a command came to. */
interface CommandEnd {
  readonly outcome: Outcome;
  readonly schemaChanged: boolean;
  readonly failed: boolean;
}

/**
 * Whether an interactive transaction is committed elsewhere than right behind the entry where its
 * statements did what its client saw. One without statements only asks what came of it, and is
 * never carried out.
 */
const isOffItsFence = ({ entry, work }: CommandEntry): boolean => {
  const { interactive, statements } = work.command;
  return (
    interactive !== undefined && (interactive.fence !== entry.index - 1 || statements.length === 0)
  );
};

const nothingDone = { schemaChanged: false, failed: false };

/** Runs a command that fits fence and schema, or records that it does not. */
const runOrRefuse = (context: CommandContext, command: CommandEntry): CommandEnd => {
  const { ledger } = context;
  if (isOffItsFence(command)) {
    ledger.chain.record('CONFLICT', 0, 0n);
    return { outcome: { kind: 'conflict' }, ...nothingDone };
  }
  if (schemaDiffers(context, command.work)) {
    ledger.chain.record('SCHEMA_CHANGED', 0, 0n);
    const { schemaIndex } = ledger.position;
    return { outcome: { kind: 'schema-changed', schemaIndex }, ...nothingDone };
  }
  const result = runWhole(context, command);
  const undone = result.failed && command.work.command.transaction;
  // It cannot be: all of them were run before, on the same data. If it is, all replicas undo it.
  if (undone && command.work.command.interactive !== undefined) {
    return { outcome: { kind: 'conflict' }, schemaChanged: false, failed: true };
  }
  return {
    outcome: resultsOf(context, command, result.texts),
    schemaChanged: result.schemaChanged && !undone,
    failed: result.failed,
  };
};

/** Within the open transaction of a batch; moves the ledger on. */
export const applyInBatch = (context: CommandContext, command: CommandEntry): Outcome => {
  const { ledger } = context;
  ledger.startEntry(command.entry);
  ledger.writeIndexFirst(command.entry);
  const { outcome, failed } = runOrRefuse(context, command);
  invariant(!failed || ledger.transactions.open, 'no statement of a batch ends its transaction');
  keepOutcome(ledger, command, outcome, failed);
  ledger.moveTo(ledger.after(command.entry, command.work.timeMs, false));
  return outcome;
};

/** In transactions of its own; undefined when a restart has lost the first results. */
export const applySolo = (context: CommandContext, command: CommandEntry): Outcome | undefined => {
  const { work } = command;
  if (context.ledger.position.statementsDone > 0) {
    applyUnitByUnit(context, command);
    return undefined;
  }
  const whole = work.command.transaction || work.units.length === 0;
  if (!whole && !schemaDiffers(context, work)) return applyUnitByUnit(context, command);
  const outcome = applyWhole(context, command);
  if (work.touchesSchema || context.runner.stale) context.readSchemaAnew();
  return outcome;
};

/** The whole command in one transaction; `besides` runs within it, whatever becomes of it. */
export const applyWhole = (
  context: CommandContext,
  command: CommandEntry,
  besides: (outcome: Outcome) => void = () => undefined,
): Outcome => {
  const { ledger } = context;
  const { entry, work } = command;
  ledger.begin();
  ledger.startEntry(entry);
  ledger.writeIndexFirst(entry);
  const { outcome, schemaChanged, failed } = runOrRefuse(context, command);
  // RAISE(ROLLBACK) or ON CONFLICT ROLLBACK ended the transaction: a second one records the index.
  if (!ledger.transactions.open) ledger.begin();
  keepOutcome(ledger, command, outcome, failed);
  besides(outcome);
  const error = ledger.commit(ledger.after(entry, work.timeMs, schemaChanged));
  if (error === undefined) return outcome;
  // COMMIT failed: that is the command's result, and a second transaction records it.
  context.runner.undone();
  ledger.startEntry(entry);
  ledger.chain.record(error.code, 0, 0n);
  ledger.begin();
  const failure = resultsOf(context, command, [], error.message);
  keepOutcome(ledger, command, failure, true);
  besides(failure);
  ledger.commitSurely(ledger.after(entry, work.timeMs, false));
  return failure;
};

/** Without `transaction`: one transaction a unit, each records how many are done. */
const applyUnitByUnit = (context: CommandContext, command: CommandEntry): Outcome => {
  const { ledger, functions, runner } = context;
  const { entry, work } = command;
  ledger.startEntry(entry);
  functions.startEntry(work.functionsOf.timeMs, work.functionsOf.seed);
  runner.startCommand();
  const texts: string[] = [];
  let next = ledger.position.statementsDone;
  while (next < work.units.length) {
    const done = applyUnit(context, command, next);
    const piece = work.units[next]?.cached.pieces[work.units[next]?.at ?? -1];
    const touched = piece !== undefined && touchesSchema(piece);
    if (touched || runner.stale) context.readSchemaAnew();
    texts.push(...done.texts);
    next = done.next;
  }
  return resultsOf(context, command, texts);
};

const applyUnit = (context: CommandContext, command: CommandEntry, at: number): CommandResult => {
  const { ledger } = context;
  ledger.begin();
  ledger.store.writeIndex(ledger.position.index, ledger.position.term);
  const result = run(context, command, at, at + 1);
  if (!ledger.transactions.open) ledger.begin();
  keepLastUnit(context, command, result);
  const error = ledger.commit(afterUnit(ledger, command, result));
  return error === undefined ? result : recordFailedUnit(context, command, at, error);
};

/**
 * Behind the last unit of a request that may be sent again. What came of the ones before may be
 * lost in a restart, on this replica alone; so of several it is kept on none.
 */
const keepLastUnit = (
  context: CommandContext,
  command: CommandEntry,
  { next, texts, failed }: CommandResult,
): void => {
  const { units } = command.work;
  if (next < units.length) return;
  const outcome = units.length === 1 ? resultsOf(context, command, texts) : undefined;
  keepOutcome(context.ledger, command, outcome, failed);
};

const afterUnit = (
  ledger: Ledger,
  { entry, work }: CommandEntry,
  { next, schemaChanged }: CommandResult,
): Position =>
  next < work.units.length
    ? ledger.within(entry, next, schemaChanged)
    : ledger.after(entry, work.timeMs, schemaChanged);

/** COMMIT failed after a statement that had succeeded: now it has not. */
const recordFailedUnit = (
  context: CommandContext,
  command: CommandEntry,
  at: number,
  error: SqlError,
): CommandResult => {
  const { ledger, runner } = context;
  const { render } = command;
  const texts = render === 0 ? [] : [errorText(render, error.message, false)];
  const next = nextStatement(command.work, at);
  const result = { texts, next, failed: true, schemaChanged: false };
  runner.undone();
  ledger.chain.record(error.code, 0, 0n);
  ledger.begin();
  keepLastUnit(context, command, result);
  ledger.commitSurely(afterUnit(ledger, command, result));
  return result;
};
