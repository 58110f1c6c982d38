// Epochs of a cluster, kept in its terms. A recovery from a lost quorum begins a new one: its terms
// are higher than any of before, so whoever is left of the old cluster never outvotes the new one.
//
// An epoch has 2^32 terms. The first half is for the entries that recoveries write, one a survivor;
// they keep the order of the logs that they end, so an election among the survivors finds the best
// log as it always does, and two of them are the same entry only when the logs before are the same.
// Elections of the epoch have the second half.
import { invariant } from '#invariant.ts';
import { type Term, term } from '#raft/term.ts';

const epochTerms = 2 ** 32;
const electedFrom = 2 ** 31;
const ranksOfElected = 2 ** 30;

const rankOf = (lastTerm: number): number | undefined => {
  const offset = lastTerm % epochTerms;
  if (lastTerm < epochTerms || offset < electedFrom) {
    return offset < ranksOfElected ? offset : undefined;
  }
  const rank = ranksOfElected + offset - electedFrom;
  return rank < electedFrom ? rank : undefined;
};

/** Which epoch a term is of: 0 until the first recovery. */
export const epochOf = (itsTerm: number): number => Math.floor(itsTerm / epochTerms);

/** Whether an entry of this term was written by a recovery, not by a leader. */
export const isRecoveryTerm = (itsTerm: number): boolean =>
  epochOf(itsTerm) > 0 && itsTerm % epochTerms < electedFrom;

/**
 * The term of the entry that ends a log whose last entry is of `lastTerm`; undefined: the log ends
 * with a recovery that followed another one, and no leader since.
 */
export const recoveryTermAfter = (lastTerm: Term): Term | undefined => {
  const rank = rankOf(lastTerm);
  if (rank === undefined) return undefined;
  const begin = (epochOf(lastTerm) + 1) * epochTerms;
  invariant(Number.isSafeInteger(begin + epochTerms), 'an epoch has room for its terms');
  return term(begin + rank);
};

/** The term that a node of a recovered cluster is in before its first election. */
export const firstTermOf = (recoveryTerm: Term): Term =>
  term(epochOf(recoveryTerm) * epochTerms + electedFrom);
