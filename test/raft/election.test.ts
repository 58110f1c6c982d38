// Elections, claim by claim (dissertation 3.4, 4.2, 9.6).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { term } from '#raft/term.ts';
import { createLedCluster } from './cluster.ts';
import {
  a,
  acceptedBy,
  appendTo,
  b,
  c,
  configurationAt,
  contentsWith,
  createLoneNode,
  heartbeatTo,
  voteRequestTo,
} from './lone-node.ts';
import { membershipOf } from './membership-codec.ts';

const isGranted = (messages: readonly { readonly kind: string }[]): boolean | undefined => {
  const reply = messages.find((message) => message.kind === 'vote-reply');
  return reply !== undefined && 'granted' in reply ? Boolean(reply.granted) : undefined;
};

test('3.3 a message of a later term makes a leader follow', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.lead();
  node.hear(heartbeatTo(9, 0, c));
  assert.deepEqual(node.raft.softState, { role: 'follower', term: 9, leader: c });
});

test('3.3 messages of an earlier term change nothing and are told of the present one', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c'], [5]));
  const [reply] = node.hear(appendTo({ term: 4, prev: [2, 4], commit: 2 }));
  assert.equal(reply?.kind, 'append-reply');
  assert.equal(reply?.term, 5);
  assert.equal(node.raft.commitIndex, 0);
  assert.equal(node.hear(heartbeatTo(4))[0]?.term, 5);
  assert.equal(node.raft.softState.leader, undefined);
});

test('3.4 a vote is given once a term, to the first who asks', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  assert.equal(isGranted(node.hear(voteRequestTo({ term: 2, last: [1, 1] }))), true);
  assert.equal(isGranted(node.hear(voteRequestTo({ from: c, term: 2, last: [9, 1] }))), false);
  assert.equal(isGranted(node.hear(voteRequestTo({ term: 2, last: [1, 1] }))), true, 'asked again');
});

test('3.8 the vote is remembered over a restart', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.hear(voteRequestTo({ term: 2, last: [1, 1] }));
  node.cluster.restart('a');
  assert.equal(isGranted(node.hear(voteRequestTo({ from: c, term: 2, last: [9, 1] }))), false);
});

test('3.8 a vote that is not yet on disk is not told', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.member.autoSync = false;
  assert.deepEqual(node.hear(voteRequestTo({ term: 2, last: [1, 1] })), []);
  node.cluster.sync('a');
  assert.equal(isGranted(node.sent()), true);
});

test('3.8 a candidate asks for votes when its own is on disk, and counts it then', () => {
  const node = createLoneNode(contentsWith(['a']));
  node.member.autoSync = false;
  node.raft.campaign();
  node.cluster.settle('a');
  assert.equal(node.raft.softState.role, 'candidate');
  node.cluster.sync('a');
  assert.equal(node.raft.softState.role, 'leader');
});

test('3.8 votes that come before the own one is on disk do not make a leader', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.raft.campaign();
  node.cluster.settle('a');
  node.member.autoSync = false;
  const reply = { kind: 'vote-reply', to: a, term: term(2), granted: true } as const;
  node.hear({ ...reply, from: b, preVote: true });
  node.hear({ ...reply, from: b, preVote: false });
  node.hear({ ...reply, from: c, preVote: false });
  assert.equal(node.raft.softState.role, 'candidate');
  node.cluster.sync('a');
  assert.equal(node.raft.softState.role, 'leader');
});

test('3.6.1 a vote needs a log that is at least as up to date: last term first, then length', () => {
  const asked = (last: readonly [number, number]): boolean | undefined => {
    const node = createLoneNode(contentsWith(['a', 'b', 'c'], [3, 3]));
    return isGranted(node.hear(voteRequestTo({ term: 9, last })));
  };
  assert.equal(asked([3, 3]), true);
  assert.equal(asked([2, 3]), false, 'shorter');
  assert.equal(asked([9, 2]), false, 'longer, but of an earlier term');
  assert.equal(asked([2, 4]), true, 'shorter, but of a later term');
});

test('4.1 votes are given to candidates that the own configuration does not know', () => {
  const node = createLoneNode();
  assert.equal(isGranted(node.hear(voteRequestTo({ term: 1, last: [0, 0] }))), true);
});

test('4.1 votes of nodes that are no voters do not count', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c'], [], ['d']));
  node.raft.campaign();
  node.cluster.settle('a');
  const grant = { kind: 'vote-reply', to: a, term: term(2), granted: true, preVote: true } as const;
  for (const name of ['d', 'x', 'y']) node.hear({ ...grant, from: name as typeof b });
  assert.equal(node.raft.softState.role, 'pre-candidate');
  node.hear({ ...grant, from: b });
  assert.equal(node.raft.softState.role, 'candidate');
});

test('9.6 a rehearsal changes neither term nor vote, on either side', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  assert.equal(isGranted(node.hear(voteRequestTo({ term: 2, last: [1, 1], preVote: true }))), true);
  assert.equal(node.raft.softState.term, 1);
  node.raft.campaign();
  node.cluster.settle('a');
  assert.equal(node.raft.softState.term, 1);
  assert.equal(node.member.node.disk.written.hardState.votedFor, undefined);
});

test('9.6 consent to an earlier rehearsal does not count in a later one', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.raft.campaign();
  node.cluster.settle('a');
  node.hear(heartbeatTo(5, 0, c));
  node.cluster.tick('a', 20);
  assert.equal(node.raft.softState.role, 'pre-candidate');
  const late = { kind: 'vote-reply', to: a, granted: true, preVote: true } as const;
  node.hear({ ...late, from: b, term: term(2) });
  assert.equal(node.raft.softState.role, 'pre-candidate');
});

