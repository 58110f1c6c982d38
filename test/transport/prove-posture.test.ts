// A node that knocks at its own port notices a port that lets strangers in, whichever way.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  type AddressInfo,
  connect,
  createServer as createPlainServer,
  type Server,
} from 'node:net';
import { test } from 'node:test';
import { createServer, type TlsOptions } from 'node:tls';
import { nodeNameFrom } from '#identity/node-name.ts';
import { peerServerOptions } from '#tls/tls-options.ts';
import { OwnKnocks } from '#transport/own-knocks.ts';
import { type Probed, provePosture } from '#transport/prove-posture.ts';
import { cluster, materialOf, openNode, until } from './nodes.ts';

const material = materialOf('n1');

const prove = (
  port: number,
  refusalTimeoutMs?: number,
  knocks = new OwnKnocks(),
): Promise<readonly Probed[]> =>
  provePosture({
    host: '127.0.0.1',
    port,
    cluster,
    self: nodeNameFrom('n1'),
    material,
    nowMs: Date.now(),
    knocks,
    ...(refusalTimeoutMs === undefined ? {} : { refusalTimeoutMs }),
  });

const notRefused = (probed: readonly Probed[]): readonly string[] =>
  probed.filter(({ outcome }) => outcome !== 'refused').map(({ probe }) => probe);

test('our own port refuses every stranger', async () => {
  const node = await openNode('n1');
  try {
    const probed = await prove(node.transport.port);
    assert.deepEqual(probed, [
      { probe: 'plain-tcp', outcome: 'refused' },
      { probe: 'no-certificate', outcome: 'refused' },
      { probe: 'foreign-certificate', outcome: 'refused' },
      { probe: 'tls-1.2', outcome: 'refused' },
    ]);
    assert.equal(node.refused.length, 4);
  } finally {
    await node.transport.close();
  }
});

test('TLS-07 the port tells whose refusals were of these knocks; a stranger at the same time is told as one', async () => {
  const knocks = new OwnKnocks();
  const strangers: string[] = [];
  const node = await openNode('n1', {
    onRefused: (from, reason) => {
      if (!knocks.isRefusalOf(from)) strangers.push(`${from} ${reason}`);
    },
  });
  try {
    const { port } = node.transport;
    const stranger = connect(port, '127.0.0.1');
    stranger.on('error', () => undefined);
    await once(stranger, 'connect');
    const from = `${stranger.localAddress}:${stranger.localPort}`;
    stranger.write('GET / HTTP/1.1\r\n\r\n');
    const probed = await prove(port, undefined, knocks);
    await knocks.heard();
    await until('the stranger is told', () => strangers.length > 0);
    assert.deepEqual(notRefused(probed), []);
    assert.equal(strangers.length, 1, strangers.join());
    assert.ok(strangers[0]?.startsWith(from), 'with its address');
    assert.equal(knocks.isRefusalOf(from), false, 'nobody is excused afterwards');
  } finally {
    await node.transport.close();
  }
});

const withServer = async (server: Server, use: (port: number) => Promise<void>): Promise<void> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use((server.address() as AddressInfo).port);
  } finally {
    server.close();
  }
};

/** A peer port with weakened options that answers whoever it lets in. */
const weak = (changes: TlsOptions): Server => {
  const server = createServer({ ...peerServerOptions(material), ...changes }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => socket.write(bytes));
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
};

test('a port that asks for no certificate is found out', () =>
  withServer(weak({ requestCert: false }), async (port) => {
    assert.deepEqual(notRefused(await prove(port)), ['no-certificate', 'foreign-certificate']);
  }));

test('a port that takes any certificate is found out', () =>
  withServer(weak({ rejectUnauthorized: false }), async (port) => {
    assert.deepEqual(notRefused(await prove(port)), ['no-certificate', 'foreign-certificate']);
  }));

test('a port whose context was replaced by one without a minimum version is found out', () =>
  withServer(weak({ minVersion: 'TLSv1.2', ciphers: undefined }), async (port) => {
    assert.deepEqual(notRefused(await prove(port)), ['tls-1.2']);
  }));

test('a port without TLS is found out, and so is one that says nothing', async () => {
  const echo = createPlainServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => socket.write(bytes));
  });
  await withServer(echo, async (port) => {
    assert.deepEqual(notRefused(await prove(port)), ['plain-tcp']);
  });
  const silent = createPlainServer((socket) => socket.on('error', () => undefined));
  await withServer(silent, async (port) => {
    assert.equal(notRefused(await prove(port, 100)).length, 4);
  });
});

test('a port that is slow to refuse is asked again, and not taken for one that lets strangers in', async () => {
  let held = 4;
  const slow = createPlainServer((socket) => {
    socket.on('error', () => undefined);
    // As on a machine without CPU: the first ones are refused long after anybody waits for it.
    if (held > 0) held -= 1;
    else socket.destroy();
  });
  await withServer(slow, async (port) => {
    assert.deepEqual(notRefused(await prove(port, 300)), []);
  });
  assert.equal(held, 0);
});

test('a port that nobody listens on is unreachable, which is not a refusal', async () => {
  const node = await openNode('n1');
  const { port } = node.transport;
  await node.transport.close();
  const outcomes = (await prove(port)).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, ['unreachable', 'unreachable', 'unreachable', 'unreachable']);
});
