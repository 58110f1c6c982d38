// Nodes with a certificate that is in order and with words that are not: what they say counts for
// nothing, and they are cut off, told why where that is no secret.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { StoreId } from '#identity/store-id.ts';
import { encodeCall } from '#transport/call-codec.ts';
import { frameKind, messageFrameKind } from '#transport/frame-kind.ts';
import { frameOf } from '#transport/frame-link.ts';
import { decodeHello, encodeHello } from '#transport/hello-codec.ts';
import { encodeMessage } from '#transport/message-codec.ts';
import type { TransportOptions } from '#transport/transport.ts';
import { dialAs, type FakePeer, helloOf, linkedAs } from './fake-peer.ts';
import { append, heartbeat, materialOf, openNode, type TestNode, until } from './nodes.ts';

/** The read-index rounds of the heartbeats that a node heard. */
const heard = ({ messages }: TestNode): readonly number[] =>
  messages.flatMap((message) => (message.kind === 'heartbeat' ? [message.readContext] : []));

const withNode = async (
  use: (node: TestNode) => Promise<void>,
  overrides: Partial<TransportOptions> = {},
): Promise<void> => {
  const node = await openNode('n1', overrides);
  try {
    await use(node);
  } finally {
    await node.transport.close();
  }
};

/** The peer is cut off for `why`, and nothing of what it said was taken for a message. */
const cutOff = async (node: TestNode, peer: FakePeer, why: RegExp): Promise<void> => {
  await until('the close', () => peer.closed);
  assert.match(node.refused.join(), why);
  assert.deepEqual(node.messages, []);
};

test('a peer is greeted with our own hello and is heard', () =>
  withNode(async (node) => {
    const peer = await linkedAs('n2', node, { connection: 'heartbeat' });
    const hello = decodeHello((await peer.frame(frameKind.hello)).payload);
    assert.ok(hello.kind === 'ok');
    assert.equal(hello.value.name, 'n1');
    assert.equal(hello.value.connection, 'heartbeat');
    peer.sendFrame(messageFrameKind.heartbeat, encodeMessage(heartbeat('n2', 'n1')));
    await until('the message', () => node.messages.length === 1);
    assert.deepEqual(node.messages, [heartbeat('n2', 'n1')]);
  }));

const badHellos: readonly (readonly [string, Parameters<typeof helloOf>[1], RegExp])[] = [
  ['ID-09 of another cluster', { cluster: 'f'.repeat(32) as never }, /^other_cluster$/],
  ['ID-01 of another node', { name: 'n3' as never }, /^identity_mismatch$/],
  ['of a later protocol', { version: 2 }, /speaks version 2 of the protocol, this node 1/],
];

for (const [what, changes, reason] of badHellos) {
  test(`${what}: a hello like this is refused, with the reason`, () =>
    withNode(async (node) => {
      const peer = await dialAs('n2', node);
      peer.sendHello(changes);
      assert.match((await peer.reason()) ?? '', reason);
      await cutOff(node, peer, reason);
      assert.deepEqual(node.links, []);
    }));
}

test('a second node with our own name is refused', () =>
  withNode(async (node) => {
    const peer = await dialAs('n1', node);
    peer.sendHello();
    assert.equal(await peer.reason(), 'own_name');
  }));

test('a peer that is not admitted is told why; admission sees name, key pin, serial and disk', async () => {
  const seen: unknown[] = [];
  const admit: TransportOptions['admit'] = (peer) => {
    seen.push([peer.name, peer.keyPin.length, peer.serial.length > 0, peer.storeId]);
    return { kind: 'refused', reason: 'another disk than recorded' };
  };
  await withNode(
    async (node) => {
      const peer = await dialAs('n2', node);
      peer.sendHello({ storeId: 'd'.repeat(32) as StoreId });
      assert.equal(await peer.reason(), 'another disk than recorded');
      assert.deepEqual(seen, [['n2', 64, true, 'd'.repeat(32)]]);
    },
    { admit },
  );
});

test('FRM-01 a frame beyond the small cap before the hello closes the connection', () =>
  withNode(async (node) => {
    const peer = await dialAs('n2', node);
    const head = Buffer.alloc(4);
    head.writeUInt32LE(0xffff_ffff);
    peer.write(head);
    await cutOff(node, peer, /4294967295 bytes is outside 1\.\.4096/);
    const other = await dialAs('n2', node);
    other.sendFrame(frameKind.hello, Buffer.alloc(4096));
    await cutOff(node, other, /4097 bytes is outside/);
  }));

