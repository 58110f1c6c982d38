// Linearizable reads and leadership transfer (dissertation 6.4, 3.10).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readsWaitingMax } from '#raft/bounds.ts';
import type { Message } from '#raft/message.ts';
import { nodeId } from '#raft/node-id.ts';
import { term } from '#raft/term.ts';
import { command, createLedCluster } from './cluster.ts';
import {
  a,
  acceptedBy,
  b,
  c,
  contentsWith,
  createLoneNode,
  heartbeatTo,
  type LoneNode,
} from './lone-node.ts';

const answer = (from: typeof b, readContext: number, inTerm = 2): Message => ({
  kind: 'heartbeat-reply',
  from,
  to: a,
  term: term(inTerm),
  readContext,
});

const leader = (voters: readonly string[] = ['a', 'b', 'c'], learners: string[] = []): LoneNode => {
  const node = createLoneNode(contentsWith(voters, [], learners));
  node.lead();
  for (const from of [b, c]) for (const match of [1, 2]) node.hear(acceptedBy(from, 2, match));
  node.sent();
  return node;
};

const read = (node: LoneNode, ...contexts: readonly number[]): readonly Message[] => {
  for (const context of contexts) assert.equal(node.raft.readIndex(context), undefined);
  node.cluster.settle('a');
  return node.sent();
};

const confirmed = (node: LoneNode): number[] =>
  node.member.readStates.map(({ context, refused }) => (refused ? -context : context));

test('6.4 reads wait for the first commit of the own term', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.lead();
  assert.deepEqual(node.raft.readIndex(1), { kind: 'no-entry-of-own-term-committed' });
  node.hear(acceptedBy(b, 2, 2));
  assert.equal(node.raft.readIndex(1), undefined);
});

test('6.4 all reads of a turn share one round, asked of the voters only', () => {
  const node = leader(['a', 'b', 'c'], ['d']);
  const sent = read(node, 1, 2, 3);
  assert.deepEqual(sent.map(({ kind, to }) => `${kind} ${to}`).sort(), [
    'heartbeat b',
    'heartbeat c',
  ]);
  node.hear(answer(c, 1));
  assert.deepEqual(confirmed(node), [1, 2, 3]);
});

test('6.4 only answers to the round, or to a later one, confirm it', () => {
  const node = leader();
  node.cluster.tick('a', 2);
  read(node, 1);
  node.hear(answer(b, 0));
  assert.deepEqual(confirmed(node), [], 'a heartbeat from before the read');
  read(node, 2);
  node.hear(answer(b, 1));
  assert.deepEqual(confirmed(node), [1]);
  node.hear(answer(c, 2));
  assert.deepEqual(confirmed(node), [1, 2]);
});

test('6.4 a later answer confirms the earlier rounds', () => {
  const node = leader();
  read(node, 1);
  read(node, 2);
  node.hear(answer(b, 2));
  assert.deepEqual(confirmed(node), [1, 2]);
});

test('6.4 a round that nobody started, and learners, confirm nothing', () => {
  const node = leader(['a', 'b', 'c'], ['d']);
  read(node, 1);
  node.hear(answer(b, 99));
  node.hear(answer(nodeId('d'), 1));
  node.hear(answer(nodeId('x'), 1));
  assert.deepEqual(confirmed(node), []);
});

test('6.4 the index of a read is the commit index when its round begins', () => {
  const node = leader();
  node.raft.propose(command('x'));
  read(node, 1);
  node.hear(acceptedBy(b, 2, 3));
  node.hear(answer(b, 1));
  assert.deepEqual(node.member.readStates, [{ context: 1, index: 2, refused: false }]);
});

test('6.4 a round ends when a change of configuration leaves a quorum that has answered', () => {
  const voters = ['a', 'b', 'c', 'd'];
  const node = createLoneNode(contentsWith(voters));
  node.lead();
  for (const from of [b, c]) node.hear(acceptedBy(from, 2, 2));
  read(node, 1);
  node.hear(answer(b, 1));
  assert.deepEqual(confirmed(node), [], 'two of four');
  node.raft.proposeConfiguration([{ kind: 'remove', node: nodeId('d') }], new Uint8Array(0));
  node.cluster.settle('a');
  assert.deepEqual(confirmed(node), [1], 'two of three');
});

test('6.4 a leader that is left alone answers the reads that waited for others', () => {
  const node = createLoneNode(contentsWith(['a', 'b']));
  node.lead();
  node.hear(acceptedBy(b, 2, 2));
  read(node, 1);
  node.raft.proposeConfiguration([{ kind: 'remove', node: b }], new Uint8Array(0));
  node.cluster.settle('a');
  assert.deepEqual(confirmed(node), [1]);
});

test('6.4 lost rounds are asked again with the next heartbeat', () => {
  const node = leader();
  read(node, 1);
  node.cluster.tick('a', 2);
  const [again] = node.sent().filter(({ kind }) => kind === 'heartbeat');
  assert.ok(again?.kind === 'heartbeat' && again.readContext === 1);
});

test('6.4 when the office ends, reads that wait are refused', () => {
  const node = leader();
  read(node, 1);
  node.raft.readIndex(2);
  node.hear(heartbeatTo(9, 0, c));
  assert.deepEqual(confirmed(node), [-1, -2]);
  node.hear(answer(b, 1));
  assert.deepEqual(confirmed(node), [-1, -2]);
});

test('6.4 a single voter confirms its reads itself', () => {
  const node = createLoneNode(contentsWith(['a']));
  node.lead();
  read(node, 1);
  assert.deepEqual(confirmed(node), [1]);
});

