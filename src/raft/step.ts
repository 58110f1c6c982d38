// One message: is it well formed, what does its term mean (dissertation 3.3), and whose is it.
import { unreachable } from '#invariant.ts';
import { messageProblem } from './check-message.ts';
import type { Message } from './message.ts';
import { raise } from './outbox.ts';
import { leaderOf, type RaftState, send } from './raft-state.ts';
import { receiveAppend, rejectAppend } from './receive-append.ts';
import { receiveAppendReply } from './receive-append-reply.ts';
import { receiveHeartbeat } from './receive-heartbeat.ts';
import { receiveHeartbeatReply } from './receive-heartbeat-reply.ts';
import { receiveSnapshot } from './receive-snapshot.ts';
import { receiveTimeoutNow } from './receive-timeout-now.ts';
import { receiveVoteReply } from './receive-vote-reply.ts';
import { receiveVoteRequest } from './receive-vote-request.ts';
import { becomeFollower } from './role.ts';

/** Takes one message from the network, whoever sent it. */
export const step = (state: RaftState, message: Message): void => {
  const problem = messageProblem(message, state.self, state.options.configurationCodec);
  if (problem !== undefined) {
    raise(state.outbox, { kind: 'malformed-message', node: message.from, reason: problem });
    return;
  }
  if (message.term > state.term) {
    if (message.kind === 'vote-request' && !message.transfer && hearsLeader(state)) return;
    if (bringsTerm(message)) becomeFollower(state, message.term, undefined);
  }
  if (message.term < state.term && !isHeardLate(message)) answerLate(state, message);
  else receive(state, message);
};

/**
 * Whether this node heard a leader within the shortest election time-out: then somebody who
 * campaigns is cut off or was removed, and would only depose a working leader (4.2.3).
 */
const hearsLeader = (state: RaftState): boolean =>
  leaderOf(state) !== undefined && state.electionElapsedTicks < state.options.electionTicks;

/** A rehearsal names a term that nobody is in yet, so it and its consent bring none (9.6). */
const bringsTerm = (message: Message): boolean => {
  if (message.kind === 'vote-request') return !message.preVote;
  if (message.kind === 'vote-reply') return !(message.preVote && message.granted);
  return true;
};

/** What still counts when its term is over: an image holds committed entries only. */
const isHeardLate = (message: Message): boolean => message.kind === 'snapshot';

/**
 * Tells a sender whose term is over of the present one. Otherwise a node that came back with a
 * later term could never be heard: followers of a living leader do not answer its vote requests
 * (6.2).
 */
const answerLate = (state: RaftState, message: Message): void => {
  const envelope = { from: state.self, to: message.from, term: state.term };
  if (message.kind === 'append') rejectAppend(state, message);
  if (message.kind === 'heartbeat')
    send(state, { kind: 'heartbeat-reply', ...envelope, readContext: 0 });
  if (message.kind === 'vote-request') {
    const { preVote } = message;
    send(state, { kind: 'vote-reply', ...envelope, preVote, granted: false });
  }
};

const receive = (state: RaftState, message: Message): void => {
  switch (message.kind) {
    case 'append':
      receiveAppend(state, message);
      return;
    case 'append-reply':
      receiveAppendReply(state, message);
      return;
    case 'vote-request':
      receiveVoteRequest(state, message);
      return;
    case 'vote-reply':
      receiveVoteReply(state, message);
      return;
    case 'heartbeat':
      receiveHeartbeat(state, message);
      return;
    case 'heartbeat-reply':
      receiveHeartbeatReply(state, message);
      return;
    case 'snapshot':
      receiveSnapshot(state, message);
      return;
    case 'timeout-now':
      receiveTimeoutNow(state, message);
      return;
    default:
      unreachable(message);
  }
};