test('FRM-02 a frame beyond the cap closes a connection that is known', () =>
  withNode(async (node) => {
    const bulk = await linkedAs('n2', node, { connection: 'bulk' });
    const head = Buffer.alloc(4);
    head.writeUInt32LE(16 * 1024 * 1024 + 1);
    bulk.write(head);
    await cutOff(node, bulk, /16777217 bytes is outside/);
    const beat = await linkedAs('n2', node, { connection: 'heartbeat' });
    beat.sendFrame(messageFrameKind.heartbeat, Buffer.alloc(1024));
    await cutOff(node, beat, /1025 bytes is outside 1\.\.1024/);
  }));

test('FRM-03 a hello that comes byte by byte is a hello', () =>
  withNode(async (node) => {
    const peer = await dialAs('n2', node);
    for (const byte of frameOf(frameKind.hello, encodeHello(helloOf('n2')))) {
      peer.write(Buffer.of(byte));
    }
    await peer.frame(frameKind.hello);
  }));

test('FRM-05 anything but a hello first, a second hello and unknown kinds close the connection', () =>
  withNode(async (node) => {
    const first = await dialAs('n2', node);
    first.sendFrame(messageFrameKind.heartbeat, encodeMessage(heartbeat('n2', 'n1')));
    await cutOff(node, first, /frame kind 20 before the hello/);
    for (const kind of [0, frameKind.hello, 6, 15, 24, 255]) {
      const peer = await linkedAs('n2', node);
      peer.sendFrame(kind, Buffer.alloc(0));
      await cutOff(node, peer, new RegExp(`frame kind ${kind}`));
    }
  }));

test('FRM-05 FRM-07 a broken message closes the connection, and what came with it is not heard', () =>
  withNode(async (node) => {
    const peer = await linkedAs('n2', node, { connection: 'heartbeat' });
    const good = encodeMessage(heartbeat('n2', 'n1'));
    peer.write(
      Buffer.concat([
        frameOf(messageFrameKind.heartbeat, good),
        frameOf(messageFrameKind.heartbeat, good.subarray(0, 5)),
      ]),
    );
    await cutOff(node, peer, /ends in the middle of a field/);
  }));

test('ID-01 a node that speaks for another one, or to another one, is cut off', () =>
  withNode(async (node) => {
    for (const message of [heartbeat('n3', 'n1'), heartbeat('n2', 'n3')]) {
      const peer = await linkedAs('n2', node, { connection: 'heartbeat' });
      peer.sendFrame(messageFrameKind.heartbeat, encodeMessage(message));
      assert.equal(await peer.reason(), 'identity_mismatch');
      await cutOff(node, peer, /identity_mismatch/);
    }
  }));

test('messages and calls on the wrong kind of connection close it', () =>
  withNode(async (node) => {
    const beat = await linkedAs('n2', node, { connection: 'heartbeat' });
    beat.sendFrame(messageFrameKind.append, encodeMessage(append('n2', 'n1', Buffer.from('x'))));
    await cutOff(node, beat, /append on a connection for heartbeat/);
    const bulk = await linkedAs('n2', node, { connection: 'bulk' });
    bulk.sendFrame(messageFrameKind.heartbeat, encodeMessage(heartbeat('n2', 'n1')));
    await cutOff(node, bulk, /heartbeat on a connection for bulk/);
    const asking = await linkedAs('n2', node, { connection: 'heartbeat' });
    asking.sendFrame(frameKind.call, encodeCall(1, 1, Buffer.from('x')));
    await cutOff(node, asking, /a call on a heartbeat connection/);
  }));

test('TLS-29 a frame that is cut off by the end of the connection is not heard', () =>
  withNode(async (node) => {
    const peer = await linkedAs('n2', node, { connection: 'heartbeat' });
    const frame = frameOf(messageFrameKind.heartbeat, encodeMessage(heartbeat('n2', 'n1')));
    await new Promise<void>((resolve) => {
      peer.socket.write(frame.subarray(0, -1), () => resolve());
    });
    peer.socket.destroy();
    await until(
      'node sees the end',
      () => node.transport.silentMs(helloOf('n2').name) === Infinity,
    );
    assert.deepEqual(node.messages, []);
  }));

test('ID-03 of two connections of one node and kind only the newest lives', () =>
  withNode(async (node) => {
    const older = await linkedAs('n2', node, { connection: 'heartbeat' });
    const bulk = await linkedAs('n2', node, { connection: 'bulk' });
    const newer = await linkedAs('n2', node, { connection: 'heartbeat' });
    await until('the older one is closed', () => older.closed);
    newer.sendFrame(messageFrameKind.heartbeat, encodeMessage(heartbeat('n2', 'n1')));
    await until('the newer one is heard', () => node.messages.length === 1);
    assert.deepEqual([newer.closed, bulk.closed], [false, false]);
  }));

test('ID-03 a second run of a node takes the place of the first, and both are told', () =>
  withNode(async (node) => {
    const first = await linkedAs('n2', node, { connection: 'heartbeat' });
    const second = await linkedAs('n2', node, { connection: 'heartbeat', boot: 'cd'.repeat(16) });
    assert.equal(await first.reason(), 'another run of this node took its place');
    assert.deepEqual(node.refused, ['another run of this node took its place']);
    assert.equal(second.closed, false);
  }));

