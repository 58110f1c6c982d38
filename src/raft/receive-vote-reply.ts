// The answer to a vote request or its rehearsal (dissertation 3.4, 9.6).
import { invariant } from '#invariant.ts';
import { tally } from './election.ts';
import type { VoteReply } from './message.ts';
import type { RaftState } from './raft-state.ts';

/** Counts the answer if it belongs to the campaign under way; a node's first answer stands. */
export const receiveVoteReply = (state: RaftState, message: VoteReply): void => {
  const { role } = state;
  if (role.kind !== (message.preVote ? 'pre-candidate' : 'candidate')) return;
  const campaignTerm = message.preVote && message.granted ? state.term + 1 : state.term;
  if (message.term !== campaignTerm) return;
  invariant(message.from !== state.self, 'the own vote does not travel');
  if (role.votes.has(message.from)) return;
  role.votes.set(message.from, message.granted);
  tally(state);
};