test('9.6 a node that was cut off comes back without deposing the leader', () => {
  const cluster = createLedCluster(['a', 'b', 'c']);
  cluster.isolate('c');
  cluster.tick('c', 200);
  cluster.mend();
  cluster.tick('a', 2);
  cluster.tick('c', 1);
  cluster.deliverAll();
  assert.equal(cluster.member('a').node.raft.softState.role, 'leader');
  assert.deepEqual(cluster.member('c').node.raft.softState, {
    role: 'follower',
    term: 2,
    leader: a,
  });
});

test('4.2.3 who hears a leader gives no vote and no consent, and keeps its term', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.hear(heartbeatTo(2));
  for (const preVote of [true, false]) {
    assert.deepEqual(node.hear(voteRequestTo({ from: c, term: 9, last: [9, 8], preVote })), []);
  }
  assert.equal(node.raft.softState.term, 2);
  node.cluster.tick('a', 10);
  assert.equal(isGranted(node.hear(voteRequestTo({ from: c, term: 9, last: [9, 8] }))), true);
});

test('4.2.3 who hears a leader votes all the same if the leader asked for the election (3.10)', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.hear(heartbeatTo(2));
  const request = voteRequestTo({ from: c, term: 3, last: [9, 2], transfer: true });
  assert.equal(isGranted(node.hear(request)), true);
});

test('4.2.3 a leader does not give way to a vote request', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.lead();
  assert.equal(isGranted(node.hear(voteRequestTo({ term: 9, last: [9, 8] }))), undefined);
  assert.equal(node.raft.softState.role, 'leader');
});

test('6.2 a leader that hears no quorum for an election time-out steps down', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c', 'd', 'e']));
  node.lead();
  node.cluster.tick('a', 10);
  node.cluster.tick('a', 9);
  assert.equal(node.raft.softState.role, 'follower');
});

test('6.2 answers of a quorum, and only those, keep a leader in office', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c', 'd', 'e']));
  node.lead();
  const reply = { kind: 'heartbeat-reply', to: a, term: term(2), readContext: 0 } as const;
  for (let count = 0; count < 5; count += 1) {
    for (const from of [b, c]) node.hear({ ...reply, from });
    node.cluster.tick('a', 10);
    assert.equal(node.raft.softState.role, 'leader');
  }
  node.hear({ ...reply, from: b });
  node.cluster.tick('a', 10);
  assert.equal(node.raft.softState.role, 'follower', 'two of five are no quorum');
});

test('a learner and a stranger to the configuration never campaign', () => {
  for (const voters of [['b'], ['b', 'c']]) {
    const node = createLoneNode(contentsWith(voters, [], voters.length === 1 ? ['a'] : []));
    node.cluster.tick('a', 100);
    node.raft.campaign();
    node.cluster.settle('a');
    node.hear({ kind: 'timeout-now', from: b, to: a, term: term(1) });
    assert.equal(node.raft.softState.role, 'follower');
    assert.equal(node.raft.softState.term, 1);
  }
});

test('4.2.2 a voter that an uncommitted configuration removes still campaigns, without its own vote', () => {
  const node = createLoneNode(contentsWith(['a', 'b']));
  const removal = configurationAt(2, 2, membershipOf(['b']));
  node.hear(appendTo({ term: 2, prev: [1, 1], entries: [removal], commit: 1 }));
  node.cluster.tick('a', 20);
  assert.equal(node.raft.softState.role, 'pre-candidate');
  assert.ok(node.sent().some((message) => message.kind === 'vote-request' && message.to === b));
});

test('4.2.2 a voter whose removal is committed campaigns no more', () => {
  const node = createLoneNode(contentsWith(['a', 'b']));
  const removal = configurationAt(2, 2, membershipOf(['b']));
  node.hear(appendTo({ term: 2, prev: [1, 1], entries: [removal], commit: 2 }));
  node.cluster.tick('a', 100);
  assert.equal(node.raft.softState.role, 'follower');
});

test('3.4 a candidate follows the leader of its term, and heeds no second one', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.hear(heartbeatTo(2, 0, b));
  node.hear(heartbeatTo(2, 0, c));
  assert.equal(node.raft.softState.leader, b);
  assert.deepEqual(node.member.alarms, [{ kind: 'second-leader', node: c, term: term(2) }]);
});

test('3.4 time-outs are drawn anew each time, from one to two election time-outs', () => {
  const drawn: number[] = [];
  const node = createLoneNode(contentsWith(['a', 'b', 'c']), { electionTicks: 7 });
  for (let count = 0; count < 30; count += 1) {
    node.hear(heartbeatTo(2 + count));
    let ticks = 0;
    while (node.raft.softState.role === 'follower') {
      node.cluster.tick('a');
      ticks += 1;
    }
    drawn.push(ticks);
  }
  assert.equal(Math.min(...drawn), 7);
  assert.equal(Math.max(...drawn), 13);
});

test('6.4, 3.6.2 a new leader begins with a barrier of its term', () => {
  const node = createLoneNode(contentsWith(['a']));
  node.lead();
  const last = node.member.node.disk.written.entries.at(-1);
  assert.deepEqual([last?.kind, last?.term, last?.data.length], ['barrier', 2, 0]);
});

test('an acknowledgement of an earlier office does not count in the present one', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  node.lead();
  node.hear(acceptedBy(b, 1, 2));
  assert.equal(node.raft.commitIndex, 0);
});
