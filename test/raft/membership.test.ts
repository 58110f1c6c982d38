// Changes of configuration, claim by claim (dissertation 4).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enterJoint, membershipProblem } from '#raft/configuration.ts';
import { describeMembership } from '#raft/describe.ts';
import type { Membership, MembershipChange } from '#raft/membership.ts';
import { nodeId } from '#raft/node-id.ts';
import type { Proposed } from '#raft/ready.ts';
import { term } from '#raft/term.ts';
import { type Cluster, command, createLedCluster } from './cluster.ts';
import {
  a,
  acceptedBy,
  appendTo,
  b,
  c,
  configurationAt,
  contentsWith,
  createLoneNode,
  entriesOf,
  heartbeatTo,
  type LoneNode,
} from './lone-node.ts';
import { membershipOf } from './membership-codec.ts';

const noContext = new Uint8Array(0);

const change = (kind: MembershipChange['kind'], name: string): MembershipChange => ({
  kind,
  node: nodeId(name),
});

const proposeIn = (cluster: Cluster, ...changes: readonly MembershipChange[]): Proposed => {
  const proposed = cluster.member('a').node.raft.proposeConfiguration(changes, noContext);
  cluster.settle('a');
  return proposed;
};

const inForce = (cluster: Cluster, name: string): string =>
  describeMembership(cluster.member(name).node.raft.membership);

const leaderOf = (voters: readonly string[], learners: readonly string[] = []): LoneNode => {
  const node = createLoneNode(contentsWith(voters, [], learners));
  node.lead();
  for (const name of voters) {
    if (name !== 'a') for (const match of [1, 2]) node.hear(acceptedBy(nodeId(name), 2, match));
  }
  assert.equal(node.raft.commitIndex, 2);
  return node;
};

const proposeOn = (node: LoneNode, ...changes: readonly MembershipChange[]): Proposed => {
  const proposed = node.raft.proposeConfiguration(changes, noContext);
  node.cluster.settle('a');
  return proposed;
};

test('4.1 a configuration is in force as soon as it is in the log', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  const entries = [configurationAt(2, 2, membershipOf(['a', 'b']))];
  node.hear(appendTo({ term: 2, prev: [1, 1], entries }));
  assert.equal(describeMembership(node.raft.membership), 'voters=(a b)');
});

test('4.1 a truncated configuration is in force no longer', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  const entries = [configurationAt(2, 2, membershipOf(['a', 'b']))];
  node.hear(appendTo({ term: 2, prev: [1, 1], entries }));
  node.hear(appendTo({ term: 3, prev: [1, 1], entries: entriesOf(2, 3), from: c }));
  assert.equal(describeMembership(node.raft.membership), 'voters=(a b c)');
});

test('4.1 the configuration survives a restart, applied or not', () => {
  const cluster = createLedCluster(['a', 'b', 'c']);
  proposeIn(cluster, change('add-learner', 'd'));
  cluster.deliverOne();
  cluster.restart('b');
  assert.equal(inForce(cluster, 'b'), 'voters=(a b c) learners=(d)');
  cluster.deliverAll();
  cluster.restart('a');
  assert.equal(inForce(cluster, 'a'), 'voters=(a b c) learners=(d)');
});

test('4.1 one change at a time, and none before an entry of the own term is committed', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.lead();
  const refusal = (kind: string) => ({ kind: 'refused', refusal: { kind } });
  const add = change('add-learner', 'd');
  assert.deepEqual(proposeOn(node, add), refusal('no-entry-of-own-term-committed'));
  node.hear(acceptedBy(b, 2, 2));
  assert.equal(proposeOn(node, add).kind, 'accepted');
  assert.deepEqual(proposeOn(node, change('remove', 'c')), refusal('configuration-in-progress'));
  node.hear(acceptedBy(b, 2, 3));
  assert.equal(proposeOn(node, change('remove', 'c')).kind, 'accepted');
});

test('a change that leaves no voter is refused with its reason', () => {
  const node = leaderOf(['a']);
  assert.deepEqual(proposeOn(node, change('remove', 'a')), {
    kind: 'refused',
    refusal: { kind: 'invalid', reason: 'no-voters-left' },
  });
});

test('a learner receives the log and counts for nothing', () => {
  const node = leaderOf(['a', 'b'], ['d']);
  const d = nodeId('d');
  node.hear(acceptedBy(d, 2, 2));
  node.raft.propose(command('x'));
  node.cluster.settle('a');
  assert.ok(node.sent().some((message) => message.kind === 'append' && message.to === 'd'));
  node.hear(acceptedBy(d, 2, 3));
  assert.equal(node.raft.commitIndex, 2);
  node.hear(acceptedBy(b, 2, 3));
  assert.equal(node.raft.commitIndex, 3);
});

