// Deliberate faults of the core, each a small change of one file. Every one must be caught by a
// test of test/raft, by the golden data or by the simulator; mutations-main.ts tries them and keeps
// the table in MUTATIONS.md. `find` must occur exactly once in its file, so the list cannot go
// stale.

/** One fault: in `file` of src/raft, `find` becomes `replace`. */
export interface Mutation {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** The faults. */
export const mutations: readonly Mutation[] = [
  {
    name: 'a vote reply does not wait for the disk',
    file: 'outbox.ts',
    find: 'return message.preVote && termIsDurable;',
    replace: 'return true;',
  },
  {
    name: 'a vote request does not wait for the disk',
    file: 'outbox.ts',
    find: '      return message.preVote;',
    replace: '      return true;',
  },
  {
    name: 'an acknowledgement does not wait for the disk',
    file: 'outbox.ts',
    find: "    case 'append-reply':\n      return false;",
    replace: "    case 'append-reply':\n      return true;",
  },
  {
    name: 'a heartbeat answer does not wait for its term',
    file: 'outbox.ts',
    find: '      return termIsDurable;',
    replace: '      return true;',
  },
  {
    name: 'acknowledgements of truncated entries still leave',
    file: 'outbox.ts',
    find: 'message.matchIndex < index,',
    replace: 'message.matchIndex < index || true,',
  },
  {
    name: 'messages that rest on a batch under way are handed out beside it',
    file: 'take-ready.ts',
    find: 'if (!withBatch && !restsOnNothing(state)) return [];',
    replace: '',
  },
  {
    name: 'entries are applied before they are on the own disk',
    file: 'take-ready.ts',
    find: 'earlierOf(durableIndex, state.commitIndex));',
    replace: 'laterOf(earlierOf(durableIndex, state.commitIndex), state.commitIndex));',
  },
  {
    name: 'the leader counts its own entries before they are on disk',
    file: 'commit.ts',
    find: 'node === state.self ? state.persistence.durableIndex',
    replace: 'node === state.self ? state.log.lastIndex',
  },
  {
    name: 'an entry of an older term is committed by counting',
    file: 'commit.ts',
    find: "reached < role.barrierIndex) return;\n  invariant(reached <= state.log.lastIndex, 'a quorum has no more than its leader');\n  const index = logIndex(reached);\n  invariant(\n    state.log.matches(index, state.term),\n    'entries from the barrier on are of the own term',\n  );\n  countCommitted(state, role, index);",
    replace:
      'false) return;\n  const index = logIndex(reached);\n  if (index >= role.barrierIndex) countCommitted(state, role, index);',
  },
  {
    name: 'an election is won before the own vote is on disk',
    file: 'election.ts',
    find: '  if (state.persistence.durable.term !== state.term) return;\n',
    replace: '',
  },
  {
    name: 'the own vote never counts',
    file: 'election.ts',
    find: '  state.role.votes.set(state.self, true);\n',
    replace: '',
  },
  {
    name: 'a node votes again in a term in which it voted',
    file: 'receive-vote-request.ts',
    find: 'return state.votedFor === undefined && leaderOf(state) === undefined;',
    replace: 'return leaderOf(state) !== message.from;',
  },
  {
    name: 'a vote is given to a log that is behind',
    file: 'receive-vote-request.ts',
    find: 'return message.lastIndex >= lastIndex;',
    replace: 'return message.lastIndex >= 0;',
  },
  {
    name: 'a longer log of an older term is preferred in a vote',
    file: 'receive-vote-request.ts',
    find: 'if (message.lastTerm !== lastTerm) return message.lastTerm > lastTerm;',
    replace: '',
  },
  {
    name: 'a rehearsal of an election is taken for the election',
    file: 'receive-vote-request.ts',
    find: 'if (granted && !message.preVote) {',
    replace: 'if (granted) {',
  },
  {
    name: 'elections are held without a rehearsal',
    file: 'election.ts',
    find: '  becomePreCandidate(state);\n  requestVotes(state, { preVote: true, transfer: false });\n  tally(state);',
    replace: '  startElection(state, false);',
  },
  {
    name: 'followers of a living leader vote',
    file: 'step.ts',
    find: 'leaderOf(state) !== undefined && state.electionElapsedTicks < state.options.electionTicks;',
    replace: 'leaderOf(state) !== undefined && state.electionElapsedTicks < 0;',
  },
  {
    name: 'followers of a living leader do not vote in a transfer',
    file: 'step.ts',
    find: "message.kind === 'vote-request' && !message.transfer && hearsLeader",
    replace: "message.kind === 'vote-request' && hearsLeader",
  },
  {
    name: 'a leader without a quorum leads on',
    file: 'election.ts',
    find: 'if (!quorumIsActive(state, role)) {',
    replace: 'if (!quorumIsActive(state, role) && state.term < 0) {',
  },
  {
    name: 'a learner campaigns',
    file: 'election.ts',
    find: '.some(({ membership }) => isVoter(membership, state.self));',
    replace:
      '.some(({ membership }) => isVoter(membership, state.self) || membership.learners.includes(state.self));',
  },
  {
    name: 'a voter that an uncommitted configuration removes does not campaign',
    file: 'election.ts',
    find: 'state.history.since(state.commitIndex).some(',
    replace: 'state.history.since(state.log.lastIndex).some(',
  },
  {
    name: 'a late leader is not told of the present term',
    file: 'step.ts',
    find: "  if (message.kind === 'append') rejectAppend(state, message);\n  if (message.kind === 'heartbeat')\n    send(state, { kind: 'heartbeat-reply', ...envelope, readContext: 0 });",
    replace: '',
  },
  {
    name: 'learners are counted like voters',
    file: 'quorum.ts',
    find: '    majorityReached(membership.voters, reachedBy),\n    majorityReached(membership.votersOutgoing, reachedBy),\n  );',
    replace:
      "    majorityReached([...membership.voters, ...('learners' in membership ? (membership.learners as NodeId[]) : [])], reachedBy),\n    majorityReached(membership.votersOutgoing, reachedBy),\n  );",
  },
  {
    name: 'a joint configuration commits with one of its majorities',
    file: 'quorum.ts',
    find: '    majorityReached(membership.votersOutgoing, reachedBy),\n  );',
    replace: '    Number.POSITIVE_INFINITY,\n  );',
  },
  {
    name: 'a joint configuration elects with one of its majorities',
    file: 'quorum.ts',
    find: "  if (incoming === outgoing) return incoming;\n  return incoming === 'lost' || outgoing === 'lost' ? 'lost' : 'pending';",
    replace: '  return incoming === outgoing ? outgoing : incoming;',
  },
  {
    name: 'half of the voters are a majority',
    file: 'quorum.ts',
    find: 'Math.floor(size / 2) + 1;',
    replace: 'Math.ceil(size / 2);',
  },
  {
    name: 'two voters change without a joint configuration',
    file: 'configuration.ts',
    find: 'if (votersChanged(membership.voters, draft.voters) > 1)',
    replace: 'if (votersChanged(membership.voters, draft.voters) > 9)',
  },
  {
    name: 'a configuration is proposed while another is uncommitted',
    file: 'propose.ts',
    find: "if (index > state.commitIndex) return refuse({ kind: 'configuration-in-progress' });",
    replace: 'if (index < 0) return refuse({ kind: "configuration-in-progress" });',
  },
  {
    name: 'a configuration is proposed before an entry of the own term is committed',
    file: 'propose.ts',
    find: 'if (state.commitIndex < role.barrierIndex) {',
    replace: 'if (state.commitIndex < 0) {',
  },
  {
    name: 'a truncated configuration stays in force',
    file: 'receive-append.ts',
    find: '    state.history.truncateFrom(first.index);\n',
    replace: '',
  },
  {
    name: 'a joint configuration is not left',
    file: 'commit.ts',
    find: 'if (membership.autoLeave) leaveAutomatically(state, role);',
    replace: '',
  },
  {
    name: 'a joint configuration is left before it is committed',
    file: 'commit.ts',
    find: 'if (index > state.commitIndex) return;\n  if (isJoint(membership)) {',
    replace: 'if (isJoint(membership)) {',
  },
  {
    name: 'a removed leader leads on',
    file: 'commit.ts',
    find: 'if (!isVoter(membership, state.self)) stepDownRemoved(state, role);',
    replace: '',
  },
  {
    name: 'a demoted voter stays a voter when the joint configuration is left',
    file: 'configuration.ts',
    find: 'for (const node of draft.learnersNext) draft.learners.add(node);',
    replace: 'for (const node of draft.learnersNext) draft.voters.add(node);',
  },
  {
    name: 'a read is answered without the round',
    file: 'read-index.ts',
    find: 'reads.rounds.filter((round) => round.number <= confirmed);',
    replace: 'reads.rounds.filter((round) => round.number <= confirmed + 1e9);',
  },
  {
    name: 'a read is answered before an entry of the own term is committed',
    file: 'read-index.ts',
    find: "if (state.commitIndex < role.barrierIndex) return { kind: 'no-entry-of-own-term-committed' };",
    replace: '',
  },
  {
    name: 'answers to any heartbeat confirm a read',
    file: 'receive-heartbeat-reply.ts',
    find: '  progress.readRound = message.readContext;',
    replace: '  progress.readRound = lastRound;',
  },
  {
    name: 'reads of a former leader are forgotten',
    file: 'role.ts',
    find: "if (state.role.kind === 'leader') refuseReads(state, state.role);",
    replace: 'refuseReads;',
  },
  {
    name: 'a durable batch counts entries that were truncated since',
    file: 'persistence.ts',
    find: 'for (const batch of underWay) if (batch.through > through) batch.through = through;',
    replace: '',
  },
  {
    name: 'a truncation is not told to the disk',
    file: 'persistence.ts',
    find: 'if (truncateFrom === undefined || index < truncateFrom) truncateFrom = index;',
    replace: '',
  },
  {
    name: 'an adopted image leaves the old log counted as durable',
    file: 'persistence.ts',
    find: '      lower(indexZero);\n',
    replace: '',
  },
  {
    name: 'a follower commits what lies behind the entries of the leader',
    file: 'receive-append.ts',
    find: 'earlierOf(message.commitIndex, matchIndex);',
    replace: 'earlierOf(message.commitIndex, state.log.lastIndex);',
  },
  {
    name: 'the entry before those of an append is not compared',
    file: 'receive-append.ts',
    find: 'if (!state.log.matches(message.prevIndex, message.prevTerm)) {',
    replace: 'if (message.prevIndex > state.log.lastIndex) {',
  },
  {
    name: 'equal entries are truncated too',
    file: 'receive-append.ts',
    find: 'const position = entries.findIndex((entry) => !state.log.matches(entry.index, entry.term));',
    replace: 'const position = entries.findIndex((entry) => entry.index > state.commitIndex);',
  },
  {
    name: 'heartbeats tell of commits beyond what the follower acknowledged',
    file: 'replication.ts',
    find: 'commitIndex: earlierOf(match, state.commitIndex),',
    replace: 'commitIndex: match < 0 ? match : state.commitIndex,',
  },
  {
    name: 'a leader lowers what a follower acknowledged',
    file: 'progress.ts',
    find: 'progress.next = laterOf(earlierOf(indexAfter(meetAt), rejected), indexAfter(progress.match));',
    replace:
      'progress.next = earlierOf(indexAfter(meetAt), rejected); progress.match = earlierOf(progress.match, meetAt);',
  },
  {
    name: 'lost appends are not asked after',
    file: 'receive-heartbeat-reply.ts',
    find: '    progress.askAgain = true;',
    replace: '',
  },
  {
    name: 'a waiting probe is never sent again',
    file: 'receive-heartbeat-reply.ts',
    find: '  progress.probeSent = false;\n',
    replace: '',
  },
  {
    name: 'a full window follows every rejection',
    file: 'progress.ts',
    find: '    progress.window = 1;\n',
    replace: '',
  },
  {
    name: 'any late answer ends a probe',
    file: 'receive-append-reply.ts',
    find: 'matchIndex >= progress.probeEnd;',
    replace: 'matchIndex === progress.match;',
  },
  {
    name: 'an image is adopted over entries that are committed',
    file: 'receive-snapshot.ts',
    find: '  if (index <= state.commitIndex) return;\n',
    replace: '',
  },
  {
    name: 'an image is never adopted where the log matches in length',
    file: 'receive-snapshot.ts',
    find: 'if (state.log.matches(index, indexTerm)) {',
    replace: 'if (index <= state.log.lastIndex) {',
  },
  {
    name: 'loaded entries are not compared with the log',
    file: 'entry-loads.ts',
    find: '    if (!log.matches(entry.index, entry.term)) return;\n',
    replace: '',
  },
  {
    name: 'a leadership transfer asks a voter whose log is behind',
    file: 'transfer.ts',
    find: '  if (role.progress.get(transfer.to)?.match !== state.log.lastIndex) return;\n',
    replace: '',
  },
  {
    name: 'proposals are taken during a transfer',
    file: 'propose.ts',
    find: "  if (role.transfer !== undefined) return { kind: 'transfer-in-progress' };\n",
    replace: '',
  },
  {
    name: 'a transfer never times out',
    file: 'transfer.ts',
    find: 'role.transfer.elapsedTicks += 1;',
    replace: 'role.transfer.elapsedTicks += 0;',
  },
  {
    name: 'uncommitted bytes are not bounded',
    file: 'propose.ts',
    find: 'if (role.uncommittedBytes > 0 && bytes > state.options.uncommittedBytesMax) {',
    replace: 'if (bytes < 0) {',
  },
  {
    name: 'an acknowledgement of more than the leader has counts',
    file: 'receive-append-reply.ts',
    find: 'if (matchIndex > state.log.lastIndex) {',
    replace: 'if (matchIndex < 0) {',
  },
  {
    name: 'messages are not checked',
    file: 'step.ts',
    find: 'if (problem !== undefined) {',
    replace: "if (problem === 'it is for another node') {",
  },
  {
    name: 'a heartbeat moves the commit index beyond the log',
    file: 'receive-heartbeat.ts',
    find: 'if (message.commitIndex > state.log.lastIndex) reportLostLog(state, message);\n  else if',
    replace: 'if',
  },
  {
    name: 'a second leader of a term is followed',
    file: 'follow-leader.ts',
    find: '  if (leader !== undefined) {',
    replace: '  if (leader === state.self) {',
  },
  {
    name: 'a trimmed window is never asked after',
    file: 'replication.ts',
    find: '  if (progress.askAgain && isTrimmed(state, progress)) becomeProbe(progress);\n',
    replace: '  if (progress.askAgain && isTrimmed(state, progress)) return;\n',
  },
  {
    name: 'entries are evicted before they are committed',
    file: 'take-ready.ts',
    find: 'state.log.evict(earlierOf(handedIndex, state.commitIndex));',
    replace: 'state.log.evict(handedIndex);',
  },
  {
    name: 'the term of a torn write is forgotten',
    file: 'raft-state.ts',
    find: 'const isTorn = log.lastTerm > hardState.term;',
    replace: 'const isTorn = log.lastTerm < 0;',
  },
  {
    name: 'the commit index alone is written and synced',
    file: 'persistence.ts',
    find: '      !sameVote(hardState, handed),',
    replace: '      !sameVote(hardState, handed) || hardState.commitIndex > handed.commitIndex,',
  },
];
