// Faults of configurations, reads, logs, replication, images and bounds; see mutations.ts.
import type { Mutation } from './mutation.ts';

/** The faults. */
export const mutationsOfReplication: readonly Mutation[] = [
  {
    name: 'a removed leader leads on',
    file: 'raft/commit.ts',
    find: 'if (!isVoter(membership, state.self)) stepDownRemoved(state, role);',
    replace: '',
  },
  {
    name: 'a demoted voter stays a voter when the joint configuration is left',
    file: 'raft/configuration.ts',
    find: 'for (const node of draft.learnersNext) draft.learners.add(node);',
    replace: 'for (const node of draft.learnersNext) draft.voters.add(node);',
  },
  {
    name: 'a read is answered without the round',
    file: 'raft/read-index.ts',
    find:
      'const confirmed = quorumReached(membershipOf(state), (node) =>\n' +
      '    node === state.self ? reads.lastRound : (role.progress.get(node)?.readRound ?? 0),\n  );',
    replace: 'const confirmed = reads.lastRound;',
  },
  {
    name: 'a round that waits is not looked at when the quorum changes',
    file: 'raft/take-ready.ts',
    find: '  finishReadRounds(state, role);\n  replicate',
    replace: '  if (role.reads.waiting.length > 0) finishReadRounds(state, role);\n  replicate',
  },
  {
    name: 'an acknowledgement of an earlier term counts',
    file: 'raft/step.ts',
    find: "message.kind === 'snapshot';",
    replace: "['snapshot', 'append-reply'].includes(message.kind);",
  },
  {
    name: 'an answer to a heartbeat of an earlier term counts',
    file: 'raft/step.ts',
    find: 'if (message.term < state.term && !isHeardLate(message)) answerLate(state, message);',
    replace:
      "if (message.kind === 'heartbeat-reply' && message.term < state.term)\n" +
      '    receive(state, { ...message, term: state.term });\n' +
      '  else if (message.term < state.term && !isHeardLate(message)) answerLate(state, message);',
  },
  {
    name: 'a read is answered before an entry of the own term is committed',
    file: 'raft/read-index.ts',
    find: "if (state.commitIndex < role.barrierIndex) return { kind: 'no-entry-of-own-term-committed' };",
    replace: '',
  },
  {
    name: 'answers to any heartbeat confirm a read',
    file: 'raft/receive-heartbeat-reply.ts',
    find: '  progress.readRound = message.readContext;',
    replace: '  progress.readRound = lastRound;',
  },
  {
    name: 'reads of a former leader are forgotten',
    file: 'raft/role.ts',
    find: "if (state.role.kind === 'leader') refuseReads(state, state.role);",
    replace: 'refuseReads;',
  },
  {
    name: 'a durable batch counts entries that were truncated since',
    file: 'raft/persistence.ts',
    find: 'for (const batch of underWay) if (batch.through > through) batch.through = through;',
    replace: '',
  },
  {
    name: 'a truncation is not told to the disk',
    file: 'raft/persistence.ts',
    find: 'if (truncateFrom === undefined || index < truncateFrom) truncateFrom = index;',
    replace: '',
  },
  {
    name: 'an adopted image leaves the old log counted as durable',
    file: 'raft/persistence.ts',
    find: '      lower(indexZero);\n',
    replace: '',
  },
  {
    name: 'a follower commits what lies behind the entries of the leader',
    file: 'raft/receive-append.ts',
    find: 'earlierOf(message.commitIndex, matchIndex);',
    replace: 'earlierOf(message.commitIndex, state.log.lastIndex);',
  },
  {
    name: 'the entry before those of an append is not compared',
    file: 'raft/receive-append.ts',
    find: 'if (!state.log.matches(message.prevIndex, message.prevTerm)) {',
    replace: 'if (message.prevIndex > state.log.lastIndex) {',
  },
  {
    name: 'equal entries are truncated too',
    file: 'raft/receive-append.ts',
    find: 'const position = entries.findIndex((entry) => !state.log.matches(entry.index, entry.term));',
    replace: 'const position = entries.findIndex((entry) => entry.index > state.commitIndex);',
  },
  {
    name: 'heartbeats tell of commits beyond what the follower acknowledged',
    file: 'raft/replication.ts',
    find: 'commitIndex: earlierOf(match, state.commitIndex),',
    replace: 'commitIndex: match < 0 ? match : state.commitIndex,',
  },
  {
    name: 'a leader lowers what a follower acknowledged',
    file: 'raft/progress.ts',
    find: 'progress.next = laterOf(earlierOf(indexAfter(meetAt), rejected), indexAfter(progress.match));',
    replace:
      'progress.next = earlierOf(indexAfter(meetAt), rejected); progress.match = earlierOf(progress.match, meetAt);',
  },
  {
    name: 'lost appends are not asked after',
    file: 'raft/receive-heartbeat-reply.ts',
    find: '    progress.askAgain = true;',
    replace: '',
  },
  {
    name: 'a waiting probe is never sent again',
    file: 'raft/receive-heartbeat-reply.ts',
    find: '  progress.probeSent = false;\n',
    replace: '',
  },
  {
    name: 'a full window follows every rejection',
    file: 'raft/progress.ts',
    find: '    progress.window = 1;\n',
    replace: '',
  },
  {
    name: 'any late answer ends a probe',
    file: 'raft/receive-append-reply.ts',
    find: 'matchIndex >= progress.probeEnd;',
    replace: 'matchIndex === progress.match;',
  },
  {
    name: 'an image is adopted over entries that are committed',
    file: 'raft/receive-snapshot.ts',
    find: '  if (index <= state.commitIndex) return;\n',
    replace: '',
  },
  {
    name: 'an image is never adopted where the log matches in length',
    file: 'raft/receive-snapshot.ts',
    find: 'if (state.log.matches(index, indexTerm)) {',
    replace: 'if (index <= state.log.lastIndex) {',
  },
  {
    name: 'loaded entries are not compared with the log',
    file: 'raft/entry-loads.ts',
    find: '    if (!log.matches(entry.index, entry.term)) return;\n',
    replace: '',
  },
  {
    name: 'a leadership transfer asks a voter whose log is behind',
    file: 'raft/transfer.ts',
    find: '  if (!isFit(state, role, transfer.to)) return;\n',
    replace: '',
  },
  {
    name: 'a leadership transfer begins to a voter whose database stands still',
    file: 'raft/transfer.ts',
    find: "  if (role.progress.get(to)?.isStalled === true) return { kind: 'target-stalled' };\n",
    replace: '',
  },
  {
    name: 'a database that stands still since the transfer began makes no difference',
    file: 'raft/transfer.ts',
    find: ' && !progress.isStalled;',
    replace: ';',
  },
  {
    name: 'a removed leader that hands over already asks a second voter',
    file: 'raft/transfer.ts',
    find: '  if (transfer?.asked === true) return;\n',
    replace: '',
  },
  {
    name: 'proposals are taken during a transfer',
    file: 'raft/propose.ts',
    find: "  if (role.transfer !== undefined) return { kind: 'transfer-in-progress' };\n",
    replace: '',
  },
  {
    name: 'a transfer never times out',
    file: 'raft/transfer.ts',
    find: 'role.transfer.elapsedTicks += 1;',
    replace: 'role.transfer.elapsedTicks += 0;',
  },
  {
    name: 'uncommitted bytes are not bounded',
    file: 'raft/propose.ts',
    find: 'if (role.uncommittedBytes > 0 && bytes > state.options.uncommittedBytesMax) {',
    replace: 'if (bytes < 0) {',
  },
  {
    name: 'an acknowledgement of more than the leader has counts',
    file: 'raft/receive-append-reply.ts',
    find: 'if (matchIndex > state.log.lastIndex) {',
    replace: 'if (matchIndex < 0) {',
  },
  {
    name: 'messages are not checked',
    file: 'raft/step.ts',
    find: 'if (problem !== undefined) {',
    replace: "if (problem === 'it is for another node') {",
  },
  {
    name: 'a heartbeat moves the commit index beyond the log',
    file: 'raft/receive-heartbeat.ts',
    find: 'if (message.commitIndex > state.log.lastIndex) reportLostLog(state, message);\n  else if',
    replace: 'if',
  },
  {
    name: 'a second leader of a term is followed',
    file: 'raft/follow-leader.ts',
    find: '  if (leader !== undefined) {',
    replace: '  if (leader === state.self) {',
  },
  {
    name: 'a trimmed window is never asked after',
    file: 'raft/replication.ts',
    find: '  if (progress.askAgain && isTrimmed(state, progress)) becomeProbe(progress);\n',
    replace: '  if (progress.askAgain && isTrimmed(state, progress)) return;\n',
  },
  {
    name: 'entries are evicted before they are committed',
    file: 'raft/take-ready.ts',
    find: 'state.log.evict(earlierOf(handedIndex, state.commitIndex));',
    replace: 'state.log.evict(handedIndex);',
  },
  {
    name: 'the term of a torn write is forgotten',
    file: 'raft/raft-state.ts',
    find: 'const isTorn = log.lastTerm > hardState.term;',
    replace: 'const isTorn = log.lastTerm < 0;',
  },
  {
    name: 'the commit index alone is written and synced',
    file: 'raft/persistence.ts',
    find: '      !sameVote(hardState, handed),',
    replace: '      !sameVote(hardState, handed) || hardState.commitIndex > handed.commitIndex,',
  },
];
