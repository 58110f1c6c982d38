// Where two rules meet, and where numbers end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageNumberMax } from '#raft/bounds.ts';
import { logIndex } from '#raft/log-index.ts';
import type { MembershipChange } from '#raft/membership.ts';
import type { Message } from '#raft/message.ts';
import { nodeId } from '#raft/node-id.ts';
import { term } from '#raft/term.ts';
import { command } from './cluster.ts';
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
  voteRequestTo,
} from './lone-node.ts';

const d = nodeId('d');
const e = nodeId('e');

const leaderOf = (voters: readonly string[], learners: readonly string[] = []): LoneNode => {
  const node = createLoneNode(contentsWith(voters, [], learners));
  node.lead();
  for (const from of [b, c]) for (const match of [1, 2]) node.hear(acceptedBy(from, 2, match));
  node.sent();
  return node;
};

const change = (node: LoneNode, ...changes: readonly MembershipChange[]): void => {
  const proposed = node.raft.proposeConfiguration(changes, new Uint8Array(0));
  assert.equal(proposed.kind, 'accepted');
  node.cluster.settle('a');
};

const heartbeatAnswer = (from: typeof b, readContext: number, inTerm = 2): Message => ({
  kind: 'heartbeat-reply',
  from,
  to: a,
  term: term(inTerm),
  readContext,
});

test('the last term that a message can name is followed, voted in and written in, and never left', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  const asked = { term: messageNumberMax, last: [1, 1] as const };
  const [vote] = node.hear(voteRequestTo(asked));
  assert.ok(vote?.kind === 'vote-reply' && vote.granted && vote.term === messageNumberMax);
  const entries = entriesOf(2, messageNumberMax);
  const [reply] = node.hear(appendTo({ term: messageNumberMax, prev: [1, 1], entries }));
  assert.ok(reply?.kind === 'append-reply' && reply.accepted);
  node.cluster.restart('a');
  assert.equal(node.raft.softState.term, messageNumberMax);
  node.cluster.tick('a', 100);
  assert.deepEqual([node.raft.softState.role, node.sent()], ['follower', []], 'no term follows');
  for (const beyond of [messageNumberMax + 1, Number.MAX_SAFE_INTEGER]) {
    assert.deepEqual(node.hear(heartbeatTo(beyond)), []);
    assert.deepEqual(node.hear(voteRequestTo({ ...asked, term: beyond })), []);
  }
  assert.equal(node.raft.softState.term, messageNumberMax);
});

test('terms that are 2^32 apart are terms like any other', () => {
  const node = createLoneNode(contentsWith(['a', 'b', 'c']));
  const epoch = 2 ** 32;
  const entries = entriesOf(2, 1, epoch, 3 * epoch, 3 * epoch + 1);
  node.hear(appendTo({ term: 3 * epoch + 1, prev: [1, 1], entries }));
  node.cluster.restart('a');
  const [hint] = node.hear(appendTo({ term: 9 * epoch, prev: [5, 2 * epoch] }));
  assert.ok(hint?.kind === 'append-reply' && !hint.accepted);
  assert.deepEqual([hint.hintIndex, hint.hintTerm], [3, epoch]);
});

test('4.2.1, 5 a learner that is promoted while its image is on its way counts when it has the rest', () => {
  const node = leaderOf(['a', 'b'], ['d']);
  node.raft.propose(command('x'));
  node.cluster.settle('a');
  node.hear(acceptedBy(b, 2, 3));
  node.member.node.trim(logIndex(3));
  node.hear({
    kind: 'append-reply',
    from: d,
    to: a,
    term: term(2),
    accepted: false,
    rejectedIndex: logIndex(1),
    hintIndex: logIndex(0),
    hintTerm: term(0),
    lastIndex: logIndex(0),
  });
  assert.ok(node.raft.followers.some(({ node: name, needsImage }) => name === d && needsImage));
  change(node, { kind: 'add-voter', node: d });
  assert.deepEqual(
    node.sent().filter(({ to, kind }) => to === d && kind === 'append'),
    [],
    'nothing but the image is sent',
  );
  node.hear(acceptedBy(b, 2, 4));
  assert.equal(node.raft.commitIndex, 4, 'two of three');
  node.raft.propose(command('y'));
  node.cluster.settle('a');
  assert.equal(node.raft.commitIndex, 4);
  node.raft.reportSnapshot(d, true);
  const sent = node.hear(acceptedBy(d, 2, 3));
  assert.ok(sent.some(({ to, kind }) => to === d && kind === 'append'));
  node.hear(acceptedBy(d, 2, 5));
  assert.equal(node.raft.commitIndex, 5, 'a and d');
});

test('4.3, 3.10 a joint configuration is left in the middle of a transfer, and its target is told first', () => {
  const node = leaderOf(['a', 'b', 'c']);
  change(node, ...[d, e].map((name) => ({ kind: 'add-voter', node: name }) as const), {
    kind: 'remove',
    node: c,
  });
  assert.equal(node.raft.transferLeadership(b), undefined);
  const sent = [d, e, b].flatMap((from) => node.hear(acceptedBy(from, 2, 3)));
  assert.deepEqual(node.raft.membership.votersOutgoing, [], 'it was left');
  assert.ok(sent.every(({ kind }) => kind !== 'timeout-now'));
  assert.ok(node.hear(acceptedBy(b, 2, 4)).some(({ kind }) => kind === 'timeout-now'));
});

test('4.2.2, 3.10 a removed leader that hands over already asks nobody else to campaign', () => {
  const asked = (...acknowledge: readonly (typeof b)[]): readonly string[] => {
    const node = leaderOf(['a', 'b', 'c']);
    change(node, { kind: 'remove', node: a });
    assert.equal(node.raft.transferLeadership(c), undefined);
    const sent = acknowledge.flatMap((from) => node.hear(acceptedBy(from, 2, 3)));
    assert.equal(node.raft.softState.role, 'follower');
    return sent.flatMap(({ kind, to }) => (kind === 'timeout-now' ? [to] : []));
  };
  assert.deepEqual(asked(c, b), ['c'], 'it was asked before the removal was committed');
  assert.deepEqual(asked(b, c), ['c'], 'it is asked when it is');
});

test('6.4 an answer to a round of an earlier office does not confirm one of the present', () => {
  const node = leaderOf(['a', 'b', 'c']);
  node.raft.readIndex(1);
  node.cluster.settle('a');
  node.hear(heartbeatTo(3, 0, c));
  node.lead();
  node.hear(acceptedBy(b, 4, node.raft.lastIndex));
  assert.equal(node.raft.readIndex(2), undefined);
  node.cluster.settle('a');
  node.hear(heartbeatAnswer(b, 1, 2));
  const read = (): readonly number[] =>
    node.member.readStates.flatMap(({ context, refused }) => (refused ? [] : [context]));
  assert.deepEqual(read(), []);
  node.hear(heartbeatAnswer(b, 1, 4));
  assert.deepEqual(read(), [2]);
});