test('ID-03 what a former connection, or a former run, still brings is not heard beside the newer one', () =>
  withNode(async (node) => {
    const beat = (readContext: number) => ({ ...heartbeat('n2', 'n1'), readContext });
    const say = (peer: FakePeer, readContext: number): Promise<void> => {
      const frame = frameOf(messageFrameKind.heartbeat, encodeMessage(beat(readContext)));
      return new Promise((resolve) => peer.socket.write(frame, () => resolve()));
    };
    const first = await linkedAs('n2', node, { connection: 'heartbeat' });
    const second = await linkedAs('n2', node, { connection: 'heartbeat' });
    await say(first, 1);
    await say(second, 2);
    const third = await linkedAs('n2', node, { connection: 'heartbeat', boot: 'cd'.repeat(16) });
    for (const [readContext, peer] of [first, second].entries()) await say(peer, 3 + readContext);
    await say(third, 5);
    await say(third, 6);
    await until('it is heard again', () => heard(node).at(-1) === 6);
    assert.deepEqual(
      heard(node).filter((readContext) => readContext !== 2),
      [5, 6],
    );
  }));

test('DOS-06 one address gets so many connections in a second, and more in the next', async () => {
  let nowMs = 0;
  await withNode(
    async (node) => {
      const knock = async (): Promise<void> => {
        const socket = connect(node.transport.port, '127.0.0.1');
        socket.on('error', () => undefined);
        await new Promise((resolve) => {
          socket.on('close', resolve);
          socket.end('no TLS');
        });
      };
      for (let count = 0; count < 103; count++) await knock();
      await until('all are told', () => node.refused.length === 103);
      const tooFast = node.refused.filter((reason) => reason.includes('in one second'));
      assert.equal(tooFast.length, 3);
      nowMs = 1000;
      await linkedAs('n2', node);
    },
    { monotonicMs: () => nowMs },
  );
});

test('DOS-05 one address gets so many connections before it says who it is; known peers stay', () =>
  withNode(async (node) => {
    const known = await linkedAs('n2', node, { connection: 'heartbeat' });
    const material = materialOf('n3');
    const strangers = await Promise.all(
      Array.from({ length: 70 }, () => dialAs('n3', node, {}, material)),
    );
    await until('those beyond 64 are closed', () => node.refused.length === 6);
    assert.equal(strangers.filter(({ closed }) => closed).length, 6);
    assert.match(node.refused[0] ?? '', /too many connections/);
    known.sendFrame(messageFrameKind.heartbeat, encodeMessage(heartbeat('n2', 'n1')));
    await until('the known peer is heard', () => node.messages.length === 1);
    for (const { socket } of strangers) socket.destroy();
    await until('their places are free again', () => strangers.every(({ closed }) => closed));
    const late = await linkedAs('n3', node);
    assert.equal(late.closed, false);
  }));

test('FRM-04 a frame that is never completed closes the connection', () =>
  withNode(
    async (node) => {
      const peer = await linkedAs('n2', node);
      const head = Buffer.alloc(4);
      head.writeUInt32LE(1_000_000);
      peer.write(head);
      // It is not silent: a byte now and then, for ever.
      const drip = setInterval(() => peer.write(Buffer.of(0)), 5);
      try {
        await cutOff(node, peer, /not completed in time/);
      } finally {
        clearInterval(drip);
      }
    },
    { monotonicMs: () => performance.now() * 100 },
  ));

test('a peer that falls silent is cut off; until then it is told that we live', () =>
  withNode(
    async (node) => {
      const peer = await linkedAs('n2', node);
      await peer.frame(frameKind.alive);
      assert.equal(peer.closed, false);
      await until('the close', () => peer.closed);
      assert.deepEqual(node.refused, []);
    },
    { monotonicMs: () => performance.now() * 5 },
  ));

test('a process that stood still does not take for silence what it has only not read yet', async () => {
  let aheadMs = 0;
  await withNode(
    async (node) => {
      const peer = await linkedAs('n2', node, { connection: 'heartbeat' });
      // Behind this, timers come before sockets; the stall is longer than the interval at which
      // timeouts are looked at, so that its timer is due first.
      await new Promise((resolve) => setImmediate(resolve));
      peer.sendFrame(messageFrameKind.heartbeat, encodeMessage(heartbeat('n2', 'n1')));
      const endMs = performance.now() + 400;
      while (performance.now() < endMs);
      aheadMs = 60_000;
      await until('it is heard', () => node.messages.length === 1);
      assert.equal(peer.closed, false);
    },
    { monotonicMs: () => performance.now() + aheadMs },
  );
});
