// Snapshots and the trimmed log (dissertation 5).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeMembership } from '#raft/describe.ts';
import { logIndex } from '#raft/log-index.ts';
import { nodeId } from '#raft/node-id.ts';
import { type Cluster, command, createLedCluster } from './cluster.ts';
import { appendTo, c, contentsWith, createLoneNode, entriesOf, snapshotTo } from './lone-node.ts';
import { membershipOf } from './membership-codec.ts';

/** A leader `a` that has trimmed what `c`, which was cut off, lacks; c is back. */
const trimmedCluster = (): Cluster => {
  const cluster = createLedCluster(['a', 'b', 'c']);
  cluster.isolate('c');
  for (const text of ['x', 'y', 'z']) {
    cluster.member('a').node.raft.propose(command(text));
    cluster.settle('a');
    cluster.deliverAll();
  }
  cluster.member('a').node.trim(logIndex(5));
  cluster.mend();
  for (let count = 0; count < 4; count += 1) cluster.tick('a');
  cluster.deliverAll();
  for (let count = 0; count < 4; count += 1) cluster.tick('a');
  cluster.deliverAll();
  return cluster;
};

test('5 a follower behind the trimmed log is given an image, and the log goes on behind it', () => {
  const cluster = trimmedCluster();
  const [request] = cluster.member('a').snapshotRequests;
  assert.ok(request);
  assert.deepEqual([request.to, request.message.index], ['c', 5]);
  cluster.sendImage(request);
  cluster.deliverAll();
  cluster.member('a').node.raft.propose(command('w'));
  cluster.settle('a');
  cluster.deliverAll();
  const { node } = cluster.member('c');
  assert.equal(node.database.appliedIndex, 6);
  assert.equal(node.disk.durable.trimmedIndex, 5);
});

test('5 while an image is on its way nothing else is sent and no second is asked for', () => {
  const cluster = trimmedCluster();
  for (let count = 0; count < 6; count += 1) cluster.tick('a');
  cluster.member('a').node.raft.propose(command('w'));
  cluster.settle('a');
  assert.ok(cluster.wire.every(({ kind, to }) => to !== 'c' || kind === 'heartbeat'));
  assert.equal(cluster.member('a').snapshotRequests.length, 1);
});

test('5 an image that could not be sent is asked for again at the next sign of life', () => {
  const cluster = trimmedCluster();
  cluster.member('a').node.raft.reportSnapshot(nodeId('c'), false);
  cluster.settle('a');
  assert.equal(cluster.member('a').snapshotRequests.length, 1);
  cluster.tick('a', 2);
  cluster.deliverAll();
  assert.equal(cluster.member('a').snapshotRequests.length, 2);
});

test('5 an image is asked for only when the follower gives a sign of life', () => {
  const cluster = createLedCluster(['a', 'b', 'c']);
  cluster.isolate('c');
  cluster.member('a').node.raft.propose(command('x'));
  cluster.settle('a');
  cluster.deliverAll();
  cluster.member('a').node.trim(logIndex(3));
  for (let count = 0; count < 9; count += 1) {
    cluster.tick('a');
    cluster.deliverAll();
  }
  cluster.member('a').node.raft.reportUnreachable(nodeId('c'));
  cluster.tick('a', 9);
  assert.equal(cluster.member('a').snapshotRequests.length, 0);
  cluster.mend();
  for (let count = 0; count < 4; count += 1) {
    cluster.tick('a');
    cluster.deliverAll();
  }
  assert.equal(cluster.member('a').snapshotRequests.length, 1);
});

const image = (index: number) => ({
  appliedIndex: logIndex(index),
  membership: membershipOf(['a', 'b', 'c']),
  applied: [],
});

test('5 an image replaces a log that ends before it; term and vote are kept', () => {
  const node = createLoneNode(contentsWith(['a', 'b'], [2]));
  node.member.node.receiveImage(image(9));
  const [reply] = node.hear(snapshotTo(3, 9, 3));
  assert.ok(reply?.kind === 'append-reply' && reply.accepted && reply.matchIndex === 9);
  const { durable } = node.member.node.disk;
  assert.deepEqual([durable.trimmedIndex, durable.trimmedTerm, durable.entries], [9, 3, []]);
  assert.equal(durable.hardState.term, 3);
  assert.equal(describeMembership(node.raft.membership), 'voters=(a b c)');
  assert.equal(node.raft.lastIndex, 9);
});

