// Proposals on a real core of one node: outcomes go to whoever proposed, a change of the schema
// holds back what comes after it, `applied` is true in every refusal.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeCommand } from '#command/command-codec.ts';
import { decodeOutcome } from '#command/outcome-codec.ts';
import { decodeProposal } from '#command/proposal-codec.ts';
import type { BackendRefusal, ProposeReply, ReadIndexReply } from '#http/backend.ts';
import { configurationCodec, membershipFrom } from '#node/membership-codec.ts';
import { Proposals, refused } from '#node/proposals.ts';
import type { Entry } from '#raft/entry.ts';
import { indexZero, type LogIndex, logIndex } from '#raft/log-index.ts';
import { nodeId } from '#raft/node-id.ts';
import { createRaft, type Raft } from '#raft/raft.ts';
import { term, termZero } from '#raft/term.ts';

const self = nodeId('n1');

const leaderAlone = (): Raft => {
  const first: Entry = {
    index: logIndex(1),
    term: term(1),
    kind: 'configuration',
    data: configurationCodec.encode({
      membership: membershipFrom({
        voters: ['n1'],
        votersOutgoing: [],
        learners: [],
        learnersNext: [],
        autoLeave: false,
      }),
      context: Buffer.from('x'),
    }),
  };
  const raft = createRaft(
    {
      self,
      electionTicks: 10,
      heartbeatTicks: 2,
      appendBytesMax: 1_000_000,
      inFlightMessagesMax: 16,
      inFlightBytesMax: 1_000_000,
      uncommittedBytesMax: 1_000_000,
      cachedBytesMax: 1_000_000,
      configurationCodec,
      random: () => 0,
    },
    {
      hardState: { term: term(1), votedFor: undefined, commitIndex: indexZero },
      trimmedIndex: indexZero,
      trimmedTerm: termZero,
      terms: [{ from: logIndex(1), term: term(1) }],
      lastIndex: logIndex(1),
      recentEntries: [first],
      appliedIndex: indexZero,
      membership: membershipFrom({
        voters: [],
        votersOutgoing: [],
        learners: [],
        learnersNext: [],
        autoLeave: false,
      }),
      configurationEntries: [first],
    },
  );
  raft.campaign();
  settle(raft);
  assert.equal(raft.softState.role, 'leader');
  return raft;
};

/** Everything the core wants to persist is durable at once. */
const settle = (raft: Raft): void => {
  while (raft.hasReady()) {
    const ready = raft.ready();
    if (ready.mustSync) raft.durable(ready.sequence);
  }
};

interface Bench {
  readonly raft: Raft;
  readonly proposals: Proposals;
  readonly state: { applied: LogIndex; schemaIndex: number; closed: BackendRefusal | undefined };
  /** Applies everything that is committed; outcomes are the index as text. */
  readonly apply: () => void;
}

const bench = (nowMs = 1000): Bench => {
  const raft = leaderAlone();
  const state: Bench['state'] = {
    applied: raft.commitIndex,
    schemaIndex: 0,
    closed: undefined,
  };
  const proposals = new Proposals(
    {
      raft,
      now: () => nowMs,
      seed: () => new Uint8Array(16),
      schemaIndex: () => state.schemaIndex,
      appliedIndex: () => state.applied,
      closed: () => state.closed,
    },
    5000,
  );
  return {
    raft,
    proposals,
    state,
    apply: () => {
      settle(raft);
      const from = logIndex(state.applied + 1);
      const entries = raft.cachedEntries(from, raft.commitIndex, 1_000_000) ?? [];
      const outcomes = entries
        .filter((entry) => proposals.renderOf(entry) !== 0)
        .map(({ index }) => ({ index, outcome: Buffer.from(`${index}`) }));
      state.applied = raft.commitIndex;
      proposals.applied(entries, outcomes);
    },
  };
};

const proposal = (over: object = {}) => ({
  command: Buffer.from('c'),
  render: 1,
  schemaIndex: 0,
  changesSchema: false,
  rehearse: false,
  frees: false,
  ...over,
});