test('4.2.1 a learner is promoted when it is caught up, and counts from then on', () => {
  const cluster = createLedCluster(['a'], {}, ['b']);
  assert.equal(proposeIn(cluster, change('add-voter', 'b')).kind, 'accepted');
  assert.equal(cluster.member('a').node.raft.commitIndex, 2, 'it needs b now');
  cluster.deliverAll();
  assert.equal(cluster.member('a').node.raft.commitIndex, 3);
  assert.equal(inForce(cluster, 'b'), 'voters=(a b)');
});

test('4.2.2 a leader that removes itself leads, uncounted, until that is committed', () => {
  const node = leaderOf(['a', 'b', 'c']);
  proposeOn(node, change('remove', 'a'));
  node.hear(acceptedBy(b, 2, 3));
  assert.equal(node.raft.softState.role, 'leader');
  assert.equal(node.raft.commitIndex, 2, 'a and b are no majority of b and c');
  const sent = node.hear(acceptedBy(c, 2, 3));
  assert.equal(node.raft.softState.role, 'follower');
  assert.equal(node.raft.commitIndex, 3);
  assert.ok(sent.some((message) => message.kind === 'append' && message.commitIndex === 3));
  assert.ok(
    sent.some((message) => message.kind === 'timeout-now'),
    'somebody is asked to lead',
  );
});

test('4.2.2 a leader that becomes a learner steps down too', () => {
  const node = leaderOf(['a', 'b', 'c']);
  proposeOn(node, change('add-learner', 'a'));
  node.hear(acceptedBy(b, 2, 3));
  node.hear(acceptedBy(c, 2, 3));
  assert.equal(node.raft.softState.role, 'follower');
});

test('a removed follower is told of its removal and its commit, then forgotten', () => {
  const cluster = createLedCluster(['a', 'b', 'c']);
  proposeIn(cluster, change('remove', 'c'));
  cluster.deliverAll();
  assert.equal(inForce(cluster, 'c'), 'voters=(a b)');
  assert.equal(cluster.member('c').node.raft.commitIndex, 3);
  cluster.tick('c', 100);
  assert.equal(cluster.member('c').node.raft.softState.role, 'follower', 'it does not campaign');
  cluster.tick('a', 2);
  assert.ok(cluster.wire.every((message) => message.to !== 'c'));
});

test('4.3 two voters change through a joint configuration, which is left by itself', () => {
  const cluster = createLedCluster(['a', 'b', 'c']);
  for (const name of ['d', 'e']) cluster.add(name);
  const changes = ['d', 'e'].map((name) => change('add-voter', name));
  proposeIn(cluster, ...changes, change('remove', 'b'));
  assert.equal(inForce(cluster, 'a'), 'voters=(a c d e)&&(a b c) auto-leave');
  cluster.deliverAll();
  for (const name of ['a', 'c', 'd', 'e']) {
    assert.equal(inForce(cluster, name), 'voters=(a c d e)', name);
    assert.equal(cluster.member(name).node.raft.commitIndex, 4);
  }
});

test('4.3 a joint configuration commits with both majorities and with neither alone', () => {
  const node = leaderOf(['a', 'b', 'c']);
  proposeOn(node, change('add-voter', 'd'), change('add-voter', 'e'), change('remove', 'b'));
  const [d, e] = ['d', 'e'].map(nodeId);
  for (const from of [b, c]) node.hear(acceptedBy(from, 2, 3));
  assert.equal(node.raft.commitIndex, 2, 'a, b, c of the old; a, c of the new four');
  if (d !== undefined) node.hear(acceptedBy(d, 2, 3));
  assert.equal(node.raft.commitIndex, 3);
  assert.equal(describeMembership(node.raft.membership), 'voters=(a c d e)');
  assert.ok(e);
});

test('4.3 a joint configuration elects with both majorities', () => {
  const joint = {
    ...membershipOf(['a', 'd', 'e']),
    votersOutgoing: [a, b, c],
    autoLeave: true,
  };
  const contents = contentsWith(['a', 'b', 'c']);
  contents.entries.push(configurationAt(2, 1, joint));
  const node = createLoneNode(contents);
  node.raft.campaign();
  node.cluster.settle('a');
  const grant = { kind: 'vote-reply', to: a, term: term(2), granted: true, preVote: true } as const;
  for (const from of [b, c]) node.hear({ ...grant, from });
  assert.equal(node.raft.softState.role, 'pre-candidate');
  node.hear({ ...grant, from: nodeId('e') });
  assert.equal(node.raft.softState.role, 'candidate');
});

test('4.3 a new leader leaves a joint configuration that its predecessor entered', () => {
  const cluster = createLedCluster(['a', 'b', 'c']);
  for (const name of ['d', 'e']) cluster.add(name);
  proposeIn(cluster, ...['d', 'e'].map((name) => change('add-voter', name)));
  cluster.deliverOne((message) => message.kind === 'append' && message.to === 'b');
  cluster.isolate('a');
  cluster.wire.length = 0;
  for (const name of ['c', 'd', 'e']) cluster.tick(name, 10);
  cluster.elect('b');
  assert.equal(inForce(cluster, 'b'), 'voters=(a b c d e)');
});

