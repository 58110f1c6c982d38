// Requests that may be sent again: whether one is a repetition, and what is remembered of the
// first. All of it happens in the transaction of the request itself.
import type { Outcome } from '#command/outcome.ts';
import type { CommandEntry } from './apply-command.ts';
import type { KeptRequest } from './kept-outcomes.ts';
import type { Ledger } from './ledger.ts';

/** The request that this one repeats, or whose key it takes; within a transaction. */
export const findKept = (ledger: Ledger, { work }: CommandEntry): KeptRequest | undefined => {
  const { idempotency, user } = work.command;
  if (idempotency === undefined) return undefined;
  return ledger.kept.find(user, idempotency.key, work.timeMs);
};

/** Applies nothing; the entry counts as applied, with what came of the first one. */
export const applyRepeated = (
  ledger: Ledger,
  { entry, work }: CommandEntry,
  kept: KeptRequest,
): Outcome => {
  const digest = work.command.idempotency?.digest ?? Buffer.alloc(0);
  const same = Buffer.compare(kept.digest, digest) === 0;
  ledger.startEntry(entry);
  ledger.writeIndexFirst(entry);
  ledger.chain.record(same ? 'REPEATED' : 'KEY_REUSED', 0, 0n);
  ledger.moveTo(ledger.after(entry, work.timeMs, false));
  if (!same) return { kind: 'key-reused' };
  const { entry: index, error, results } = kept;
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
  const { idempotency, user, statements, transaction } = work.command;
  if (idempotency === undefined) return;
  // A command that was judged under another schema was not begun: its leader proposes it anew.
  if (outcome !== undefined && outcome.kind !== 'results') return;
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
