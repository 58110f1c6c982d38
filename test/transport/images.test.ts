// Images between nodes: sent on a connection of their own, no faster than they are taken, within
// bounds that hold against a peer that keeps to none (threat FRM-10).
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { nodeNameFrom } from '#identity/node-name.ts';
import { logIndex } from '#raft/log-index.ts';
import type { Snapshot } from '#raft/message.ts';
import { nodeId } from '#raft/node-id.ts';
import { term } from '#raft/term.ts';
import { imageChunkBytes, imageWindowBytes } from '#transport/bounds.ts';
import { frameKind, messageFrameKind } from '#transport/frame-kind.ts';
import {
  decodeImageProgress,
  encodeImageOffer,
  encodeImageProgress,
} from '#transport/image-codec.ts';
import { encodeMessage } from '#transport/message-codec.ts';
import type {
  ImageAnnouncement,
  ImageEnd,
  IncomingImage,
  TransportOptions,
} from '#transport/transport.ts';
import { type FakePeer, linkedAs } from './fake-peer.ts';
import { closeAll, connectAll, heartbeat, openNode, type TestNode, until } from './nodes.ts';

const announcementOf = (bytes: number): ImageAnnouncement => ({
  formatVersion: 1,
  senderTerm: 3,
  index: 100,
  term: 2,
  bytes,
  rawBytes: bytes,
  digest: 'ab'.repeat(32),
});

interface Receiver {
  readonly node: TestNode;
  readonly offers: ImageAnnouncement[];
  readonly chunks: Buffer[];
  readonly closed: string[];
  incoming: IncomingImage | undefined;
}

/** Accepts every image; acknowledges at once unless told not to. */
const openReceiver = async (
  t: TestContext,
  acknowledges = true,
  overrides: Partial<TransportOptions> = {},
): Promise<Receiver> => {
  const receiver: { -readonly [Key in keyof Receiver]: Receiver[Key] } = {
    node: await openNode('b', {
      onImage: (_from, image, incoming) => {
        receiver.offers.push(image);
        receiver.incoming = incoming;
        incoming.accept({
          onChunk: (chunk) => {
            receiver.chunks.push(chunk);
            if (acknowledges) incoming.acknowledge(chunk.length);
          },
          onClosed: (reason) => receiver.closed.push(reason),
        });
      },
      ...overrides,
    }),
    offers: [],
    chunks: [],
    closed: [],
    incoming: undefined,
  };
  t.after(() => closeAll([receiver.node]));
  return receiver;
};

interface Sending {
  readonly ends: ImageEnd[];
  readonly reads: number[];
  readonly giveUp: () => void;
}

const send = (from: TestNode, image: Buffer): Sending => {
  const ends: ImageEnd[] = [];
  const reads: number[] = [];
  const giveUp = from.transport.sendImage(nodeNameFrom('b'), {
    announcement: announcementOf(image.length),
    read: (position, bytes) => {
      reads.push(position);
      return Promise.resolve(image.subarray(position, position + bytes));
    },
    onEnd: (end) => ends.push(end),
  });
  return { ends, reads, giveUp };
};

const openSender = async (t: TestContext, receiver: Receiver): Promise<TestNode> => {
  const sender = await openNode('a');
  t.after(() => closeAll([sender]));
  await connectAll([sender, receiver.node]);
  return sender;
};

test('an image arrives byte for byte, and its end is told to both', async (t) => {
  const receiver = await openReceiver(t);
  const sender = await openSender(t, receiver);
  const image = randomBytes(5 * imageChunkBytes + 17);
  const { ends } = send(sender, image);
  await until('all bytes', () => Buffer.concat(receiver.chunks).length === image.length);
  assert.deepEqual(Buffer.concat(receiver.chunks), image);
  assert.deepEqual(receiver.offers, [announcementOf(image.length)]);
  assert.deepEqual(ends, []);
  receiver.incoming?.taken();
  await until('the end', () => ends.length > 0 && receiver.closed.length > 0);
  assert.deepEqual(ends, [{ kind: 'taken' }]);
});

test('heartbeats pass while an image is under way; a receiver that does not write stops it at the window', async (t) => {
  const receiver = await openReceiver(t, false);
  const sender = await openSender(t, receiver);
  const { ends, reads, giveUp } = send(sender, Buffer.alloc(8 * imageWindowBytes));
  const windowChunks = imageWindowBytes / imageChunkBytes;
  await until('the window is full', () => receiver.chunks.length === windowChunks);
  sender.transport.send([heartbeat('a', 'b', 7)]);
  await until('a heartbeat', () => receiver.node.messages.length > 0);
  assert.equal(reads.length, windowChunks);
  receiver.incoming?.acknowledge(imageChunkBytes);
  await until('one more', () => receiver.chunks.length === windowChunks + 1);
  assert.equal(reads.length, windowChunks + 1);
  giveUp();
  assert.deepEqual(ends, [{ kind: 'failed', reason: 'the image was given up' }]);
  await until('the receiver hears of it', () => receiver.closed.length === 1);
  assert.ok(receiver.node.transport.isUp(sender.name));
});

