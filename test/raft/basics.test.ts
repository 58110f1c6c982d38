// The core in a small cluster in memory: elections, replication, restart, reads.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appliedBy, command, createCluster, createdContents, createLedCluster } from './cluster.ts';

test('a single voter elects itself, commits and applies what is proposed', () => {
  const cluster = createCluster();
  const a = cluster.add('a', createdContents(['a']));
  cluster.tick('a', 20);
  assert.equal(a.node.raft.softState.role, 'leader');
  assert.equal(a.node.raft.propose(command('x')).kind, 'accepted');
  cluster.settle('a');
  assert.deepEqual(appliedBy(a), ['x']);
});

test('three voters elect the creator, which replicates to the empty ones', () => {
  const cluster = createLedCluster(['a', 'b', 'c']);
  cluster.member('a').node.raft.propose(command('x'));
  cluster.settle('a');
  cluster.deliverAll();
  for (const member of cluster.members) assert.deepEqual(appliedBy(member), ['x']);
});

test('proposals of one turn share one append per follower', () => {
  const cluster = createLedCluster(['a', 'b', 'c']);
  for (const text of ['x', 'y', 'z']) cluster.member('a').node.raft.propose(command(text));
  cluster.settle('a');
  assert.deepEqual(
    cluster.wire.map((message) => message.kind === 'append' && message.entries.length),
    [3, 3],
  );
});

test('an empty node never campaigns', () => {
  const cluster = createCluster();
  const b = cluster.add('b');
  cluster.tick('b', 100);
  assert.equal(b.node.raft.softState.role, 'follower');
  assert.equal(b.node.raft.softState.term, 0);
});

test('followers elect another leader when theirs is cut off, and it steps down', () => {
  const cluster = createLedCluster(['a', 'b', 'c']);
  cluster.isolate('a');
  for (let count = 0; count < 60; count += 1) {
    for (const name of ['a', 'b', 'c']) cluster.tick(name);
    cluster.deliverAll();
  }
  const roles = cluster.members.map((member) => member.node.raft.softState.role);
  assert.notEqual(cluster.member('a').node.raft.softState.role, 'leader');
  assert.equal(cluster.member('a').node.raft.softState.term, 2, 'a rehearsal raises no term');
  assert.equal(roles.filter((role) => role === 'leader').length, 1);
});

test('a restarted node goes on from its term, its vote and its log', () => {
  const cluster = createLedCluster(['a', 'b', 'c']);
  cluster.member('a').node.raft.propose(command('x'));
  cluster.settle('a');
  cluster.deliverAll();
  const before = cluster.member('b').node.raft;
  cluster.restart('b');
  const after = cluster.member('b').node.raft;
  assert.equal(after.softState.term, before.softState.term);
  assert.equal(after.lastIndex, before.lastIndex);
  assert.deepEqual(appliedBy(cluster.member('b')), ['x']);
});

test('a read index is confirmed by a quorum and not before', () => {
  const cluster = createLedCluster(['a', 'b', 'c']);
  const a = cluster.member('a');
  assert.equal(a.node.raft.readIndex(7), undefined);
  assert.equal(a.node.raft.readIndex(8), undefined);
  cluster.settle('a');
  assert.deepEqual(a.readStates, []);
  cluster.deliverAll();
  assert.deepEqual(a.readStates, [
    { context: 7, index: a.node.raft.commitIndex, refused: false },
    { context: 8, index: a.node.raft.commitIndex, refused: false },
  ]);
});

test('a follower refuses proposals and reads and names the leader', () => {
  const cluster = createLedCluster(['a', 'b', 'c']);
  const { raft } = cluster.member('b').node;
  const refusal = { kind: 'not-leader', leader: 'a' };
  assert.deepEqual(raft.propose(command('x')), { kind: 'refused', refusal });
  assert.deepEqual(raft.readIndex(1), refusal);
});
