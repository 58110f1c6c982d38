// The join listener against strangers: what it takes before it knows anybody, and what it never
// answers.
import assert from 'node:assert/strict';
import { type AddressInfo, connect as connectPlain, createServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { createAuthority } from '#certs-tool/authority.ts';
import { issueNode } from '#certs-tool/issue.ts';
import { newKeyPair } from '#certs-tool/key-pair.ts';
import { joinRequestBytesMax } from '#cluster/bounds.ts';
import { type JoinListener, openJoinListener } from '#cluster/join-listener.ts';
import { decodeOffer, joinFrame } from '#cluster/join-messages.ts';
import { requireReachable, showProbe } from '#cluster/reach-back.ts';
import { CodedError } from '#errors.ts';
import { clusterIdFrom } from '#identity/cluster-id.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { selfSignedCertificate } from '#tls/self-signed-certificate.ts';
import { joinDialOptions, joinFetchOptions } from '#tls/tls-options.ts';
import { frameOf } from '#transport/frame-link.ts';

const cluster = clusterIdFrom('0123456789abcdef'.repeat(2));
const authority = createAuthority({ kind: 'peer', cluster });
const name = nodeNameFrom('n1');
const pair = issueNode({ authority, cluster, name, hosts: ['127.0.0.1'] });
const material = { certificate: pair.certificate, key: pair.key, ca: authority.certificate };

const { key } = newKeyPair();
const own = {
  key,
  certificate: selfSignedCertificate({
    identity: { kind: 'node', cluster, name: nodeNameFrom('n2') },
    commonName: 'n2',
    key,
    nowMs: Date.now(),
  }),
  ca: authority.certificate,
};

let listener: JoinListener;
let asked = 0;

before(async () => {
  listener = await openJoinListener({
    host: '127.0.0.1',
    port: 0,
    material: () => material,
    admit: () => {
      asked += 1;
      return Promise.reject(new CodedError('permission_denied', 'nobody is let in here'));
    },
    onRefused: () => undefined,
  });
});
after(() => listener.close());

/** What comes back until the connection ends. */
const heard = (socket: Socket, said: Uint8Array = Buffer.alloc(0)): Promise<Buffer> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(Buffer.concat(chunks)));
    socket.write(said);
  });

const place = () => ({ host: '127.0.0.1', port: listener.port });

const dial = (options: ConnectionOptions, said?: Uint8Array): Promise<Buffer> =>
  heard(connect({ ...options, ...place() }), said);

test('a stranger without a certificate gets the authority, whatever it says, and nobody is asked', async () => {
  const bytes = await dial(joinFetchOptions(), frameOf(joinFrame.request, Buffer.from('0801')));
  assert.equal(bytes[4], joinFrame.offer);
  const offer = decodeOffer(bytes.subarray(5));
  assert.deepEqual(offer, { kind: 'ok', value: authority.certificate });
  assert.equal(asked, 0);
});

test('LST-01 TLS-01 TLS-03 TLS-09 plain TCP, TLS 1.2 and a wrong or absent protocol get no byte of ours', async () => {
  const plain = await heard(connectPlain(place()), Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  // At most a TLS alert.
  assert.ok(plain.length === 0 || plain[0] === 21);
  for (const wrong of [
    { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
    { ALPNProtocols: [] },
    { ALPNProtocols: ['stockade-peer/1'] },
    { ALPNProtocols: ['http/1.1'] },
  ] as const) {
    const options = { ...joinDialOptions(own), ...wrong } as ConnectionOptions;
    assert.equal((await dial(options)).length, 0, JSON.stringify(wrong));
  }
  assert.equal(asked, 0);
});

test('FRM-01 FRM-05 a frame that is too large, of another kind or no request ends the connection, nobody is asked', async () => {
  const tooLarge = Buffer.alloc(4);
  tooLarge.writeUInt32LE(joinRequestBytesMax + 1);
  for (const said of [
    tooLarge,
    frameOf(joinFrame.answer, Buffer.from('0801', 'hex')),
    frameOf(joinFrame.request, Buffer.from('garbage')),
  ]) {
    assert.equal((await dial(joinDialOptions(own), said)).length, 0);
  }
  assert.equal(asked, 0);
});

test('one request a connection: a second one in the same breath is never looked at', async () => {
  const request = frameOf(joinFrame.request, Buffer.from('0801', 'hex'));
  const bytes = await dial(joinDialOptions(own), Buffer.concat([request, request]));
  assert.equal(bytes[4], joinFrame.refusal);
  assert.equal(bytes.readUInt32LE(0) + 4, bytes.length);
  assert.equal(asked, 1);
});

test('a newcomer is reached back where it shows its probe, and nowhere else', async (t) => {
  const probe = Buffer.alloc(16, 3);
  const taken = { host: '127.0.0.1', port: listener.port, what: 'peer port', option: '--x' };
  await assert.rejects(showProbe(taken, probe), { code: 'address_in_use', message: /peer port/ });

  let shown = probe;
  const server = createServer((socket) => socket.end(shown));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  await requireReachable('n2', address, probe);
  shown = Buffer.from('SSH-2.0');
  await assert.rejects(requireReachable('n2', address, probe), {
    code: 'unreachable',
    message: `n2 cannot be reached back at ${address}: something else answers there`,
  });
  await assert.rejects(requireReachable('n2', 'no address', probe), { code: 'unreachable' });
});
