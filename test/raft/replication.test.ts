// Replication and commit, claim by claim (dissertation 3.5, 3.6, 10.2.1).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logIndex } from '#raft/log-index.ts';
import type { Append, Message } from '#raft/message.ts';
import { nodeId } from '#raft/node-id.ts';
import { term } from '#raft/term.ts';
import { appliedBy, command, createLedCluster } from './cluster.ts';
import {
  a,
  acceptedBy,
  appendTo,
  b,
  c,
  contentsWith,
  createLoneNode,
  entriesOf,
  type LoneNode,
} from './lone-node.ts';

const termsOf = (node: LoneNode): number[] =>
  node.member.node.disk.written.entries.map((entry) => entry.term);

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

test('3.5 entries are refused where the entry before them is missing or another', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c'], [2, 2]));
  const entries = entriesOf(6, 4);
  const [missing] = node.hear(appendTo({ term: 4, prev: [5, 4], entries }));
  assert.ok(missing?.kind === 'append-reply' && !missing.accepted);
  const [another] = node.hear(appendTo({ term: 4, prev: [3, 3], entries: entriesOf(4, 4) }));
  assert.ok(another?.kind === 'append-reply' && !another.accepted);
  assert.deepEqual(termsOf(node), [1, 2, 2]);
});

// The figure with the logs a to f that a new leader of term 8 may find.
for (const [name, terms] of [
  ['a: an entry is missing', [1, 1, 4, 4, 5, 5, 6, 6]],
  ['b: many are missing', [1, 1, 4]],
  ['c: an uncommitted entry too many', [1, 1, 4, 4, 5, 5, 6, 6, 6, 6]],
  ['d: two of a later term too many', [1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]],
  ['e: some missing, some too many', [1, 1, 4, 4, 4, 4]],
  ['f: another history', [1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
] as const) {
  test(`3.5, figure 3.6 ${name}: the follower's log becomes the leader's`, () => {
    const leaderTerms = [1, 1, 4, 4, 5, 5, 6, 6, 6, 8];
    const node = createLoneNode(contentsWith(['a', 'b', 'c'], terms));
    let prev = 10;
    let answers = 0;
    for (;;) {
      const prevTerm = prev === 1 ? 1 : (leaderTerms[prev - 2] ?? 0);
      const entries = entriesOf(prev + 1, ...leaderTerms.slice(prev - 1));
      const [reply] = node.hear(appendTo({ term: 8, prev: [prev, prevTerm], entries }));
      answers += 1;
      assert.ok(reply?.kind === 'append-reply');
      if (reply.accepted) break;
      // The leader's part of the back-off: the last entry of its own that the hint allows.
      prev = Math.max(
        1,
        leaderTerms.findLastIndex((at, i) => i + 2 <= reply.hintIndex && at <= reply.hintTerm) + 2,
      );
    }
    assert.deepEqual(termsOf(node), [1, ...leaderTerms]);
    assert.ok(answers <= 4, `${answers} answers`);
  });
}

test('3.5 a repeated or delayed append changes nothing', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.hear(appendTo({ term: 2, prev: [1, 1], entries: entriesOf(2, 2, 2, 2) }));
  const sequence = node.member.node.disk.unsynced.length;
  const [reply] = node.hear(appendTo({ term: 2, prev: [1, 1], entries: entriesOf(2, 2) }));
  assert.ok(reply?.kind === 'append-reply' && reply.accepted && reply.matchIndex === 2);
  assert.deepEqual(termsOf(node), [1, 2, 2, 2]);
  assert.equal(node.member.node.disk.unsynced.length, sequence);
});

test('3.5 a follower commits no further than the entries that it shares with the leader', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c'], [2, 2, 2]));
  node.hear(appendTo({ term: 3, prev: [2, 2], commit: 4 }));
  assert.equal(node.raft.commitIndex, 2);
});

test('a heartbeat tells a follower of no commit beyond what it acknowledged', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.lead();
  node.hear(acceptedBy(b, 2, 2));
  node.sent();
  node.cluster.tick('a', 2);
  const told = node.sent().filter((message) => message.kind === 'heartbeat');
  assert.deepEqual(
    told.map(({ to, commitIndex }) => [to, commitIndex]),
    [
      ['b', 2],
      ['c', 0],
    ],
  );
});

