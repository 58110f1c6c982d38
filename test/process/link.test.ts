// Links and seams over real sockets: framing, batches, bounds, the end of the other side.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Link } from '#process/link.ts';
import { bytesCodec, jsonCodec, type Method, Seam, type SeamEvent } from '#process/seam.ts';

/** A connected pair of real sockets, destroyed after the test. */
const socketPair = async (t: TestContext): Promise<[Socket, Socket]> => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const left = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [right] = (await once(server, 'connection')) as [Socket];
  t.after(() => {
    left.destroy();
    right.destroy();
    server.close();
  });
  return [left, right];
};

interface Received {
  readonly kind: number;
  readonly request: number;
  readonly text: string;
}

const collectFrames = (
  socket: Socket,
  frameBytesMax: number,
): { frames: Received[]; closed: Promise<Error | undefined>; batches: () => number } => {
  const frames: Received[] = [];
  let batches = 0;
  const closed = new Promise<Error | undefined>((resolve) => {
    new Link(socket, {
      frameBytesMax,
      onFrame: ({ kind, request, payload }) => {
        frames.push({ kind, request, text: payload.toString() });
      },
      onBatchEnd: () => {
        batches += 1;
      },
      onClose: resolve,
    });
  });
  return { frames, closed, batches: () => batches };
};

const ignore = { frameBytesMax: 1024, onFrame: () => undefined, onClose: () => undefined };

test('frames sent in one turn arrive in order and leave in one write', async (t) => {
  const [left, right] = await socketPair(t);
  const { frames, closed } = collectFrames(right, 1024);
  let writes = 0;
  const link = new Link(
    {
      write: (bytes: Buffer) => {
        writes += 1;
        return left.write(bytes);
      },
      on: left.on.bind(left),
      destroy: () => left.destroy(),
    },
    ignore,
  );
  for (let request = 1; request <= 100; request++) {
    link.send(7, request, Buffer.from('a'), Buffer.from(String(request)));
  }
  await new Promise((resolve) => setImmediate(resolve));
  left.end();
  assert.equal(await closed, undefined);
  assert.equal(writes, 1);
  assert.equal(frames.length, 100);
  assert.deepEqual(frames[41], { kind: 7, request: 42, text: 'a42' });
});

test('a frame that arrives byte by byte is put together', async (t) => {
  const [left, right] = await socketPair(t);
  right.setNoDelay(true);
  left.setNoDelay(true);
  const { frames, closed } = collectFrames(right, 1024);
  const frame = Buffer.concat([Buffer.from([10, 0, 0, 0, 3, 9, 0, 0, 0]), Buffer.from('hello')]);
  for (const byte of frame) {
    await new Promise((resolve) => left.write(Buffer.from([byte]), resolve));
  }
  left.end();
  await closed;
  assert.deepEqual(frames, [{ kind: 3, request: 9, text: 'hello' }]);
});

test('a length above the cap ends the link before anything is read', async (t) => {
  const [left, right] = await socketPair(t);
  const { frames, closed } = collectFrames(right, 1024);
  left.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 1, 0, 0, 0]));
  assert.match(String((await closed)?.message), /4294967295 bytes is outside 5\.\.1024/);
  assert.equal(frames.length, 0);
});

test('a length below a header ends the link', async (t) => {
  const [left, right] = await socketPair(t);
  const { closed } = collectFrames(right, 1024);
  left.write(Buffer.from([4, 0, 0, 0, 1, 1, 0, 0, 0]));
  assert.match(String((await closed)?.message), /a frame of 4 bytes/);
});

const double: Method<{ n: number }, { n: number }> = {
  kind: 1,
  request: jsonCodec(),
  reply: jsonCodec(),
};
const never: Method<Uint8Array, Uint8Array> = { kind: 2, request: bytesCodec, reply: bytesCodec };
const news: SeamEvent<string> = { kind: 3, value: jsonCodec() };

const seamPair = async (t: TestContext): Promise<[Seam, Seam, Socket]> => {
  const [left, right] = await socketPair(t);
  const options = { frameBytesMax: 1024 * 1024, onClose: () => undefined };
  return [new Seam(left, options), new Seam(right, options), right];
};

test('calls are answered to whoever asked, in any order of answers', async (t) => {
  const [caller, server] = await seamPair(t);
  const waiting: (() => void)[] = [];
  server.serve(double, ({ n }, reply) => {
    waiting.push(() => reply({ n: n * 2 }));
    if (waiting.length === 3) for (const answer of waiting.reverse()) answer();
  });
  const answers = await Promise.all([1, 2, 3].map((n) => caller.ask(double, { n })));
  assert.deepEqual(answers, [{ n: 2 }, { n: 4 }, { n: 6 }]);
  assert.equal(caller.callsInFlight, 0);
});

test('events arrive without an answer', async (t) => {
  const [left, right] = await seamPair(t);
  const heard = new Promise<string>((resolve) => right.hear(news, resolve));
  left.notify(news, 'leader changed');
  assert.equal(await heard, 'leader changed');
});

test('a call whose other side dies ends once, as gone', async (t) => {
  const [caller, server, socket] = await seamPair(t);
  const arrived = new Promise<void>((resolve) => server.serve(never, () => resolve()));
  const ended: string[] = [];
  const gone = new Promise<void>((resolve) => {
    caller.call(never, Buffer.from('x'), ({ kind }) => {
      ended.push(kind);
      resolve();
    });
  });
  await arrived;
  socket.destroy();
  await gone;
  assert.deepEqual(ended, ['gone']);
  assert.equal(caller.closed, true);
  caller.call(never, Buffer.from('y'), ({ kind }) => ended.push(kind));
  assert.deepEqual(ended, ['gone', 'gone']);
});
