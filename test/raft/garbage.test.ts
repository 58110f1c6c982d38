// Peers are authenticated, not infallible. Whatever a message holds, the core must not stop, and
// what no correct node sends must change nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvariantError } from '#invariant.ts';
import type { Entry } from '#raft/entry.ts';
import { logIndex } from '#raft/log-index.ts';
import type { Message } from '#raft/message.ts';
import { type NodeId, nodeId } from '#raft/node-id.ts';
import { term } from '#raft/term.ts';
import { a, b, contentsWith, createLoneNode, entriesOf, type LoneNode } from './lone-node.ts';
import { membershipOf } from './membership-codec.ts';
import { createRandom, type Random } from './random.ts';

const roles = ['follower', 'candidate', 'leader'] as const;

const nodeIn = (role: (typeof roles)[number]): LoneNode => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c'], [2, 3, 3], ['d']));
  if (role === 'leader') node.lead();
  if (role === 'candidate') node.raft.campaign();
  node.cluster.settle('a');
  return node;
};

const draw = (random: Random): number =>
  random.pick([0, 1, 2, 3, 4, 5, 6, 7, 50, 2 ** 31, 2 ** 52, 2 ** 52 + 1, Number.MAX_SAFE_INTEGER]);

const drawEntries = (random: Random): Entry[] =>
  Array.from({ length: random.below(4) }, (_, position) => ({
    index: logIndex(random.chance(0.8) ? 3 + position : draw(random)),
    term: term(random.chance(0.8) ? 3 : draw(random)),
    kind: random.pick(['command', 'barrier', 'configuration'] as const),
    data: new Uint8Array(random.below(3)),
  }));

const drawMessage = (random: Random): Message => {
  const from: NodeId = nodeId(random.pick(['a', 'b', 'c', 'd', 'x']));
  const envelope = {
    from,
    to: random.chance(0.95) ? a : b,
    term: term(random.chance(0.7) ? random.pick([3, 4, 5]) : draw(random)),
  };
  const index = () => logIndex(draw(random));
  const aTerm = () => term(draw(random));
  const bodies: (() => Message)[] = [
    () => ({
      kind: 'append',
      ...envelope,
      prevIndex: logIndex(random.chance(0.7) ? random.below(6) : draw(random)),
      prevTerm: term(random.chance(0.7) ? random.below(4) : draw(random)),
      entries: drawEntries(random),
      commitIndex: index(),
    }),
    () => ({ kind: 'append-reply', ...envelope, accepted: true, matchIndex: index() }),
    () => ({
      kind: 'append-reply',
      ...envelope,
      accepted: false,
      rejectedIndex: index(),
      hintIndex: index(),
      hintTerm: aTerm(),
      lastIndex: index(),
    }),
    () => ({
      kind: 'vote-request',
      ...envelope,
      preVote: random.chance(0.5),
      transfer: random.chance(0.3),
      lastIndex: index(),
      lastTerm: aTerm(),
    }),
    () => ({
      kind: 'vote-reply',
      ...envelope,
      preVote: random.chance(0.5),
      granted: random.chance(0.5),
    }),
    () => ({ kind: 'heartbeat', ...envelope, commitIndex: index(), readContext: draw(random) }),
    () => ({ kind: 'heartbeat-reply', ...envelope, readContext: draw(random) }),
    () => ({ kind: 'timeout-now', ...envelope }),
  ];
  return random.pick(bodies)();
};

for (const role of roles) {
  test(`a ${role} survives messages of any content`, () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const random = createRandom(seed);
      const node = nodeIn(role);
      for (let count = 0; count < 40; count += 1) {
        node.hear(drawMessage(random));
        if (random.chance(0.2)) node.cluster.tick('a');
        if (random.chance(0.05)) node.raft.propose(new Uint8Array(1));
        if (random.chance(0.02)) node.cluster.restart('a');
      }
    }
  });
}

test('malformed messages change nothing and raise an alarm with the reason', () => {
  const envelope = { from: b, to: a, term: term(4) };
  const append = {
    kind: 'append',
    ...envelope,
    prevIndex: logIndex(2),
    prevTerm: term(2),
    entries: [],
    commitIndex: logIndex(0),
  } as const;
  const malformed: Message[] = [
    { ...append, to: b },
    { ...append, from: a },
    { ...append, term: term(2 ** 52 + 1) },
    { ...append, prevTerm: term(5) },
    { ...append, prevTerm: term(0) },
    { ...append, entries: entriesOf(4, 4) },
    { ...append, entries: entriesOf(3, 4, 3) },
    { ...append, entries: entriesOf(3, 5) },
    { ...append, entries: entriesOf(3, 0) },
    {
      kind: 'vote-request',
      ...envelope,
      preVote: false,
      transfer: false,
      lastIndex: logIndex(9),
      lastTerm: term(4),
    },
    {
      kind: 'snapshot',
      ...envelope,
      index: logIndex(9),
      indexTerm: term(5),
      membership: membershipOf(['a']),
    },
    {
      kind: 'snapshot',
      ...envelope,
      index: logIndex(9),
      indexTerm: term(4),
      membership: { ...membershipOf(['b', 'c']), voters: [b, b] },
    },
  ];
  for (const message of malformed) {
    const node = createLoneNode(contentsWith(['a', 'b', 'c'], [2]));
    const before = node.raft.describe();
    assert.deepEqual(node.hear(message), []);
    assert.equal(node.raft.describe(), before);
    assert.equal(node.member.alarms[0]?.kind, 'malformed-message', JSON.stringify(message));
  }
});

test('alarms of one turn are bounded', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  for (let count = 0; count < 1000; count += 1) {
    node.raft.step({ kind: 'timeout-now', from: a, to: a, term: term(1) });
  }
  assert.equal(node.raft.ready().alarms.length, 16);
});

test('a driver that breaks its contract stops the node', () => {
  const stops = (action: (node: LoneNode) => void): void => {
    const node = createLoneNode(contentsWith(['a', 'b', 'c']));
    assert.throws(() => action(node), InvariantError);
  };
  stops(({ raft }) => raft.durable(99));
  stops(({ raft }) => raft.applied(logIndex(99)));
  stops(({ raft }) => raft.trimmed(logIndex(1)));
  stops(() => createLoneNode(contentsWith(['a']), { electionTicks: 1 }));
  stops(() => {
    const contents = contentsWith(['a']);
    createLoneNode({ ...contents, hardState: { ...contents.hardState, commitIndex: logIndex(9) } });
  });
});

test('a log whose last write tore before its hard state starts in the term of its last entry', () => {
  const contents = contentsWith(['a', 'b', 'c'], [5]);
  const node = createLoneNode({ ...contents, hardState: { ...contents.hardState, term: term(4) } });
  assert.equal(node.raft.softState.term, 5);
  assert.equal(node.member.node.disk.durable.hardState.term, 5, 'and writes it');
});
