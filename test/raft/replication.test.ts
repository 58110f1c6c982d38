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
  heartbeatTo,
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
    appendsTo('b', node.raft.ready().messagesNow).map(({ entries }) => entries.length),
    [2],
  );
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