test('every proposal gets the outcome of its own entry, in any number per turn', () => {
  const { proposals, apply } = bench();
  const replies: ProposeReply[] = [];
  for (let count = 0; count < 5; count++) {
    proposals.submit(proposal(), (reply) => replies.push(reply));
  }
  assert.equal(replies.length, 0);
  apply();
  assert.deepEqual(
    replies.map((reply) => reply.kind === 'outcome' && reply.outcome.toString()),
    replies.map((reply) => reply.kind === 'outcome' && String(reply.index)),
  );
  assert.equal(replies.length, 5);
  assert.equal(proposals.size, 0);
});

test('log time never goes back: a clock behind the newest entry repeats its time', () => {
  const { proposals, raft } = bench(1000);
  proposals.submit(proposal(), () => undefined);
  settle(raft);
  const entry = raft.cachedEntries(raft.lastIndex, raft.lastIndex, 1000)?.[0];
  assert.equal(decodeProposal(entry?.data ?? Buffer.alloc(0)).timeMs, 5000);
  proposals.observeTime(9000);
  proposals.submit(proposal(), () => undefined);
  settle(raft);
  const next = raft.cachedEntries(raft.lastIndex, raft.lastIndex, 1000)?.[0];
  assert.equal(decodeProposal(next?.data ?? Buffer.alloc(0)).timeMs, 9000);
});

test('what follows a change of the schema waits until it is applied, then is judged by it', () => {
  const { proposals, apply, state, raft } = bench();
  const replies: string[] = [];
  const note = (name: string) => (reply: ProposeReply) => {
    replies.push(reply.kind === 'outcome' ? `${name} ${reply.index}` : `${name} ${reply.code}`);
  };
  proposals.submit(proposal({ changesSchema: true }), note('ddl'));
  const ddlIndex = raft.lastIndex;
  let late: ProposeReply | undefined;
  proposals.submit(proposal(), (reply) => {
    late = reply;
  });
  assert.equal(raft.lastIndex, ddlIndex, 'the second one is not in the log yet');
  settle(raft);
  state.schemaIndex = ddlIndex;
  apply();
  assert.deepEqual(replies, [`ddl ${ddlIndex}`]);
  // It was judged under the old schema, so it is sent back without an entry.
  assert.equal(raft.lastIndex, ddlIndex);
  assert.ok(late?.kind === 'outcome');
  assert.deepEqual(decodeOutcome(late.outcome), { kind: 'schema-changed', schemaIndex: ddlIndex });
});

test('a write that waits for a change of the schema can be ended, one that is in the log cannot', () => {
  const { proposals, apply, raft } = bench();
  const replies: string[] = [];
  const note = (name: string) => (reply: ProposeReply) => {
    replies.push(reply.kind === 'outcome' ? `${name} outcome` : `${name} ${reply.code}`);
  };
  const commandOf = (requestId: string): Buffer =>
    encodeCommand({
      texts: ['SELECT 1'],
      statements: [{ text: 0, positional: [], named: [] }],
      transaction: false,
      schemaIndex: 0,
      changesSchema: false,
      user: 'r3',
      requestId,
    });
  proposals.submit(proposal({ changesSchema: true, command: commandOf('r1') }), note('r1'));
  proposals.submit(proposal({ command: commandOf('r2') }), note('r2'));
  proposals.submit(proposal({ command: commandOf('r3') }), note('r3'));
  const why = refused('killed', 'ended');
  assert.equal(proposals.kill('r1', why), false);
  assert.equal(proposals.kill('r2', why), true);
  assert.deepEqual(replies, ['r2 killed']);
  const ddlIndex = raft.lastIndex;
  apply();
  apply();
  assert.deepEqual(replies, ['r2 killed', 'r1 outcome', 'r3 outcome']);
  assert.equal(raft.lastIndex, ddlIndex + 1, 'the one that was ended has no entry');
});

test('a closed node refuses before anything is appended', () => {
  const { proposals, state, raft } = bench();
  state.closed = refused('shutting_down', 'stopping');
  let reply: ProposeReply | undefined;
  const before = raft.lastIndex;
  proposals.submit(proposal(), (given) => {
    reply = given;
  });
  assert.deepEqual(reply, refused('shutting_down', 'stopping'));
  assert.equal(raft.lastIndex, before);
});

