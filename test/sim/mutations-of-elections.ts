// Faults of the disk's promises, of votes, majorities and configurations; see mutations.ts.
import type { Mutation } from './mutation.ts';

/** The faults. */
export const mutationsOfElections: readonly Mutation[] = [
  {
    name: 'a vote reply does not wait for the disk',
    file: 'raft/outbox.ts',
    find: 'return message.preVote && termIsDurable;',
    replace: 'return true;',
  },
  {
    name: 'a vote request does not wait for the disk',
    file: 'raft/outbox.ts',
    find: '      return message.preVote;',
    replace: '      return true;',
  },
  {
    name: 'an acknowledgement does not wait for the disk',
    file: 'raft/outbox.ts',
    find: "    case 'append-reply':\n      return false;",
    replace: "    case 'append-reply':\n      return true;",
  },
  {
    name: 'a heartbeat answer does not wait for its term',
    file: 'raft/outbox.ts',
    find: '      return termIsDurable;',
    replace: '      return true;',
  },
  {
    name: 'acknowledgements of truncated entries still leave',
    file: 'raft/outbox.ts',
    find: 'message.matchIndex < index,',
    replace: 'message.matchIndex < index || true,',
  },
  {
    name: 'messages that rest on a batch under way are handed out beside it',
    file: 'raft/take-ready.ts',
    find: 'if (!withBatch && !restsOnNothing(state)) return [];',
    replace: '',
  },
  {
    name: 'entries are applied before they are on the own disk',
    file: 'raft/take-ready.ts',
    find: 'earlierOf(durableIndex, state.commitIndex));',
    replace: 'laterOf(earlierOf(durableIndex, state.commitIndex), state.commitIndex));',
  },
  {
    name: 'the leader counts its own entries before they are on disk',
    file: 'raft/commit.ts',
    find: 'node === state.self ? state.persistence.durableIndex',
    replace: 'node === state.self ? state.log.lastIndex',
  },
  {
    name: 'an entry of an older term is committed by counting',
    file: 'raft/commit.ts',
    find: "reached < role.barrierIndex) return;\n  invariant(reached <= state.log.lastIndex, 'a quorum has no more than its leader');\n  const index = logIndex(reached);\n  invariant(\n    state.log.matches(index, state.term),\n    'entries from the barrier on are of the own term',\n  );\n  countCommitted(state, role, index);",
    replace:
      'false) return;\n  const index = logIndex(reached);\n  if (index >= role.barrierIndex) countCommitted(state, role, index);',
  },
  {
    name: 'an election is won before the own vote is on disk',
    file: 'raft/election.ts',
    find: '  if (state.persistence.durable.term !== state.term) return;\n',
    replace: '',
  },
  {
    name: 'the own vote never counts',
    file: 'raft/election.ts',
    find: '  state.role.votes.set(state.self, true);\n',
    replace: '',
  },
  {
    name: 'a node votes again in a term in which it voted',
    file: 'raft/receive-vote-request.ts',
    find: 'return state.votedFor === undefined && leaderOf(state) === undefined;',
    replace: 'return leaderOf(state) !== message.from;',
  },
  {
    name: 'a vote is given to a log that is behind',
    file: 'raft/receive-vote-request.ts',
    find: 'return message.lastIndex >= lastIndex;',
    replace: 'return message.lastIndex >= 0;',
  },
  {
    name: 'a longer log of an older term is preferred in a vote',
    file: 'raft/receive-vote-request.ts',
    find: 'if (message.lastTerm !== lastTerm) return message.lastTerm > lastTerm;',
    replace: '',
  },
  {
    name: 'a rehearsal of an election is taken for the election',
    file: 'raft/receive-vote-request.ts',
    find: 'if (granted && !message.preVote) {',
    replace: 'if (granted) {',
  },
  {
    name: 'elections are held without a rehearsal',
    file: 'raft/election.ts',
    find: '  becomePreCandidate(state);\n  requestVotes(state, { preVote: true, transfer: false });\n  tally(state);',
    replace: '  startElection(state, false);',
  },
  {
    name: 'followers of a living leader vote',
    file: 'raft/step.ts',
    find: 'leaderOf(state) !== undefined && state.electionElapsedTicks < state.options.electionTicks;',
    replace: 'leaderOf(state) !== undefined && state.electionElapsedTicks < 0;',
  },
  {
    name: 'followers of a living leader do not vote in a transfer',
    file: 'raft/step.ts',
    find: "message.kind === 'vote-request' && !message.transfer && hearsLeader",
    replace: "message.kind === 'vote-request' && hearsLeader",
  },
  {
    name: 'a leader without a quorum leads on',
    file: 'raft/election.ts',
    find: 'if (!quorumIsActive(state, role)) {',
    replace: 'if (!quorumIsActive(state, role) && state.term < 0) {',
  },
  {
    name: 'a learner campaigns',
    file: 'raft/election.ts',
    find: '.some(({ membership }) => isVoter(membership, state.self));',
    replace:
      '.some(({ membership }) => isVoter(membership, state.self) || membership.learners.includes(state.self));',
  },
  {
    name: 'a voter that an uncommitted configuration removes does not campaign',
    file: 'raft/election.ts',
    find: 'state.history.since(state.commitIndex).some(',
    replace: 'state.history.since(state.log.lastIndex).some(',
  },
  {
    name: 'a late leader is not told of the present term',
    file: 'raft/step.ts',
    find: "  if (message.kind === 'append') rejectAppend(state, message);\n  if (message.kind === 'heartbeat')\n    send(state, { kind: 'heartbeat-reply', ...envelope, readContext: 0 });",
    replace: '',
  },
  {
    name: 'learners are counted like voters',
    file: 'raft/quorum.ts',
    find: '    majorityReached(membership.voters, reachedBy),\n    majorityReached(membership.votersOutgoing, reachedBy),\n  );',
    replace:
      "    majorityReached([...membership.voters, ...('learners' in membership ? (membership.learners as NodeId[]) : [])], reachedBy),\n    majorityReached(membership.votersOutgoing, reachedBy),\n  );",
  },
  {
    name: 'a joint configuration commits with one of its majorities',
    file: 'raft/quorum.ts',
    find: '    majorityReached(membership.votersOutgoing, reachedBy),\n  );',
    replace: '    Number.POSITIVE_INFINITY,\n  );',
  },
  {
    name: 'a joint configuration elects with one of its majorities',
    file: 'raft/quorum.ts',
    find: "  if (incoming === outgoing) return incoming;\n  return incoming === 'lost' || outgoing === 'lost' ? 'lost' : 'pending';",
    replace: '  return incoming === outgoing ? outgoing : incoming;',
  },
  {
    name: 'half of the voters are a majority',
    file: 'raft/quorum.ts',
    find: 'Math.floor(size / 2) + 1;',
    replace: 'Math.ceil(size / 2);',
  },
  {
    name: 'two voters change without a joint configuration',
    file: 'raft/configuration.ts',
    find: 'if (votersChanged(membership.voters, draft.voters) > 1)',
    replace: 'if (votersChanged(membership.voters, draft.voters) > 9)',
  },
  {
    name: 'a configuration is proposed while another is uncommitted',
    file: 'raft/propose.ts',
    find: "if (index > state.commitIndex) return refuse({ kind: 'configuration-in-progress' });",
    replace: 'if (index < 0) return refuse({ kind: "configuration-in-progress" });',
  },
  {
    name: 'a configuration is proposed before an entry of the own term is committed',
    file: 'raft/propose.ts',
    find: 'if (state.commitIndex < role.barrierIndex) {',
    replace: 'if (state.commitIndex < 0) {',
  },
  {
    name: 'a truncated configuration stays in force',
    file: 'raft/receive-append.ts',
    find: '    state.history.truncateFrom(first.index);\n',
    replace: '',
  },
  {
    name: 'a joint configuration is not left',
    file: 'raft/commit.ts',
    find: 'if (membership.autoLeave) leaveAutomatically(state, role);',
    replace: '',
  },
  {
    name: 'a joint configuration is left before it is committed',
    file: 'raft/commit.ts',
    find: 'if (index > state.commitIndex) return;\n  if (isJoint(membership)) {',
    replace: 'if (isJoint(membership)) {',
  },
];
