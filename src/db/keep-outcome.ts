// Requests that may be sent again: whether one is a repetition, and what is remembered of the
// first. All of it happens in the transaction of the request itself.
import type { Command } from '#command/command.ts';
import type { Outcome } from '#command/outcome.ts';
import type { CommandEntry } from './apply-command.ts';
import type { KeptOutcome } from './kept-outcomes.ts';
import type { Ledger } from './ledger.ts';

/** What came of a request that was carried out before, or of the one that has its key. */
export interface Repetition extends KeptOutcome {
  readonly entry: number;
  /** It is the same request. */
  readonly same: boolean;
}

/** Whether it may be sent again: under a key, or because it commits a transaction. */
export const mayBeRepeated = ({ idempotency, interactive }: Command): boolean =>
  idempotency !== undefined || interactive !== undefined;

/** The request that this one repeats, or whose key it takes; within a transaction. */
export const findKept = (ledger: Ledger, { work }: CommandEntry): Repetition | undefined => {
  const { idempotency, interactive, user } = work.command;
  if (interactive !== undefined) {
    const ended = ledger.ended.find(user, interactive.id);
    if (ended !== undefined) {
      return { entry: ended.entry, error: ended.error, results: '', same: true };
    }
  }
  if (idempotency === undefined) return undefined;
  const kept = ledger.kept.find(user, idempotency.key, work.timeMs);
  if (kept === undefined) return undefined;
  return { ...kept, same: Buffer.compare(kept.digest, idempotency.digest) === 0 };
};

/** Applies nothing; the entry counts as applied, with what came of the first one. */
export const applyRepeated = (
  ledger: Ledger,
  { entry, work }: CommandEntry,
  { entry: index, error, results, same }: Repetition,
): Outcome => {
  ledger.startEntry(entry);
  ledger.writeIndexFirst(entry);
  ledger.chain.record(same ? 'REPEATED' : 'KEY_REUSED', 0, 0n);
  ledger.moveTo(ledger.after(entry, work.timeMs, false));
  if (!same) return { kind: 'key-reused' };
  return {
    kind: 'repeated',
    index,
    error,
    json: Buffer.from(results ?? ''),
    lost: results === undefined,
  };
};

/**
 * Remembers what came of a request that may be sent again; in its last transaction. Without an
 * outcome only that it was carried out.
 */
export const keepOutcome = (
  ledger: Ledger,
  { entry, work }: CommandEntry,
  outcome: Outcome | undefined,
  failed: boolean,
): void => {
  const { idempotency, interactive, user, statements, transaction } = work.command;
  if (!mayBeRepeated(work.command)) return;
  // A command that was judged under another schema, or that stands off its fence, was not begun.
  if (outcome !== undefined && outcome.kind !== 'results') return;
  const error = outcome?.error ?? '';
  if (interactive !== undefined) {
    ledger.ended.keep({ entry: entry.index, timeMs: work.timeMs, user, id: interactive.id, error });
  }
  if (idempotency === undefined) return;
  const kept = outcome ?? { error: '', json: undefined };
  ledger.kept.keep(
    {
      entry: entry.index,
      timeMs: work.timeMs,
      user,
      idempotency,
      statements: statements.length,
    },
    {
      error: kept.error,
      results: kept.json === undefined ? undefined : Buffer.from(kept.json).toString('utf8'),
      undone: transaction && failed,
    },
  );
};