test('an entry of another term at the same index: nothing was applied', () => {
  const { proposals, raft } = bench();
  let reply: ProposeReply | undefined;
  proposals.submit(proposal(), (given) => {
    reply = given;
  });
  const foreign: Entry = {
    index: raft.lastIndex,
    term: term(99),
    kind: 'command',
    data: Buffer.alloc(0),
  };
  assert.equal(proposals.renderOf(foreign), 0);
  assert.ok(reply?.kind === 'refused');
  assert.equal(reply.code, 'leadership_lost');
  assert.equal(reply.applied, 'no');
});

test('a writer that died after its commit: applied, result lost, never "not applied"', () => {
  const { proposals, raft } = bench();
  let reply: ProposeReply | undefined;
  proposals.submit(proposal(), (given) => {
    reply = given;
  });
  proposals.resultsLost(raft.lastIndex);
  assert.ok(reply?.kind === 'refused');
  assert.deepEqual([reply.code, reply.applied], ['result_lost', 'yes']);
});

test('a strong read gets the index of its barrier once that is applied', () => {
  const { proposals, apply, raft } = bench();
  let reply: ReadIndexReply | undefined;
  proposals.submitBarrier((given) => {
    reply = given;
  });
  const index = raft.lastIndex;
  assert.equal(reply, undefined);
  apply();
  assert.deepEqual(reply, { kind: 'index', index });
});

test('a deposed leader refuses what waited for a schema change; what is in the log stays open', () => {
  const { proposals } = bench();
  const replies: ProposeReply[] = [];
  proposals.submit(proposal({ changesSchema: true }), (reply) => replies.push(reply));
  proposals.submit(proposal(), (reply) => replies.push(reply));
  proposals.deposed();
  assert.equal(replies.length, 1);
  assert.ok(replies[0]?.kind === 'refused');
  assert.deepEqual([replies[0].code, replies[0].applied], ['not_leader', 'no']);
  assert.equal(proposals.size, 1);
});

test('an image in the place of an entry: whether that was applied is not known, later ones go on', () => {
  const { proposals, raft, apply } = bench();
  const replies: string[] = [];
  const note = (name: string) => (reply: ProposeReply) => {
    replies.push(reply.kind === 'outcome' ? name : `${name} ${reply.code} ${reply.applied}`);
  };
  proposals.submit(proposal(), note('first'));
  const index = raft.lastIndex;
  proposals.submit(proposal(), note('second'));
  proposals.replacedByImage(index);
  assert.deepEqual(replies, ['first leadership_lost unknown']);
  apply();
  assert.deepEqual(replies, ['first leadership_lost unknown', 'second']);
});

test('while they are held, proposals wait, one goes past them, and they follow in order', () => {
  const { proposals, apply, state, raft } = bench();
  const said: string[] = [];
  const note = (name: string) => (reply: ProposeReply) => {
    said.push(reply.kind === 'outcome' ? `${name} ${reply.index}` : `${name} ${reply.code}`);
  };
  const first = raft.lastIndex + 1;
  proposals.submit(proposal(), note('before'));
  proposals.hold();
  for (const name of ['one', 'two']) proposals.submit(proposal(), note(name));
  // What is applied meanwhile lets nobody go.
  apply();
  assert.equal(raft.lastIndex, first);
  proposals.submitHolding(proposal(), note('holding'));
  proposals.release();
  apply();
  assert.deepEqual(said, [
    `before ${first}`,
    `holding ${first + 1}`,
    `one ${first + 2}`,
    `two ${first + 3}`,
  ]);
  state.closed = refused('disk_full', 'no room');
  proposals.submitHolding(proposal(), note('late'));
  assert.equal(said.at(-1), 'late disk_full');
});

test('who loses the office holds nothing back any longer', () => {
  const { proposals, apply } = bench();
  const replies: ProposeReply[] = [];
  proposals.hold();
  proposals.submit(proposal(), (reply) => replies.push(reply));
  proposals.deposed();
  assert.equal(replies[0]?.kind === 'refused' && replies[0].code, 'not_leader');
  proposals.submit(proposal(), (reply) => replies.push(reply));
  apply();
  assert.equal(replies[1]?.kind, 'outcome');
});
