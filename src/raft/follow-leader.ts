// What an append, a heartbeat and an image have in common: their sender leads the present term.
import { invariant } from '#invariant.ts';
import type { Append, Heartbeat, Snapshot } from './message.ts';
import { raise } from './outbox.ts';
import { leaderOf, type RaftState } from './raft-state.ts';
import { becomeFollower } from './role.ts';

/**
 * Follows the sender (dissertation 3.4: a candidate gives way to the leader of its term).
 *
 * @returns false for a second leader of the term, which election safety excludes: it is not heard
 */
export const followLeader = (state: RaftState, message: Append | Heartbeat | Snapshot): boolean => {
  invariant(message.term === state.term, 'a leader is followed in its own term');
  const leader = leaderOf(state);
  if (leader === message.from) {
    state.electionElapsedTicks = 0;
    return true;
  }
  if (leader !== undefined) {
    raise(state.outbox, { kind: 'second-leader', node: message.from, term: message.term });
    return false;
  }
  becomeFollower(state, state.term, message.from);
  return true;
};