test('3.6.2, figure 3.7 an entry of an earlier term is not committed by counting', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c'], [2]));
  node.lead();
  assert.equal(node.raft.softState.term, 3);
  node.hear(acceptedBy(b, 3, 2));
  assert.equal(node.raft.commitIndex, 0, 'entry 2 of term 2 is on two of three disks');
  node.hear(acceptedBy(b, 3, 3));
  assert.equal(node.raft.commitIndex, 3, 'with the barrier of term 3 it is committed');
});

test('10.2.1 the leader sends before its own disk is done, and counts itself only after', () => {
  const node = leaderOfThree();
  node.member.autoSync = false;
  assert.equal(appendsTo('b', propose(node, 'x')).length, 1);
  node.hear(acceptedBy(b, 2, 3));
  assert.equal(node.raft.commitIndex, 2, 'one disk of three');
  node.cluster.sync('a');
  assert.equal(node.raft.commitIndex, 3);
});

test('10.2.1 followers alone can commit, but the leader applies when its own disk has the entry', () => {
  const node = leaderOfThree();
  node.member.autoSync = false;
  propose(node, 'x');
  node.hear(acceptedBy(b, 2, 3));
  node.hear(acceptedBy(c, 2, 3));
  assert.equal(node.raft.commitIndex, 3);
  assert.deepEqual(appliedBy(node.member), []);
  node.cluster.sync('a');
  assert.deepEqual(appliedBy(node.member), ['x']);
});

test('a batch that becomes durable says nothing about entries that replaced its own', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.member.autoSync = false;
  const { raft } = node;
  const turn = (message: Message): number => {
    raft.step(message);
    const ready = raft.ready();
    return ready.sequence;
  };
  const first = turn(appendTo({ term: 2, prev: [1, 1], entries: entriesOf(2, 2, 2) }));
  const second = turn(appendTo({ term: 3, prev: [1, 1], entries: entriesOf(2, 3, 3), from: c }));
  // The same entries as at first, once more: on disk only with the third batch.
  const third = turn(appendTo({ term: 4, prev: [1, 1], entries: entriesOf(2, 2, 2), commit: 3 }));
  assert.deepEqual([first, second, third], [1, 2, 3]);
  raft.durable(first);
  assert.equal(raft.ready().commitIndex, 1, 'only the first entry is known to be on disk');
  raft.durable(second);
  assert.equal(raft.ready().commitIndex, 1);
  raft.durable(third);
  assert.equal(raft.ready().commitIndex, 3);
});

test('an acknowledgement of entries that are truncated before they are written does not leave', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.raft.step(appendTo({ term: 2, prev: [1, 1], entries: entriesOf(2, 2, 2) }));
  node.raft.step(appendTo({ term: 3, prev: [1, 1], entries: entriesOf(2, 3), from: c }));
  node.cluster.settle('a');
  const accepted = node
    .sent()
    .flatMap((message) => (message.kind === 'append-reply' && message.accepted ? [message] : []));
  assert.deepEqual(
    accepted.map(({ to, matchIndex }) => [to, matchIndex]),
    [['c', 2]],
  );
});

test('messages that rest on a batch under way wait for it even without a batch of their own', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.member.autoSync = false;
  const append = appendTo({ term: 2, prev: [1, 1], entries: entriesOf(2, 2) });
  node.hear(append);
  assert.deepEqual(node.hear(append), [], 'the repeated append is acknowledged later too');
  assert.deepEqual(node.raft.ready().messagesAfterSync, [], 'even if a Ready is taken for nothing');
  node.cluster.sync('a');
  assert.equal(node.sent().length, 2);
});

test('a commit alone is applied but not written, so that a write costs one sync', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.hear(appendTo({ term: 2, prev: [1, 1], entries: entriesOf(2, 2) }));
  node.member.autoSync = false;
  node.hear(appendTo({ term: 2, prev: [2, 2], commit: 2 }));
  assert.equal(node.member.node.disk.unsynced.length, 0);
  assert.equal(node.member.node.database.appliedIndex, 2);
});