test('rounds under way are bounded; what waits goes with the next', () => {
  const node = leader();
  for (let context = 1; context <= 9; context += 1) read(node, context);
  assert.deepEqual(read(node, 10), []);
  const sent = node.hear(answer(b, 8));
  assert.equal(confirmed(node).length, 8);
  assert.ok(sent.some((message) => message.kind === 'heartbeat' && message.readContext === 9));
  node.hear(answer(b, 9));
  assert.equal(confirmed(node).length, 10);
});

test('3.10 a transfer asks at once where the log is the same, else when it is', () => {
  const node = leader();
  assert.equal(node.raft.transferLeadership(b), undefined);
  node.cluster.settle('a');
  assert.deepEqual(
    node.sent().map(({ kind, to }) => `${kind} ${to}`),
    ['timeout-now b'],
  );
  const other = leader();
  other.raft.propose(command('x'));
  other.raft.transferLeadership(b);
  other.cluster.settle('a');
  assert.ok(
    other.sent().every(({ kind }) => kind !== 'timeout-now'),
    'b lacks entry 3',
  );
  assert.ok(other.hear(acceptedBy(b, 2, 3)).some(({ kind }) => kind === 'timeout-now'));
});

test('3.10 during a transfer nothing is taken; after an election time-out everything is again', () => {
  const node = leader();
  node.raft.transferLeadership(b);
  const refusal = { kind: 'transfer-in-progress' };
  const refused = { kind: 'refused', refusal };
  assert.deepEqual(node.raft.propose(command('x')), refused);
  assert.deepEqual(node.raft.proposeBarrier(), refused);
  assert.deepEqual(node.raft.proposeConfiguration([], new Uint8Array(0)), refused);
  assert.deepEqual(node.raft.transferLeadership(c), refusal);
  for (let count = 0; count < 9; count += 1) node.cluster.tick('a');
  assert.deepEqual(node.raft.propose(command('x')), refused);
  node.hear(answer(b, 0));
  node.cluster.tick('a');
  assert.equal(node.raft.propose(command('x')).kind, 'accepted');
});

test('3.10 a voter whose database stands still is not asked to lead, also in the middle of a transfer', () => {
  const node = leader();
  const asked = (): readonly string[] => {
    node.cluster.settle('a');
    return node.sent().flatMap(({ kind, to }) => (kind === 'timeout-now' ? [to] : []));
  };
  node.raft.reportStalled(b, true);
  assert.deepEqual(
    node.raft.followers.map(({ node: name, isStalled }) => `${name} ${isStalled}`),
    ['b true', 'c false'],
  );
  assert.deepEqual(node.raft.transferLeadership(b), { kind: 'target-stalled' });
  node.raft.propose(command('x'));
  assert.equal(node.raft.transferLeadership(c), undefined);
  node.raft.reportStalled(c, true);
  node.hear(acceptedBy(c, 2, 3));
  assert.deepEqual(asked(), [], 'its log is the leader’s, its database is not');
  node.raft.reportStalled(c, false);
  assert.deepEqual(asked(), ['c']);
});

test('4.2.2 a leader that removed itself asks only a voter whose database keeps up', () => {
  const remove = (stalled: readonly (typeof b)[]): readonly string[] => {
    const node = leader();
    for (const name of stalled) node.raft.reportStalled(name, true);
    node.raft.proposeConfiguration([{ kind: 'remove', node: a }], new Uint8Array(0));
    node.cluster.settle('a');
    node.sent();
    const sent = [b, c].flatMap((from) => node.hear(acceptedBy(from, 2, 3)));
    assert.equal(node.raft.softState.role, 'follower');
    return sent.flatMap(({ kind, to }) => (kind === 'timeout-now' ? [to] : []));
  };
  assert.deepEqual(remove([]), ['b']);
  assert.deepEqual(remove([b]), ['c']);
  assert.deepEqual(remove([b, c]), []);
});

test('what is told of databases counts for followers of the present office only', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.raft.reportStalled(b, true);
  node.lead();
  for (const from of [b, c]) node.hear(acceptedBy(from, 2, 2));
  node.raft.reportStalled(nodeId('x'), true);
  assert.ok(node.raft.followers.every(({ isStalled }) => !isStalled));
});

test('3.10 only another voter can be the target', () => {
  const node = leader(['a', 'b', 'c'], ['d']);
  for (const name of ['a', 'd', 'x']) {
    assert.equal(node.raft.transferLeadership(nodeId(name))?.kind, 'invalid', name);
  }
});

test('3.10 the target leads within one round trip although everybody hears the old leader', () => {
  const cluster = createLedCluster(['a', 'b', 'c']);
  cluster.member('a').node.raft.transferLeadership(b);
  cluster.settle('a');
  cluster.deliverAll();
  assert.equal(cluster.member('b').node.raft.softState.role, 'leader');
  assert.deepEqual(cluster.member('a').node.raft.softState, {
    role: 'follower',
    term: 3,
    leader: b,
  });
});

test('reads that wait are bounded, those of rounds under way counted too', () => {
  const node = leader();
  for (let context = 1; context <= readsWaitingMax; context += 1) {
    assert.equal(node.raft.readIndex(context), undefined);
    if (context === 10) node.cluster.settle('a');
  }
  const refusal = { kind: 'invalid', reason: 'too many reads wait for a quorum' };
  assert.deepEqual(node.raft.readIndex(0), refusal);
  node.hear(answer(b, 1));
  assert.equal(confirmed(node).length, 10);
  assert.equal(node.raft.readIndex(0), undefined, 'ten are answered, there is room again');
});
