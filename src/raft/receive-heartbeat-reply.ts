// The answer to a heartbeat at the leader: the follower lives, and confirms read-index rounds.
import { invariant } from '#invariant.ts';
import type { HeartbeatReply } from './message.ts';
import type { RaftState } from './raft-state.ts';
import { finishReadRounds } from './read-index.ts';

/** Lets a waiting probe go on, asks after lost appends, and counts the answer for reads (6.4). */
export const receiveHeartbeatReply = (state: RaftState, message: HeartbeatReply): void => {
  invariant(message.term === state.term, 'an answer is to a message of its own term');
  const { role } = state;
  if (role.kind !== 'leader') return;
  const progress = role.progress.get(message.from);
  if (progress === undefined) return;
  progress.recentlyActive = true;
  progress.probeSent = false;
  const isStill = progress.match === progress.matchAtHeartbeat;
  if (progress.state === 'replicate' && isStill && progress.next > progress.match + 1) {
    progress.askAgain = true;
  }
  progress.matchAtHeartbeat = progress.match;
  const { lastRound } = role.reads;
  if (message.readContext > lastRound || message.readContext <= progress.readRound) return;
  progress.readRound = message.readContext;
  finishReadRounds(state, role);
};
