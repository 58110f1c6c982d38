// Calls between nodes: each ends exactly once, by its reply, its deadline or the end of the link.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallReply, TransportOptions } from '#transport/transport.ts';
import { callTo, closeAll, openNode, type TestNode, until } from './nodes.ts';

type Reply = (payload: Uint8Array) => void;

/** Two connected nodes; calls to the second one wait in `asked` for the test to answer. */
const withPair = async (
  use: (n1: TestNode, n2: TestNode, asked: Reply[]) => Promise<void>,
  overrides: Partial<TransportOptions> = {},
): Promise<void> => {
  const asked: Reply[] = [];
  const onCall: TransportOptions['onCall'] = (_from, _method, _payload, reply) => {
    asked.push(reply);
  };
  const nodes = [await openNode('n1'), await openNode('n2', { onCall, ...overrides })] as const;
  try {
    // One side dials, so that there is one connection for calls and no choice between two.
    nodes[0].transport.setPeers(new Map([[nodes[1].name, nodes[1].address]]));
    await until('it is up', () => nodes[0].transport.isUp(nodes[1].name));
    await use(nodes[0], nodes[1], asked);
  } finally {
    await closeAll(nodes);
  }
};

test('a call tells the other side who asks what, and its reply may come later, out of order', async () => {
  const questions: unknown[] = [];
  const replies: Reply[] = [];
  const onCall: TransportOptions['onCall'] = (from, method, payload, reply) => {
    questions.push([from, method, payload.toString()]);
    replies.push(reply);
  };
  await withPair(
    async (n1, n2) => {
      const first = callTo(n1, n2.name, Buffer.from('a'));
      const second = callTo(n1, n2.name, Buffer.alloc(0));
      await until('both are asked', () => replies.length === 2);
      assert.deepEqual(questions, [
        ['n1', 7, 'a'],
        ['n1', 7, ''],
      ]);
      replies[1]?.(Buffer.from('second'));
      replies[0]?.(Buffer.alloc(0));
      assert.deepEqual(await first, { kind: 'reply', payload: Buffer.alloc(0) });
      assert.deepEqual(await second, { kind: 'reply', payload: Buffer.from('second') });
    },
    { onCall },
  );
});

test('a call without a reply ends at its deadline, and the late reply is passed over', () =>
  withPair(async (n1, n2, asked) => {
    const late = await callTo(n1, n2.name, Buffer.from('slow'), 30);
    assert.deepEqual(late, { kind: 'failed', reason: 'no reply in time', sent: true });
    asked[0]?.(Buffer.from('too late'));
    const next = callTo(n1, n2.name, Buffer.from('next'));
    await until('the next one is asked', () => asked.length === 2);
    asked[1]?.(Buffer.from('in time'));
    assert.deepEqual(await next, { kind: 'reply', payload: Buffer.from('in time') });
  }));

test('a call to a node that is killed fails as sent; to one without a link as not sent', () =>
  withPair(async (n1, n2, asked) => {
    const cut = callTo(n1, n2.name, Buffer.from('x'));
    await until('it is asked', () => asked.length === 1);
    await n2.transport.close();
    const failed = await cut;
    assert.ok(failed.kind === 'failed' && failed.sent);
    await until('the link is down', () => !n1.transport.isUp(n2.name));
    assert.deepEqual(await callTo(n1, n2.name, Buffer.from('x')), {
      kind: 'failed',
      reason: 'the peer is not connected',
      sent: false,
    });
  }));

test('a call in the very turn in which the transport closes ends too', () =>
  withPair(async (n1, n2) => {
    const cut = callTo(n1, n2.name, Buffer.from('x'));
    await n1.transport.close();
    assert.equal((await cut).kind, 'failed');
  }));

test('done is called once and never before call returned', () =>
  withPair(async (n1, n2) => {
    let returned = false;
    const seen: boolean[] = [];
    const stranger = n1.name;
    n1.transport.call(stranger, 1, Buffer.alloc(0), 10, () => seen.push(returned));
    n1.transport.call(n2.name, 1, Buffer.alloc(0), 10, () => seen.push(returned));
    returned = true;
    await until('both ended', () => seen.length === 2);
    await n1.transport.close();
    await n2.transport.close();
    assert.deepEqual(seen, [true, true]);
  }));

test('the payload of a call may be changed as soon as call returned', () =>
  withPair(async (n1, n2, asked) => {
    const payload = Buffer.from('before');
    const reply = callTo(n1, n2.name, payload);
    payload.fill('x');
    await until('it is asked', () => asked.length === 1);
    asked[0]?.(Buffer.from('ok'));
    await reply;
  }));

test('more open calls than the bound are refused without being sent; ended ones make room', () =>
  withPair(async (n1, n2, asked) => {
    const replies: CallReply[] = [];
    const ask = (): void => {
      n1.transport.call(n2.name, 1, Buffer.from('x'), 60_000, (reply) => replies.push(reply));
    };
    for (let count = 0; count < 4096; count++) ask();
    await until('all are asked', () => asked.length === 4096);
    ask();
    await until('one is refused', () => replies.length === 1);
    const refusal = { kind: 'failed', reason: 'too many calls are open', sent: false };
    assert.deepEqual(replies, [refusal]);
    asked[0]?.(Buffer.from('ok'));
    await until('one ended', () => replies.length === 2);
    ask();
    await until('one more is asked', () => asked.length === 4097);
  }));

test('what is larger than a frame is refused before it is sent, or told when it is a reply', () =>
  withPair(async (n1, n2, asked) => {
    const large = Buffer.alloc(16 * 1024 * 1024);
    assert.deepEqual(await callTo(n1, n2.name, large), {
      kind: 'failed',
      reason: 'the call is larger than a frame',
      sent: false,
    });
    const reply = callTo(n1, n2.name, Buffer.from('x'));
    await until('it is asked', () => asked.length === 1);
    asked[0]?.(large);
    assert.deepEqual(await reply, {
      kind: 'failed',
      reason: 'the reply is larger than a frame',
      sent: true,
    });
    const most = large.subarray(1024);
    const fits = callTo(n1, n2.name, most);
    await until('it is asked', () => asked.length === 2);
    asked[1]?.(most);
    const answer = await fits;
    assert.ok(answer.kind === 'reply' && answer.payload.equals(most));
  }));
