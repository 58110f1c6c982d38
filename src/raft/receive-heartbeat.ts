// A heartbeat at the receiver: the leader lives, and entries that this node acknowledged to it are
// committed.
import { advanceCommit } from './commit.ts';
import { followLeader } from './follow-leader.ts';
import type { Heartbeat } from './message.ts';
import { raise } from './outbox.ts';
import { type RaftState, send } from './raft-state.ts';
import { termZero } from './term.ts';

/** Takes the commit index and answers with the number of the read-index round (6.4). */
export const receiveHeartbeat = (state: RaftState, message: Heartbeat): void => {
  if (!followLeader(state, message)) return;
  if (message.commitIndex > state.log.lastIndex) reportLostLog(state, message);
  else if (message.commitIndex > state.commitIndex) advanceCommit(state, message.commitIndex);
  send(state, {
    kind: 'heartbeat-reply',
    from: state.self,
    to: message.from,
    term: state.term,
    readContext: message.readContext,
  });
};

/**
 * The leader tells of no commit beyond what this node acknowledged in this very term, and in it the
 * leader's entries are never truncated here: so this node's disk lost what it had promised to keep
 * (replaced, or put back to an older state). Both ends say so; this one in an answer whose hint
 * lies behind its log's end, as no other does.
 */
const reportLostLog = (state: RaftState, message: Heartbeat): void => {
  const { commitIndex } = message;
  const { lastIndex } = state.log;
  if (state.lostLogTerm !== state.term) {
    state.lostLogTerm = state.term;
    const lost = { node: state.self, acknowledged: commitIndex, lastIndex };
    raise(state.outbox, { kind: 'acknowledged-entries-lost', ...lost });
  }
  send(state, {
    kind: 'append-reply',
    from: state.self,
    to: message.from,
    term: state.term,
    accepted: false,
    rejectedIndex: commitIndex,
    hintIndex: commitIndex,
    hintTerm: termZero,
    lastIndex,
  });
};