test('a rejection never takes back what was acknowledged', () => {
  const node = leaderOfThree();
  const reply = { kind: 'append-reply', from: b, to: a, term: term(2), accepted: false } as const;
  const none = { hintIndex: logIndex(0), hintTerm: term(0), lastIndex: logIndex(0) };
  node.hear({ ...reply, rejectedIndex: logIndex(2), ...none });
  propose(node, 'x');
  node.hear(acceptedBy(b, 2, 3));
  assert.equal(node.raft.commitIndex, 3, 'and it counts on');
});

test('an acknowledgement of more than the leader has is dropped with an alarm', () => {
  const node = leaderOfThree();
  node.hear(acceptedBy(b, 2, 99));
  assert.equal(node.member.alarms[0]?.kind, 'malformed-message');
  assert.equal(node.raft.commitIndex, 2);
});

test('a disk that was put back to an older state is noticed at both ends, and not counted anew', () => {
  const cluster = createLedCluster(['a', 'b', 'c']);
  const old = cluster.member('b').node.disk.durable;
  const before = { ...old, entries: [...old.entries] };
  for (const text of ['x', 'y']) {
    cluster.member('a').node.raft.propose(command(text));
    cluster.settle('a');
    cluster.deliverAll();
  }
  cluster.add('b', before);
  cluster.tick('a', 2);
  cluster.deliverAll();
  const lost = { kind: 'acknowledged-entries-lost', node: b, acknowledged: 4, lastIndex: 2 };
  assert.deepEqual(cluster.member('b').alarms, [lost]);
  assert.deepEqual(cluster.member('a').alarms, [lost]);
  assert.equal(cluster.member('b').node.raft.commitIndex, 0);
});

test('entries that contradict committed ones are refused with an alarm', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.hear(appendTo({ term: 2, prev: [1, 1], entries: entriesOf(2, 2, 2), commit: 3 }));
  for (const prev of [1, 2] as const) {
    const message = { from: c, term: 9, prev: [prev, prev] as const };
    assert.deepEqual(node.hear(appendTo({ ...message, entries: entriesOf(prev + 1, 9) })), []);
  }
  assert.deepEqual(termsOf(node), [1, 2, 2]);
  assert.equal(node.member.alarms[0]?.kind, 'committed-entry-contradicted');
});

test('when there is nothing to do there is no Ready', () => {
  const node = leaderOfThree();
  assert.equal(node.raft.hasReady(), false);
  const { softState } = node.raft;
  node.cluster.tick('a', 2);
  assert.equal(node.raft.softState, softState, 'the same object while nothing changed');
  assert.equal(node.raft.hasReady(), false);
  assert.equal(node.raft.describe().startsWith(`${nodeId('a')} leader term=2`), true);
});

test('two truncations in one turn remove from the lower of them', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c'], [2, 2, 2]));
  node.raft.step(appendTo({ term: 3, prev: [3, 2], entries: entriesOf(4, 3) }));
  node.raft.step(appendTo({ term: 4, prev: [1, 1], entries: entriesOf(2, 4), from: c }));
  const ready = node.raft.ready();
  assert.equal(ready.truncateFrom, 2);
  assert.deepEqual(ready.entries, entriesOf(2, 4));
});

test('FRM-08 messages that are heard a second time, in any order, change neither log nor commit', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c'], [1, 1]));
  const captured = [
    appendTo({ term: 2, prev: [2, 1], entries: entriesOf(3, 2) }),
    appendTo({ term: 3, prev: [3, 2], entries: entriesOf(4, 3), commit: 3 }),
    appendTo({ term: 3, prev: [4, 3], entries: entriesOf(5, 3), commit: 5 }),
  ];
  for (const message of captured) node.hear(message);
  const state = () => [termsOf(node), node.raft.commitIndex, node.raft.softState];
  const before = state();
  assert.deepEqual(before[0], [1, 1, 2, 3, 3]);
  for (const message of [...captured, ...captured.toReversed()]) node.hear(message);
  assert.deepEqual(state(), before);
});
