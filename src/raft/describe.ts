// One text form for messages, Readys and states: for logs, for golden transcripts, for the
// simulator's timeline. Nothing here is parsed by anybody.
import { unreachable } from '#invariant.ts';
import type { Entry } from './entry.ts';
import type { HardState } from './hard-state.ts';
import type { Membership } from './membership.ts';
import type { Message } from './message.ts';
import type { Progress } from './progress.ts';
import type { RaftState } from './raft-state.ts';
import { leaderOf, membershipOf } from './raft-state.ts';
import type { Ready } from './ready.ts';

/** `voters=(a b)&&(a) learners=(c) learners-next=(d) auto-leave`; empty lists are left out. */
export const describeMembership = (membership: Membership): string => {
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = membership;
  const list = (nodes: readonly string[]) => `(${nodes.join(' ')})`;
  const joint = votersOutgoing.length > 0 ? `&&${list(votersOutgoing)}` : '';
  const parts = [`voters=${list(voters)}${joint}`];
  if (learners.length > 0) parts.push(`learners=${list(learners)}`);
  if (learnersNext.length > 0) parts.push(`learners-next=${list(learnersNext)}`);
  if (autoLeave) parts.push('auto-leave');
  return parts.join(' ');
};

/** `index/term kind bytes`. */
export const describeEntry = (entry: Entry): string =>
  `${entry.index}/${entry.term} ${entry.kind} ${entry.data.length}`;

const describeBody = (message: Message): string => {
  switch (message.kind) {
    case 'append': {
      const entries = message.entries.map((entry) => ` [${describeEntry(entry)}]`).join('');
      return `prev=${message.prevIndex}/${message.prevTerm} commit=${message.commitIndex}${entries}`;
    }
    case 'append-reply':
      return message.accepted
        ? `match=${message.matchIndex}`
        : `rejected=${message.rejectedIndex} hint=${message.hintIndex}/${message.hintTerm} ` +
            `last=${message.lastIndex}`;
    case 'vote-request': {
      const flags = `${message.preVote ? ' pre' : ''}${message.transfer ? ' transfer' : ''}`;
      return `last=${message.lastIndex}/${message.lastTerm}${flags}`;
    }
    case 'vote-reply':
      return `${message.granted ? 'granted' : 'refused'}${message.preVote ? ' pre' : ''}`;
    case 'heartbeat':
      return `commit=${message.commitIndex} read=${message.readContext}`;
    case 'heartbeat-reply':
      return `read=${message.readContext}`;
    case 'snapshot':
      return `at=${message.index}/${message.indexTerm} ${describeMembership(message.membership)}`;
    case 'timeout-now':
      return '';
    default:
      return unreachable(message);
  }
};

/** `from->to kind term=T ...`. */
export const describeMessage = (message: Message): string =>
  `${message.from}->${message.to} ${message.kind} term=${message.term} ${describeBody(message)}`.trimEnd();

/** `name state match=M next=N`, with what holds the follower up. */
const describeProgress = (name: string, progress: Progress): string => {
  const parts = [`${name} ${progress.state} match=${progress.match} next=${progress.next}`];
  if (progress.probeSent) parts.push('waits');
  if (progress.isStalled) parts.push('stalled');
  if (progress.state === 'snapshot') parts.push(`image=${progress.pendingSnapshot}`);
  if (progress.inFlight.length > 0) parts.push(`in-flight=${progress.inFlight.length}`);
  return parts.join(' ');
};

/** One line about a node; of a leader, with its followers. */
export const describeState = (state: RaftState): string => {
  const { role } = state;
  const followers =
    role.kind === 'leader'
      ? [...role.progress].map(([name, progress]) => `; ${describeProgress(name, progress)}`)
      : [];
  return (
    `${state.self} ${role.kind} term=${state.term} voted=${state.votedFor ?? '-'} ` +
    `leader=${leaderOf(state) ?? '-'} commit=${state.commitIndex} applied=${state.appliedIndex} ` +
    `durable=${state.persistence.durableIndex} log=${state.log.trimmedIndex}..${state.log.lastIndex} ` +
    `${describeMembership(membershipOf(state))}${followers.join('')}`
  );
};

const describeHardState = ({ term, votedFor, commitIndex }: HardState): string =>
  `term=${term} voted=${votedFor ?? '-'} commit=${commitIndex}`;

/**
 * A Ready line by line, in the order in which the driver carries it out; empty parts are left out.
 */
export const describeReady = (ready: Ready): readonly string[] => {
  const { role, term, leader } = ready.softState;
  const { snapshot, truncateFrom, hardState } = ready;
  const batch = ready.mustSync ? ` batch=${ready.sequence}` : '';
  return [
    `${role} term=${term} leader=${leader ?? '-'} applicable=${ready.commitIndex}${batch}`,
    ...(snapshot === undefined ? [] : [`restart behind ${snapshot.index}/${snapshot.term}`]),
    ...(truncateFrom === undefined ? [] : [`truncate from ${truncateFrom}`]),
    ...ready.entries.map((entry) => `write ${describeEntry(entry)}`),
    ...(hardState === undefined ? [] : [`write ${describeHardState(hardState)}`]),
    ...ready.messagesNow.map((message) => `send ${describeMessage(message)}`),
    ...ready.messagesAfterSync.map((message) => `after sync ${describeMessage(message)}`),
    ...ready.readStates.map(
      ({ context, index, refused }) => `read ${context} ${refused ? 'refused' : `at ${index}`}`,
    ),
    ...ready.loads.map(({ from, bytesMax }) => `load from ${from}, ${bytesMax} bytes`),
    ...ready.snapshotRequests.map(({ message }) => `image for ${describeMessage(message)}`),
    ...ready.alarms.map((alarm) => `alarm ${alarm.kind} ${alarm.node}`),
  ];
};
