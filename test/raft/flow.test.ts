// How much is sent, kept and taken: windows, probes, loads, back-pressure.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logIndex } from '#raft/log-index.ts';
import type { Append, Message } from '#raft/message.ts';
import { term } from '#raft/term.ts';
import { appliedBy, command, createLedCluster } from './cluster.ts';
import {
  a,
  acceptedBy,
  b,
  c,
  contentsWith,
  createLoneNode,
  entriesOf,
  heartbeatTo,
  type LoneNode,
} from './lone-node.ts';

const appendsTo = (to: string, messages: readonly Message[]): Append[] =>
  messages.filter((message) => message.kind === 'append').filter((append) => append.to === to);

/** A leader of three whose log is `1 2(barrier)` and whose followers have all of it. */
const leaderOfThree = (options = {}): LoneNode => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']), options);
  node.lead();
  for (const follower of [b, c]) {
    node.hear(acceptedBy(follower, 2, 1));
    node.hear(acceptedBy(follower, 2, 2));
  }
  node.sent();
  return node;
};

const propose = (node: LoneNode, ...texts: readonly string[]): readonly Message[] => {
  for (const text of texts) assert.equal(node.raft.propose(command(text)).kind, 'accepted');
  node.cluster.settle('a');
  return node.sent();
};

test('a follower that does not answer is sent as much as the window holds, by count', () => {
  const node = leaderOfThree({ inFlightMessagesMax: 3, appendBytesMax: 1 });
  const texts = ['1', '2', '3', '4', '5'];
  assert.equal(appendsTo('b', propose(node, ...texts)).length, 3);
  assert.equal(appendsTo('b', node.hear(acceptedBy(b, 2, 4))).length, 2);
});

test('a follower that does not answer is sent as much as the window holds, by bytes', () => {
  const node = leaderOfThree({ inFlightBytesMax: 300, appendBytesMax: 1 });
  assert.equal(appendsTo('b', propose(node, ...'1234567'.split(''))).length, 5, '5 * 65 >= 300');
});

test('one append holds as many entries as its bound allows, and one at least', () => {
  const node = leaderOfThree({ appendBytesMax: 200 });
  const sent = appendsTo('b', propose(node, 'x'.repeat(500), '1', '2', '3', '4'));
  assert.deepEqual(
    sent.map(({ entries }) => entries.length),
    [1, 3, 1],
  );
});

test('a follower where the logs do not meet yet is probed by one message at a time', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.lead();
  node.sent();
  assert.equal(appendsTo('b', propose(node, 'x', 'y')).length, 0, 'the first probe is unanswered');
  node.hear({ kind: 'heartbeat-reply', from: b, to: a, term: term(2), readContext: 0 });
  assert.equal(appendsTo('b', propose(node, 'z')).length, 0, 'it was sent again, once');
  node.hear(acceptedBy(b, 2, 2));
  assert.ok(appendsTo('b', node.hear(acceptedBy(b, 2, 5))).length > 0);
});

test('appends that were lost are sent again after the next sign of life', () => {
  const node = leaderOfThree();
  propose(node, 'x');
  const alive = { kind: 'heartbeat-reply', from: b, to: a, term: term(2), readContext: 0 } as const;
  node.hear(alive);
  const [question] = appendsTo('b', node.hear(alive));
  assert.deepEqual([question?.prevIndex, question?.entries.length], [3, 0], 'is entry 3 there?');
  const missing = { rejectedIndex: 3, hintIndex: 2, hintTerm: 2, lastIndex: 2 };
  const [again] = appendsTo(
    'b',
    node.hear({
      ...alive,
      kind: 'append-reply',
      accepted: false,
      rejectedIndex: logIndex(missing.rejectedIndex),
      hintIndex: logIndex(missing.hintIndex),
      hintTerm: term(missing.hintTerm),
      lastIndex: logIndex(missing.lastIndex),
    }),
  );
  assert.deepEqual([again?.prevIndex, again?.entries.length], [2, 1]);
});

test('after a rejection the window opens one message at a time', () => {
  const node = leaderOfThree({ appendBytesMax: 1 });
  propose(node, '1', '2', '3', '4', '5', '6');
  const reply = { kind: 'append-reply', from: b, to: a, term: term(2), accepted: false } as const;
  const at2 = { hintIndex: logIndex(2), hintTerm: term(2), lastIndex: logIndex(2) };
  assert.equal(
    appendsTo('b', node.hear({ ...reply, rejectedIndex: logIndex(4), ...at2 })).length,
    1,
  );
  assert.equal(appendsTo('b', node.hear(acceptedBy(b, 2, 3))).length, 2);
});

test('a lost connection ends sending ahead', () => {
  const node = leaderOfThree({ appendBytesMax: 1 });
  propose(node, '1', '2', '3');
  node.raft.reportUnreachable(b);
  node.cluster.settle('a');
  assert.deepEqual(
    appendsTo('b', node.sent()).map(({ prevIndex }) => prevIndex),
    [2],
  );
  assert.equal(appendsTo('b', propose(node, '4')).length, 0);
});

