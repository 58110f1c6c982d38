// RequestVote and its rehearsal at the receiver (dissertation 3.4, 3.6.1, 9.6). The receiver's own
// configuration is not asked: it may be older than the candidate's (4.1).
import { invariant } from '#invariant.ts';
import type { VoteRequest } from './message.ts';
import { leaderOf, type RaftState, send } from './raft-state.ts';
import { term as termOf } from './term.ts';

/** Gives the vote, or says whether it would be given, and answers. */
export const receiveVoteRequest = (state: RaftState, message: VoteRequest): void => {
  invariant(
    message.preVote ? message.term >= state.term : message.term === state.term,
    'a vote is asked for in this term, a rehearsal in this one or the next',
  );
  const granted = isFree(state, message) && isUpToDate(state, message);
  if (granted && !message.preVote) {
    invariant(
      state.votedFor === undefined || state.votedFor === message.from,
      'a vote is given once a term (dissertation 3.4)',
    );
    state.votedFor = message.from;
    state.electionElapsedTicks = 0;
  }
  send(state, {
    kind: 'vote-reply',
    from: state.self,
    to: message.from,
    // A granted rehearsal names the term that it is for; a refusal tells the own term.
    term: message.preVote && granted ? termOf(message.term) : state.term,
    preVote: message.preVote,
    granted,
  });
};

/** Whether the vote of the term in question is this candidate's or nobody's yet (3.4). */
const isFree = (state: RaftState, message: VoteRequest): boolean => {
  if (message.term > state.term) return true;
  if (state.votedFor === message.from) return true;
  return state.votedFor === undefined && leaderOf(state) === undefined;
};

/**
 * Whether the candidate's log holds everything that may be committed, as far as is known (3.6.1).
 */
const isUpToDate = (state: RaftState, message: VoteRequest): boolean => {
  const { lastTerm, lastIndex } = state.log;
  if (message.lastTerm !== lastTerm) return message.lastTerm > lastTerm;
  return message.lastIndex >= lastIndex;
};
