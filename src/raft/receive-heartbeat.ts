// A heartbeat at the receiver: the leader lives, and entries that this node acknowledged to it are
// committed.
import { advanceCommit } from './commit.ts';
import { followLeader } from './follow-leader.ts';
import type { Heartbeat } from './message.ts';
import { raise } from './outbox.ts';
import { type RaftState, send } from './raft-state.ts';

/** Takes the commit index and answers with the number of the read-index round (6.4). */
export const receiveHeartbeat = (state: RaftState, message: Heartbeat): void => {
  if (!followLeader(state, message)) return;
  const { lastIndex } = state.log;
  if (message.commitIndex > lastIndex) {
    // The leader tells of no commit beyond what this node acknowledged in this very term, in which
    // the leader's entries are never truncated: this node's disk lost what it had promised to keep.
    raise(state.outbox, {
      kind: 'acknowledged-entries-lost',
      node: state.self,
      acknowledged: message.commitIndex,
      lastIndex,
    });
  } else if (message.commitIndex > state.commitIndex) {
    advanceCommit(state, message.commitIndex);
  }
  send(state, {
    kind: 'heartbeat-reply',
    from: state.self,
    to: message.from,
    term: state.term,
    readContext: message.readContext,
  });
};
