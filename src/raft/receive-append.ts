// AppendEntries at the receiver (dissertation 3.5, figure 3.1).
import { invariant } from '#invariant.ts';
import { adoptConfigurations } from './adopt-configuration.ts';
import { advanceCommit } from './commit.ts';
import type { Entry } from './entry.ts';
import { followLeader } from './follow-leader.ts';
import { earlierOf, indexAfter, type LogIndex, laterOf } from './log-index.ts';
import type { Append } from './message.ts';
import { raise, retractAcknowledgements } from './outbox.ts';
import { type RaftState, send } from './raft-state.ts';
import { termZero } from './term.ts';

/** Takes the entries if they fit the log, and answers; the answer waits for the disk. */
export const receiveAppend = (state: RaftState, message: Append): void => {
  if (!followLeader(state, message)) return;
  if (message.prevIndex < state.commitIndex) {
    receiveBelowCommit(state, message);
    return;
  }
  if (!state.log.matches(message.prevIndex, message.prevTerm)) {
    rejectAppend(state, message);
    return;
  }
  appendFromLeader(state, message.entries);
  acceptUpTo(state, message, indexAfter(message.prevIndex, message.entries.length));
};

/**
 * A delayed or repeated message whose beginning is committed here. Committed entries are the
 * leader's too (leader completeness, 3.6.3), so only what is behind them is looked at.
 */
const receiveBelowCommit = (state: RaftState, message: Append): void => {
  const contradicted = message.entries.find(
    (entry) =>
      entry.index <= state.commitIndex &&
      entry.index >= state.log.trimmedIndex &&
      !state.log.matches(entry.index, entry.term),
  );
  if (contradicted !== undefined) {
    contradiction(state, message, contradicted.index);
    return;
  }
  const behind = message.entries.filter((entry) => entry.index > state.commitIndex);
  appendFromLeader(state, behind);
  acceptUpTo(state, message, behind.at(-1)?.index ?? state.commitIndex);
};

const contradiction = (state: RaftState, message: Append, index: LogIndex): void => {
  raise(state.outbox, { kind: 'committed-entry-contradicted', node: message.from, index });
};

/**
 * Removes what conflicts and appends what is missing; entries already here are left alone (3.5).
 */
const appendFromLeader = (state: RaftState, entries: readonly Entry[]): void => {
  const position = entries.findIndex((entry) => !state.log.matches(entry.index, entry.term));
  if (position < 0) return;
  const news = entries.slice(position);
  const first = news[0];
  invariant(first !== undefined, 'there is a first of the new entries');
  if (first.index <= state.log.lastIndex) {
    invariant(first.index > state.commitIndex, 'a committed entry is never truncated');
    state.log.truncateFrom(first.index);
    state.persistence.truncatedFrom(first.index);
    retractAcknowledgements(state.outbox, first.index);
    // The configuration in force goes with the entry that brought it (4.1).
    state.history.truncateFrom(first.index);
  }
  state.log.append(news);
  adoptConfigurations(state, news);
};

const acceptUpTo = (state: RaftState, message: Append, matchIndex: LogIndex): void => {
  invariant(matchIndex <= state.log.lastIndex, 'only entries of the log are acknowledged');
  // What lies behind the leader's entries here may be another leader's, so it is not committed.
  const committed = earlierOf(message.commitIndex, matchIndex);
  if (committed > state.commitIndex) advanceCommit(state, committed);
  send(state, {
    kind: 'append-reply',
    from: state.self,
    to: message.from,
    term: state.term,
    accepted: true,
    matchIndex,
  });
};

/**
 * The entry before the leader's is not here. The answer names the last entry here that could be in
 * the leader's log: its term is no later than that of the entry which the leader named (3.5, the
 * back-off by terms). Committed entries always match, so the hint never goes below them.
 */
export const rejectAppend = (state: RaftState, message: Append): void => {
  const { log } = state;
  const found = log.lastAtMost(message.prevIndex, message.prevTerm);
  const hintIndex = laterOf(found ?? state.commitIndex, state.commitIndex);
  send(state, {
    kind: 'append-reply',
    from: state.self,
    to: message.from,
    term: state.term,
    accepted: false,
    rejectedIndex: message.prevIndex,
    hintIndex,
    hintTerm: log.termAt(hintIndex) ?? termZero,
    lastIndex: log.lastIndex,
  });
};
