// Leadership transfer at the receiver (dissertation 3.10).
import { invariant } from '#invariant.ts';
import { mayCampaign, startElection } from './election.ts';
import type { TimeoutNow } from './message.ts';
import { leaderOf, type RaftState } from './raft-state.ts';

/** Campaigns at once, without a rehearsal: the leader itself asked for it. */
export const receiveTimeoutNow = (state: RaftState, message: TimeoutNow): void => {
  invariant(message.term === state.term, 'a leader hands over in its own term');
  if (state.role.kind !== 'follower' || !mayCampaign(state)) return;
  const leader = leaderOf(state);
  if (leader !== undefined && leader !== message.from) return;
  startElection(state, true);
};