test('a refusal before or in the middle is told to the sender, once', async (t) => {
  let refuseAt = 0;
  const receiver = await openReceiver(t, true, {
    onImage: (_from, _image, incoming) => {
      let received = 0;
      if (refuseAt === 0) incoming.refuse('no room');
      else
        incoming.accept({
          onChunk: (chunk) => {
            received += chunk.length;
            incoming.acknowledge(chunk.length);
            if (received > refuseAt) incoming.refuse('the disk broke');
          },
          onClosed: () => undefined,
        });
    },
  });
  const sender = await openSender(t, receiver);
  const first = send(sender, Buffer.alloc(10));
  await until('a refusal', () => first.ends.length > 0);
  assert.deepEqual(first.ends, [{ kind: 'failed', reason: 'refused by the peer: no room' }]);
  refuseAt = imageWindowBytes;
  const second = send(sender, Buffer.alloc(10 * imageWindowBytes));
  await until('another', () => second.ends.length > 0);
  assert.deepEqual(second.ends, [
    { kind: 'failed', reason: 'refused by the peer: the disk broke' },
  ]);
});

test('an image for a node that nobody knows, or that is not there, fails', async (t) => {
  const receiver = await openReceiver(t);
  const sender = await openNode('a');
  t.after(() => closeAll([sender]));
  const unknown = send(sender, Buffer.alloc(10));
  assert.deepEqual(unknown.ends, []);
  await until('no address', () => unknown.ends.length > 0);
  await connectAll([sender, receiver.node]);
  await receiver.node.transport.close();
  const gone = send(sender, Buffer.alloc(10));
  await until('nobody listens', () => gone.ends.length > 0);
  assert.equal(gone.ends[0]?.kind, 'failed');
});

test('FRM-10 a second image of the same node during the first is refused, the first goes on', async (t) => {
  const receiver = await openReceiver(t, false);
  const sender = await openSender(t, receiver);
  const image = Buffer.alloc(2 * imageChunkBytes);
  const first = send(sender, image);
  await until('the first is accepted', () => receiver.chunks.length === 2);
  const second = send(sender, image);
  await until('the second is refused', () => second.ends.length > 0);
  assert.deepEqual(second.ends, [
    { kind: 'failed', reason: 'refused by the peer: another image of this node is under way' },
  ]);
  receiver.incoming?.taken();
  await until('the first ends', () => first.ends.length > 0);
  assert.deepEqual(first.ends, [{ kind: 'taken' }]);
});

const offerOf = (bytes: number): Buffer => encodeImageOffer(announcementOf(bytes));

const imagePeer = (receiver: Receiver): Promise<FakePeer> =>
  linkedAs('a', receiver.node, { connection: 'image' });

const hostile: Readonly<
  Record<string, { readonly reason: RegExp; readonly act: (peer: FakePeer) => void }>
> = {
  'more bytes than announced': {
    reason: /longer than announced/,
    act: (peer) => {
      peer.sendFrame(frameKind.imageOffer, offerOf(10));
      peer.sendFrame(frameKind.imageChunk, Buffer.alloc(11));
    },
  },
  'more than the window holds': {
    reason: /more than the window/,
    act: (peer) => {
      peer.sendFrame(frameKind.imageOffer, offerOf(100 * imageWindowBytes));
      for (let at = 0; at < 5; at++) {
        peer.sendFrame(frameKind.imageChunk, Buffer.alloc(imageChunkBytes));
      }
    },
  },
  'a chunk that is too large': {
    reason: /bytes of an image at once/,
    act: (peer) => {
      peer.sendFrame(frameKind.imageOffer, offerOf(imageWindowBytes));
      peer.sendFrame(frameKind.imageChunk, Buffer.alloc(imageChunkBytes + 1));
    },
  },
  'a frame beyond the cap': {
    reason: /outside/,
    act: (peer) => peer.sendFrame(frameKind.imageChunk, Buffer.alloc(imageChunkBytes + 2048)),
  },
  'an empty chunk': {
    reason: /0 bytes of an image/,
    act: (peer) => {
      peer.sendFrame(frameKind.imageOffer, offerOf(10));
      peer.sendFrame(frameKind.imageChunk, Buffer.alloc(0));
    },
  },
  'bytes before an offer': {
    reason: /bytes of no image/,
    act: (peer) => peer.sendFrame(frameKind.imageChunk, Buffer.alloc(1)),
  },
  'a second offer': {
    reason: /a second image/,
    act: (peer) => {
      peer.sendFrame(frameKind.imageOffer, offerOf(10));
      peer.sendFrame(frameKind.imageOffer, offerOf(10));
    },
  },
  'an offer of nothing': {
    reason: /an image of nothing/,
    act: (peer) => peer.sendFrame(frameKind.imageOffer, offerOf(0)),
  },
  'an offer with a short digest': {
    reason: /a digest of 3 bytes/,
    act: (peer) => {
      const offer = encodeImageOffer({ ...announcementOf(10), digest: 'abcdef' });
      peer.sendFrame(frameKind.imageOffer, offer);
    },
  },
  'progress instead of an offer': {
    reason: /frame kind 8/,
    act: (peer) =>
      peer.sendFrame(frameKind.imageProgress, encodeImageProgress({ received: 0, taken: true })),
  },
  'a Raft message': {
    reason: /frame kind 20/,
    act: (peer) => peer.sendFrame(messageFrameKind.heartbeat, encodeMessage(heartbeat('a', 'b'))),
  },
};