test('uncommitted bytes are bounded; one proposal is always taken', () => {
  const node = leaderOfThree({ uncommittedBytesMax: 500 });
  assert.equal(node.raft.propose(new Uint8Array(2000)).kind, 'accepted');
  const refused = node.raft.propose(command('x'));
  assert.deepEqual(refused, { kind: 'refused', refusal: { kind: 'too-much-uncommitted' } });
  node.cluster.settle('a');
  node.hear(acceptedBy(b, 2, 3));
  assert.equal(node.raft.propose(command('x')).kind, 'accepted', 'committed bytes do not count');
});

test('without a leader, and on a follower, nothing is taken and nothing waits', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  const nobody = { kind: 'not-leader', leader: undefined };
  assert.deepEqual(node.raft.propose(command('x')), { kind: 'refused', refusal: nobody });
  assert.deepEqual(node.raft.readIndex(1), nobody);
  assert.deepEqual(node.raft.transferLeadership(b), nobody);
  node.hear(heartbeatTo(2, 0, c));
  const change = node.raft.proposeConfiguration([], new Uint8Array(0));
  assert.deepEqual(change, { kind: 'refused', refusal: { kind: 'not-leader', leader: c } });
  assert.equal(node.raft.lastIndex, 1);
});

test('entries that are no longer in memory are loaded for a slow follower', () => {
  const cluster = createLedCluster(['a', 'b', 'c'], { cachedBytesMax: 200, appendBytesMax: 200 });
  cluster.isolate('c');
  for (let count = 0; count < 20; count += 1) {
    cluster.member('a').node.raft.propose(command(`x${count}`));
    cluster.settle('a');
    cluster.deliverAll();
  }
  const { raft } = cluster.member('a').node;
  assert.equal(raft.cachedEntries(logIndex(3), raft.lastIndex, 1000), undefined);
  cluster.mend();
  for (let count = 0; count < 6; count += 1) cluster.tick('a');
  cluster.deliverAll();
  assert.equal(appliedBy(cluster.member('c')).length, 20);
});

test('loaded entries of a log that was replaced meanwhile are not sent', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c'], [2, 2, 2]), { cachedBytesMax: 0 });
  node.cluster.restart('a');
  node.lead();
  node.sent();
  // The follower has nothing: entry 1 is wanted, and not in memory.
  node.raft.step({
    kind: 'append-reply',
    from: b,
    to: a,
    term: term(3),
    accepted: false,
    rejectedIndex: logIndex(4),
    hintIndex: logIndex(1),
    hintTerm: term(1),
    lastIndex: logIndex(1),
  });
  assert.deepEqual(
    node.raft.ready().loads.map(({ from }) => from),
    [2],
  );
  node.raft.loaded(entriesOf(2, 1, 1));
  assert.equal(appendsTo('b', node.raft.ready().messagesNow).length, 0, 'of another term');
  node.raft.loaded(entriesOf(2, 2, 2));
  node.raft.step(acceptedBy(b, 3, 1));
  assert.deepEqual(
    appendsTo('b', node.raft.ready().messagesNow).map(({ entries }) =>
      entries.map((entry) => entry.term),
    ),
    [[2, 2]],
  );
});

test('a rejection that points below what was acknowledged leads no further back than that', () => {
  const node = leaderOfThree();
  node.raft.reportUnreachable(b);
  node.cluster.settle('a');
  node.sent();
  const reply = { kind: 'append-reply', from: b, to: a, term: term(2), accepted: false } as const;
  const none = { hintIndex: logIndex(0), hintTerm: term(0), lastIndex: logIndex(0) };
  const [probe] = appendsTo('b', node.hear({ ...reply, rejectedIndex: logIndex(2), ...none }));
  assert.equal(probe?.prevIndex, 2);
  node.cluster.tick('a', 2);
  const told = node.sent().find(({ kind, to }) => kind === 'heartbeat' && to === 'b');
  assert.ok(
    told?.kind === 'heartbeat' && told.commitIndex === 2,
    'it still counts as acknowledged',
  );
});

test('a late answer to something older does not end a probe', () => {
  const node = leaderOfThree({ appendBytesMax: 1 });
  propose(node, '1', '2', '3', '4', '5', '6');
  const reply = { kind: 'append-reply', from: b, to: a, term: term(2), accepted: false } as const;
  const at2 = { hintIndex: logIndex(2), hintTerm: term(2), lastIndex: logIndex(2) };
  const probes = node.hear({ ...reply, rejectedIndex: logIndex(4), ...at2 });
  assert.equal(appendsTo('b', probes).length, 1, 'entry 3');
  assert.equal(appendsTo('b', node.hear(acceptedBy(b, 2, 2))).length, 0);
  assert.ok(appendsTo('b', node.hear(acceptedBy(b, 2, 3))).length > 0);
});
