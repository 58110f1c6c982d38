// Runs the statements of one command within a transaction that is open, and records in the outcome
// chain what each did. Which transaction that is, and what happens when it ends, is the applier's.
import type { CommandWork, Unit } from './apply-work.ts';
import type { OutcomeChain } from './outcome-chain.ts';
import type { PieceRunner } from './run-piece.ts';

/** What a stretch of a command's units did. */
export interface CommandResult {
  /** Elements of `results`, one a statement. */
  readonly texts: string[];
  /** Number of the unit that comes next; the number of units when all are done. */
  readonly next: number;
  /** A statement failed (with `transaction`, the command ends there). */
  readonly failed: boolean;
  /** A statement changed the schema. */
  readonly schemaChanged: boolean;
}

const changesSchema = ({ cached, at }: Unit): boolean => {
  const piece = cached.pieces[at];
  return piece?.access === 'schema' && !piece.explained;
};

/** The first unit of the statement behind that of unit `at`. */
export const nextStatement = (work: CommandWork, at: number): number => {
  let next = at;
  while (work.units[next]?.last === false) next += 1;
  return next + 1;
};

/** Runs units `from` up to `until` (all: the number of units). @throws MachineError */
export const runUnits = (
  runner: PieceRunner,
  chain: OutcomeChain,
  work: CommandWork,
  range: { readonly from: number; readonly until: number; readonly render: number },
): CommandResult => {
  const texts: string[] = [];
  let failed = false;
  let schemaChanged = false;
  let at = range.from;
  while (at < range.until) {
    const unit = work.units[at];
    if (unit === undefined) break;
    const outcome = runner.run(unit, range.render);
    chain.record(outcome.code, outcome.rowsAffected, outcome.lastInsertId);
    const ok = outcome.code === '';
    if (range.render !== 0 && (!ok || unit.last)) texts.push(outcome.text);
    if (ok && work.touchesSchema && changesSchema(unit)) schemaChanged = true;
    // The rest of a text whose statement failed does not run.
    at = ok ? at + 1 : nextStatement(work, at);
    if (ok) continue;
    failed = true;
    runner.undone();
    if (work.command.transaction) break;
  }
  return { texts, next: at, failed, schemaChanged };
};
