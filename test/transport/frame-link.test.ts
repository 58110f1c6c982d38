// The framing by itself, over a stream that hands on exactly the chunks that a test decides.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameLink, frameOf } from '#transport/frame-link.ts';

/** A link whose incoming chunks and outgoing writes are in the test's hands. */
const linkWith = (frameBytesMax: number) => {
  let receive: (chunk: Buffer) => void = () => assert.fail('nobody listens');
  const written: Buffer[] = [];
  const events: string[] = [];
  const link = new FrameLink(
    {
      writableLength: 0,
      write: (bytes) => written.push(bytes) > 0,
      on: (_event, listener) => {
        receive = listener;
      },
    },
    {
      frameBytesMax,
      onFrame: (kind, payload) => events.push(`${kind} ${payload.toString()}`) > 0,
      onChunkEnd: () => events.push('end'),
      onBroken: (why) => events.push(why),
      monotonicMs: () => 1000,
    },
  );
  return { link, written, events, receive: (chunk: Buffer) => receive(chunk) };
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('everything sent in one turn of the loop leaves in one write', async () => {
  const { link, written } = linkWith(100);
  link.send(1, Buffer.from('a'));
  link.send(2, Buffer.from('bc'));
  assert.equal(link.unsentBytes, 13);
  await turn();
  const both = Buffer.concat([frameOf(1, Buffer.from('a')), frameOf(2, Buffer.from('bc'))]);
  assert.deepEqual(written, [both]);
  assert.equal(link.unsentBytes, 0);
  link.send(3, Buffer.alloc(0));
  await turn();
  assert.deepEqual(written[1], Buffer.from([1, 0, 0, 0, 3]));
});

test('FRM-03 frames arrive whole however the bytes are cut, and in batches as they came', () => {
  const bytes = Buffer.concat(['', 'x', 'yz'].map((text, at) => frameOf(at, Buffer.from(text))));
  const { events, receive } = linkWith(100);
  receive(bytes);
  assert.deepEqual(events, ['0 ', '1 x', '2 yz', 'end']);
  for (let size = 1; size < bytes.length; size++) {
    const cut = linkWith(100);
    for (let at = 0; at < bytes.length; at += size) cut.receive(bytes.subarray(at, at + size));
    const frames = cut.events.filter((event) => event !== 'end');
    assert.deepEqual(frames, ['0 ', '1 x', '2 yz'], `${size} bytes at a time`);
  }
});

test('FRM-01 FRM-02 a length outside the cap is told at once, before any of the frame is kept', () => {
  for (const length of [0xffff_ffff, 0x8000_0000, 101, 0]) {
    const { events, receive } = linkWith(100);
    const head = Buffer.alloc(4);
    head.writeUInt32LE(length);
    receive(head);
    assert.deepEqual(events, [`a frame of ${length} bytes is outside 1..100`]);
  }
  const { link, events, receive } = linkWith(100);
  link.raiseCap(200);
  receive(frameOf(1, Buffer.alloc(199, 'a')));
  assert.equal(events.length, 2);
});

test('a frame that is not complete is seen since its first byte, a complete one is not', () => {
  const { link, receive } = linkWith(100);
  assert.equal(link.partialSinceMs, undefined);
  const frame = frameOf(1, Buffer.from('abc'));
  receive(frame.subarray(0, 2));
  assert.equal(link.partialSinceMs, 1000);
  receive(frame.subarray(2));
  assert.equal(link.partialSinceMs, undefined);
});

test('a link that was stopped neither reads nor writes', async () => {
  const { link, written, events, receive } = linkWith(100);
  link.send(1, Buffer.from('a'));
  link.stop();
  await turn();
  receive(frameOf(1, Buffer.from('a')));
  link.send(1, Buffer.from('a'));
  await turn();
  assert.deepEqual({ written, events }, { written: [], events: [] });
});