test('5 an acknowledgement of an image waits for the disk', () => {
  const node = createLoneNode(contentsWith(['a', 'b'], [2]));
  node.member.autoSync = false;
  node.member.node.receiveImage(image(9));
  assert.deepEqual(node.hear(snapshotTo(3, 9, 3)), []);
  assert.equal(node.member.node.database.appliedIndex, 0);
  node.cluster.sync('a');
  assert.equal(node.sent().length, 1);
  assert.equal(node.member.node.database.appliedIndex, 9);
});

test('5 an image of what the log holds anyway only commits it', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c'], [2, 2, 2]));
  const [reply] = node.hear(snapshotTo(2, 3, 2));
  assert.ok(reply?.kind === 'append-reply' && reply.accepted && reply.matchIndex === 3);
  assert.equal(node.raft.lastIndex, 4, 'nothing is dropped');
  assert.equal(node.member.node.database.appliedIndex, 3);
});

test('5 an image of an entry that contradicts the log replaces the log', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c'], [2, 2, 2]));
  node.member.node.receiveImage(image(3));
  node.hear(snapshotTo(5, 3, 4));
  assert.equal(node.raft.lastIndex, 3);
  assert.equal(node.member.node.disk.durable.trimmedTerm, 4);
});

test('5 an old image is answered with what is committed', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.hear(appendTo({ term: 2, prev: [1, 1], entries: entriesOf(2, 2, 2), commit: 3 }));
  const [reply] = node.hear(snapshotTo(2, 2, 2));
  assert.ok(reply?.kind === 'append-reply' && reply.accepted && reply.matchIndex === 3);
  assert.equal(node.raft.lastIndex, 3);
});

test('5 an image whose transfer outlived its leader is adopted, and its sender told of the new term', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.hear(appendTo({ from: c, term: 7, prev: [20, 6] }));
  node.member.node.receiveImage(image(9));
  const [reply] = node.hear(snapshotTo(3, 9, 3));
  assert.equal(reply?.term, 7);
  assert.equal(node.raft.lastIndex, 9);
  assert.equal(node.raft.softState.leader, c, 'it follows whom it followed');
});

test('5 entries in flight when the log is trimmed past them do not hold up the image', () => {
  const cluster = createLedCluster(['a', 'b', 'c'], { inFlightMessagesMax: 1, appendBytesMax: 1 });
  cluster.cut('a', 'c');
  for (const text of ['x', 'y', 'z']) {
    cluster.member('a').node.raft.propose(command(text));
    cluster.settle('a');
    cluster.deliverAll();
  }
  cluster.member('a').node.trim(logIndex(5));
  cluster.mend();
  for (let count = 0; count < 8; count += 1) {
    cluster.tick('a');
    cluster.deliverAll();
  }
  assert.equal(cluster.member('a').snapshotRequests.length, 1);
});

test('a trim that comes after an image was adopted is ignored', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.member.autoSync = false;
  node.member.node.receiveImage(image(9));
  node.hear(snapshotTo(3, 9, 3));
  node.raft.trimmed(logIndex(1));
  assert.equal(node.raft.lastIndex, 9);
});

test('5 an image of a second leader of the term is not adopted', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.hear(appendTo({ from: c, term: 3, prev: [1, 1] }));
  node.member.node.receiveImage(image(9));
  assert.deepEqual(node.hear(snapshotTo(3, 9, 3)), []);
  assert.equal(node.raft.lastIndex, 1);
  assert.equal(node.member.alarms[0]?.kind, 'second-leader');
});

test('5 who leads or campaigns adopts no image of an earlier term', () => {
  const leader = createLoneNode(contentsWith(['a', 'b', 'c'], [2, 2]));
  leader.lead();
  leader.sent();
  leader.member.node.receiveImage(image(9));
  assert.deepEqual(leader.hear(snapshotTo(2, 9, 2)), []);
  assert.equal(leader.raft.softState.role, 'leader');
  assert.equal(leader.raft.lastIndex, 4);
});

test('a database that is being replaced may report what it applied before', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.member.node.receiveImage(image(9));
  node.hear(snapshotTo(3, 9, 3));
  node.raft.applied(logIndex(1));
  assert.match(node.raft.describe(), / applied=9 /);
});
