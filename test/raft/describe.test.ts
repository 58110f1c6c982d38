// The text form that logs, golden transcripts and the simulator's timeline share: every part of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeMembership, describeMessage, describeReady } from '#raft/describe.ts';
import { logIndex } from '#raft/log-index.ts';
import { nodeId } from '#raft/node-id.ts';
import { term } from '#raft/term.ts';
import { command, createLedCluster } from './cluster.ts';
import { a, b, contentsWith, createLoneNode, voteRequestTo } from './lone-node.ts';
import { membershipOf } from './membership-codec.ts';

test('a joint configuration is told with both halves and who becomes a learner', () => {
  const joint = {
    ...membershipOf(['a', 'd'], ['e']),
    votersOutgoing: [a, b],
    learnersNext: [b],
    autoLeave: true,
  };
  assert.equal(
    describeMembership(joint),
    'voters=(a d)&&(a b) learners=(e) learners-next=(b) auto-leave',
  );
});

test('a refused vote, and a refused rehearsal, are told as such', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c'], [2, 2]));
  const [refused] = node.hear(voteRequestTo({ term: 3, last: [1, 1] }));
  assert.ok(refused !== undefined);
  assert.equal(describeMessage(refused), 'a->b vote-reply term=3 refused');
  const [rehearsed] = node.hear(voteRequestTo({ term: 4, last: [1, 1], preVote: true }));
  assert.ok(rehearsed !== undefined);
  assert.equal(describeMessage(rehearsed), 'a->b vote-reply term=3 refused pre');
});

test('a leader tells of followers that wait, for an answer or for an image', () => {
  const cluster = createLedCluster(['a', 'b', 'c'], { inFlightMessagesMax: 1 });
  const { node } = cluster.member('a');
  cluster.cut('b', 'a');
  cluster.cut('c', 'a');
  node.raft.reportUnreachable(b);
  node.raft.propose(command('x'));
  cluster.settle('a');
  assert.match(node.raft.describe(), /; b probe match=2 next=3 waits;/);
  cluster.mend();
  cluster.cut('a', 'c');
  for (let count = 0; count < 3; count += 1) {
    cluster.tick('a', 2);
    cluster.deliverAll();
  }
  node.trim(logIndex(node.raft.commitIndex));
  cluster.mend();
  for (let count = 0; count < 3; count += 1) {
    cluster.tick('a', 2);
    cluster.deliverAll();
  }
  assert.match(node.raft.describe(), /; c snapshot match=2 next=3 image=3/);
  node.raft.reportStalled(b, true);
  assert.match(node.raft.describe(), /; b replicate match=3 next=4 stalled;/);
});

test('a Ready tells of entries to load and of alarms', () => {
  const node = createLoneNode(contentsWith(['a']));
  const ready = {
    ...node.raft.ready(),
    loads: [{ from: logIndex(3), bytesMax: 1000 }],
    alarms: [{ kind: 'second-leader', node: nodeId('b'), term: term(3) }] as const,
  };
  assert.deepEqual(describeReady(ready).slice(1), [
    'load from 3, 1000 bytes',
    'alarm second-leader b',
  ]);
});
