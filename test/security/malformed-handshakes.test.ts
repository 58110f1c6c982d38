// Handshakes that no TLS stack sends: a recorded ClientHello, changed by a seeded mutator, and
// records and messages out of order. Nothing of ours parses TLS, so what is to be shown is that a
// refusal costs one connection, that nobody gets in, and that the port goes on. The outside run of
// tlsfuzzer is in docs/security.
import assert from 'node:assert/strict';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { connect as connectSecure } from 'node:tls';
import { type Random, seededRandom } from '#io/random.ts';
import { peerDialOptions } from '#tls/tls-options.ts';
import { openTestFront } from '../http/test-front.ts';
import { closeAll, connectAll, materialOf, openNode } from '../transport/nodes.ts';

const seed = 20_261_125;
const mutantsOfHello = 300;

/** The bytes that a client of ours sends first. */
const recordedHello = (): Promise<Buffer> =>
  new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.once('data', (bytes) => {
        socket.destroy();
        server.close();
        resolve(bytes);
      });
    });
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      const options = { ...peerDialOptions(materialOf('n2')), host: '127.0.0.1', port };
      connectSecure(options).on('error', () => undefined);
    });
  });

const record = (type: number, body: Buffer, length = body.length): Buffer =>
  Buffer.concat([Buffer.from([type, 3, 3, (length >> 8) & 255, length & 255]), body]);

/** A handshake message with a length that may lie. */
const message = (type: number, body: Buffer, length = body.length): Buffer =>
  Buffer.concat([Buffer.from([type, length >> 16, (length >> 8) & 255, length & 255]), body]);

/** RFC 8446, 4 and 5.1. */
const handshake = 22;
const changeCipherSpec = 20;
const alert = 21;
const applicationData = 23;

/** Shapes by hand: order, lengths, kinds. */
const shapesOf = (hello: Buffer): readonly Buffer[] => {
  const body = hello.subarray(5);
  const typesOfMessages = [0, 1, 2, 4, 5, 8, 11, 13, 15, 20, 24, 254, 255];
  return [
    ...typesOfMessages.map((type) => record(handshake, message(type, Buffer.alloc(32, 7)))),
    ...[0, changeCipherSpec, alert, applicationData, 24, 255].map((type) => record(type, body)),
    Buffer.concat([hello, hello]),
    Buffer.concat([record(changeCipherSpec, Buffer.from([1])), hello]),
    Buffer.concat([hello, record(applicationData, Buffer.alloc(64, 1))]),
    Buffer.concat([hello, record(handshake, message(20, Buffer.alloc(48)))]),
    Buffer.concat([hello, record(handshake, message(11, Buffer.alloc(4)))]),
    record(handshake, Buffer.alloc(0)),
    Buffer.concat(Array.from({ length: 200 }, () => record(handshake, Buffer.alloc(0)))),
    Buffer.concat(Array.from({ length: 200 }, () => record(alert, Buffer.from([1, 90])))),
    Buffer.concat([...body].map((byte) => record(handshake, Buffer.from([byte])))),
    record(handshake, Buffer.alloc(16_385, 1)),
    record(handshake, message(1, Buffer.alloc(16_000), 0xffffff)),
    Buffer.concat(
      Array.from({ length: 30 }, (_none, at) =>
        record(
          handshake,
          at === 0 ? message(1, Buffer.alloc(16_000), 480_000) : Buffer.alloc(16_000),
        ),
      ),
    ),
    record(handshake, body, 65_535),
    record(handshake, body, body.length - 1),
    record(handshake, body, 1),
    hello.subarray(0, 4),
    hello.subarray(0, 9),
  ];
};

/** One change, or a few: a byte, a length, a cut, a piece twice, a piece gone. */
const mutantOf = (hello: Buffer, random: Random): Buffer => {
  let bytes = Buffer.from(hello);
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    const at = random.below(bytes.length);
    const piece = bytes.subarray(at, at + 1 + random.below(40));
    switch (random.below(5)) {
      case 0:
        bytes[at] = random.below(256);
        break;
      case 1:
        bytes[at] = random.below(2) === 0 ? 0 : 255;
        break;
      case 2:
        bytes = bytes.subarray(0, Math.max(1, at));
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
        break;
      default:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + piece.length)]);
        if (bytes.length === 0) bytes = Buffer.from([handshake]);
    }
  }
  return bytes;
};

/** Sends bytes, says that no more come, and gives what the port said until it hung up. */
const said = (port: number, bytes: Buffer, from: string): Promise<Buffer> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from });
    const heard: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => heard.push(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(Buffer.concat(heard)));
    socket.end(bytes);
  });

/** Kinds of the records in an answer, as far as they are whole. */
const kindsIn = (bytes: Buffer): readonly number[] => {
  const kinds: number[] = [];
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) {
    kinds.push(bytes[at] ?? 0);
  }
  return kinds;
};

/** What a port may say before it knows somebody: its side of a handshake, or an alert. */
const sayable = [changeCipherSpec, alert, handshake, applicationData];

const attack = async (port: number): Promise<number> => {
  const hello = await recordedHello();
  const random = seededRandom(seed);
  const cases = [
    ...shapesOf(hello),
    ...Array.from({ length: mutantsOfHello }, () => mutantOf(hello, random)),
  ];
  const abreast = 20;
  for (let at = 0; at < cases.length; at += abreast) {
    const batch = cases.slice(at, at + abreast).map(async (bytes, count) => {
      const answer = await said(port, bytes, `127.8.0.${count + 1}`);
      const kinds = kindsIn(answer);
      const odd = kinds.filter((kind) => !sayable.includes(kind));
      assert.deepEqual(odd, [], `case ${at + count} of seed ${seed}: ${bytes.toString('hex')}`);
      assert.ok(answer.length < 8192, `case ${at + count}: a handshake at most`);
    });
    await Promise.all(batch);
  }
  return cases.length;
};

test('TLS-30 the peer port refuses malformed handshakes by the hundreds, lets nobody in and goes on', async (t) => {
  // The clock of its limits runs fast, so that they refuse none of these: TLS is to do it.
  const monotonicMs = (): number => performance.now() * 100;
  const nodes = [await openNode('n1', { monotonicMs }), await openNode('n2')] as const;
  const [n1] = nodes;
  try {
    const before = process.memoryUsage().rss;
    const cases = await attack(n1.transport.port);
    const grown = process.memoryUsage().rss - before;
    t.diagnostic(`${cases} cases, ${Math.round(grown / 1024)} KiB more resident`);
    assert.deepEqual(n1.links, []);
    assert.deepEqual(n1.messages, []);
    assert.equal(n1.refused.length, cases, 'each was told');
    assert.deepEqual(
      n1.refused.filter((reason) => reason.startsWith('too many')),
      [],
    );
    assert.ok(grown < 64 * 1024 * 1024, `${grown} bytes for ${cases} refusals`);
    await connectAll(nodes);
  } finally {
    await closeAll(nodes);
  }
});

test('TLS-30 the API refuses malformed handshakes by the hundreds and goes on', async (t) => {
  const front = await openTestFront(t);
  await attack(front.port);
  assert.equal((await front.send('GET', '/whoami', { user: 'admin' })).status, 200);
  assert.deepEqual(front.faults, []);
});