for (const [what, { reason, act }] of Object.entries(hostile)) {
  test(`FRM-10 ${what} on the connection of an image closes it`, async (t) => {
    const receiver = await openReceiver(t, false);
    const peer = await imagePeer(receiver);
    act(peer);
    await until('it is closed', () => peer.closed);
    assert.match(receiver.node.refused.join(), reason);
    const bytes = receiver.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    assert.ok(bytes <= imageWindowBytes, `${bytes} bytes were taken`);
    if (receiver.offers.length > 0) assert.equal(receiver.closed.length, 1);
  });
}

test('FRM-10 a snapshot message without an image is no message of any connection', async (t) => {
  const receiver = await openReceiver(t);
  const snapshot: Snapshot = {
    kind: 'snapshot',
    from: nodeId('a'),
    to: nodeId('b'),
    term: term(3),
    index: logIndex(100),
    indexTerm: term(3),
    membership: {
      voters: [nodeId('a')],
      votersOutgoing: [],
      learners: [],
      learnersNext: [],
      autoLeave: false,
    },
  };
  for (const connection of ['bulk', 'image'] as const) {
    const peer = await linkedAs('a', receiver.node, { connection });
    peer.sendFrame(messageFrameKind.snapshot, encodeMessage(snapshot));
    await until('it is closed', () => peer.closed);
  }
  assert.deepEqual(receiver.node.messages, []);
});

test('FRM-10 an image that never ends, and a connection without an offer, end at their time', async (t) => {
  let aheadMs = 0;
  const receiver = await openReceiver(t, true, {
    monotonicMs: () => performance.now() + aheadMs,
  });
  const endless = await imagePeer(receiver);
  endless.sendFrame(frameKind.imageOffer, offerOf(1024));
  await endless.frame(frameKind.imageProgress);
  // A byte and a sign of life now and then, faster than any silence is noticed.
  for (let sent = 0; sent < 40 && !endless.closed; sent++) {
    endless.sendFrame(frameKind.imageChunk, Buffer.alloc(1));
    await until('it arrived', () => receiver.chunks.length > sent || endless.closed);
    aheadMs += 3000;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  assert.ok(endless.closed);
  assert.match(receiver.node.refused.join(), /the image takes too long/);
  const silent = await imagePeer(receiver);
  for (let waited = 0; waited < 10 && !silent.closed; waited++) {
    silent.sendFrame(frameKind.alive, Buffer.alloc(0));
    aheadMs += 2000;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  assert.match(receiver.node.refused.join(), /no offer of an image in time/);
});

test('progress says how much is on the disk, and only that', async (t) => {
  const receiver = await openReceiver(t, false);
  const peer = await imagePeer(receiver);
  peer.sendFrame(frameKind.imageOffer, offerOf(1000));
  const accepted = await peer.frame(frameKind.imageProgress);
  const read = (payload: Buffer) => {
    const progress = decodeImageProgress(payload);
    return progress.kind === 'ok' ? progress.value : undefined;
  };
  assert.deepEqual(read(accepted.payload), { received: 0, taken: false });
  peer.sendFrame(frameKind.imageChunk, Buffer.alloc(600));
  await until('the chunk', () => receiver.chunks.length === 1);
  receiver.incoming?.acknowledge(600);
  const of = () => peer.frames.filter(({ kind }) => kind === frameKind.imageProgress);
  await until('progress', () => of().length === 2);
  assert.deepEqual(read(of()[1]?.payload ?? Buffer.alloc(0)), { received: 600, taken: false });
});