test('a joint configuration that is not left by itself is left when asked, and not otherwise', () => {
  const contents = contentsWith(['a']);
  const joint = { ...membershipOf(['a']), votersOutgoing: [a], autoLeave: false };
  contents.entries.push(configurationAt(2, 1, joint));
  const node = createLoneNode(contents);
  node.lead();
  assert.equal(describeMembership(node.raft.membership), 'voters=(a)&&(a)');
  assert.deepEqual(proposeOn(node, change('add-learner', 'd')), {
    kind: 'refused',
    refusal: { kind: 'configuration-in-progress' },
  });
  assert.equal(proposeOn(node).kind, 'accepted');
  assert.equal(describeMembership(node.raft.membership), 'voters=(a)');
});

test('an update changes no membership but carries its context', () => {
  const node = leaderOf(['a']);
  const proposed = node.raft.proposeConfiguration([change('update', 'a')], new Uint8Array([7, 7]));
  node.cluster.settle('a');
  assert.equal(proposed.kind, 'accepted');
  const entry = node.member.node.disk.written.entries.at(-1);
  assert.ok(new TextDecoder().decode(entry?.data).includes('"context":[7,7]'));
  assert.equal(describeMembership(node.raft.membership), 'voters=(a)');
});

test('a configuration that cannot be read or cannot be is dropped with an alarm', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  const unreadable = { ...configurationAt(2, 2, membershipOf(['a'])), data: new Uint8Array([1]) };
  const impossible = configurationAt(2, 2, { ...membershipOf(['a']), learners: [a] });
  const empty = configurationAt(2, 2, membershipOf([]));
  for (const entry of [unreadable, impossible, empty]) {
    assert.deepEqual(node.hear(appendTo({ term: 2, prev: [1, 1], entries: [entry] })), []);
  }
  assert.equal(node.member.alarms.length, 3);
  assert.equal(node.raft.lastIndex, 1);
  assert.deepEqual(node.hear(heartbeatTo(2)).length, 1, 'and the node goes on');
});

test('6.2 a voter that was just added has an election time-out to be heard', () => {
  const cluster = createLedCluster(['a']);
  cluster.add('b');
  cluster.tick('a', 9);
  proposeIn(cluster, change('add-voter', 'b'));
  cluster.tick('a');
  assert.equal(cluster.member('a').node.raft.softState.role, 'leader');
  cluster.tick('a', 10);
  assert.equal(cluster.member('a').node.raft.softState.role, 'follower');
});

test('a joint configuration that would leave no voter is refused', () => {
  const changes = [change('remove', 'a'), change('remove', 'b')];
  const fault = { kind: 'refused', fault: 'no-voters-left' };
  assert.deepEqual(enterJoint(membershipOf(['a', 'b']), changes, true), fault);
});

test('a membership that no change makes is told with its fault', () => {
  const sound = membershipOf(['a', 'b'], ['d']);
  const problems: readonly (readonly [Partial<Membership>, string | undefined])[] = [
    [{}, undefined],
    [{ voters: [b, a] }, 'a list of members is not sorted or has duplicates'],
    [{ voters: [a, a] }, 'a list of members is not sorted or has duplicates'],
    [{ voters: [] }, 'there is no voter'],
    [{ learners: [b] }, 'a learner is a voter'],
    [{ votersOutgoing: [c], learners: [c] }, 'a learner is a voter'],
    [{ learnersNext: [c] }, 'a next learner is no voter of the outgoing half alone'],
    [
      { votersOutgoing: [a, c], learnersNext: [a] },
      'a next learner is no voter of the outgoing half alone',
    ],
    [{ votersOutgoing: [a, c], learnersNext: [c], autoLeave: true }, undefined],
    [{ autoLeave: true }, 'a simple configuration cannot be left'],
  ];
  for (const [parts, problem] of problems) {
    assert.equal(membershipProblem({ ...sound, ...parts }), problem, JSON.stringify(parts));
  }
});

test('a leader tells how far each follower is; others tell nothing', () => {
  const node = leaderOf(['a', 'b', 'c']);
  const follower = { needsImage: false, isActive: true, isStalled: false };
  assert.deepEqual(node.raft.followers, [
    { node: b, match: 2, ...follower },
    { node: c, match: 2, ...follower },
  ]);
  assert.equal(node.raft.matchOf(b), 2);
  assert.equal(node.raft.matchOf(nodeId('x')), undefined);
  node.hear(heartbeatTo(9));
  assert.deepEqual(node.raft.followers, []);
  assert.equal(node.raft.matchOf(b), undefined);
});
