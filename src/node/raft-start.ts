// Brings log and database together at a start: which state the consensus core begins with, what the
// log must be told first, and when a folder is refused because the two cannot belong together.
import { decodeProposal } from '#command/proposal-codec.ts';
import { CodedError } from '#errors.ts';
import type { LogAppend, RecoveredLog } from '#log/durable-log.ts';
import { logIndex } from '#raft/log-index.ts';
import type { RaftStart } from '#raft/raft.ts';
import { type Term, term } from '#raft/term.ts';
import { membershipFrom } from './membership-codec.ts';
import type { OpenWriter } from './writer-process.ts';

/** How a node starts: the core's state, and an append that must be durable before. */
export interface StartPlan {
  readonly start: RaftStart;
  readonly append: LogAppend | undefined;
}

/** The term of an entry of the recovered log; undefined when the log does not hold it. */
const termAt = (log: RecoveredLog, index: number): Term | undefined => {
  if (index === log.trimmedIndex) return log.trimmedTerm;
  if (index < log.trimmedIndex || index > log.lastIndex) return undefined;
  return log.terms.findLast(({ from }) => from <= index)?.term;
};

/**
 * @throws CodedError `log_damaged` when the log begins behind what the database holds: entries
 *   between the two are missing
 */
export const startPlanOf = (
  log: RecoveredLog,
  database: Pick<OpenWriter, 'appliedIndex' | 'appliedTerm' | 'membership'>,
): StartPlan => {
  const appliedIndex = logIndex(database.appliedIndex);
  const membership = membershipFrom(database.membership);
  if (log.trimmedIndex > appliedIndex) {
    throw new CodedError(
      'log_damaged',
      `the log begins behind entry ${log.trimmedIndex}, but the database ends at ${appliedIndex}`,
      { hint: 'Remove this node from the cluster and let it join anew with an empty folder.' },
    );
  }
  if (termAt(log, appliedIndex) === database.appliedTerm) {
    const later = log.configurationEntries.filter(({ index }) => index > appliedIndex);
    return {
      append: undefined,
      start: {
        hardState: {
          ...log.hardState,
          // What is applied was committed, even if the hint on disk lags behind.
          commitIndex: logIndex(Math.max(log.hardState.commitIndex, appliedIndex)),
        },
        trimmedIndex: log.trimmedIndex,
        trimmedTerm: log.trimmedTerm,
        terms: log.terms,
        lastIndex: log.lastIndex,
        recentEntries: log.recentEntries,
        appliedIndex,
        membership,
        configurationEntries: later,
      },
    };
  }
  // The database is ahead of the log, or the log holds another history there (an adopted image):
  // the log starts anew behind what is applied, votes are kept.
  const appliedTerm = term(database.appliedTerm);
  const hardState = { ...log.hardState, commitIndex: appliedIndex };
  return {
    append: {
      snapshot: { index: appliedIndex, term: appliedTerm },
      truncateFrom: undefined,
      entries: [],
      hardState,
    },
    start: {
      hardState,
      trimmedIndex: appliedIndex,
      trimmedTerm: appliedTerm,
      terms: [],
      lastIndex: appliedIndex,
      recentEntries: [],
      appliedIndex,
      membership,
      configurationEntries: [],
    },
  };
};

/** Log time of the newest entry this node has: no later entry may be earlier. */
export const newestTimeMs = (log: RecoveredLog, appliedTimeMs: number): number => {
  const last = log.recentEntries.findLast(({ kind }) => kind === 'command');
  return last === undefined ? appliedTimeMs : decodeProposal(last.data).timeMs;
};
