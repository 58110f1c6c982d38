// The peer port of a running node refuses every stranger: before one byte of the protocol is read.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect as connectPlain, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { createAuthority } from '#certs-tool/authority.ts';
import { issueNode, issueUser } from '#certs-tool/issue.ts';
import { clusterIdFrom } from '#identity/cluster-id.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { type StoreId, storeIdFrom } from '#identity/store-id.ts';
import { userNameFrom } from '#identity/user-name.ts';
import { frameKind } from '#transport/frame-kind.ts';
import { frameOf } from '#transport/frame-link.ts';
import { encodeHello, protocolVersion } from '#transport/hello-codec.ts';
import { Cluster } from './cluster.ts';

let cluster: Cluster;
let clusterId = clusterIdFrom('0'.repeat(32));

before(async () => {
  cluster = await Cluster.start(3);
  const identity = readFileSync(join(cluster.file.nodes[0]?.data ?? '', 'identity.json'), 'utf8');
  clusterId = clusterIdFrom((JSON.parse(identity) as { cluster: string }).cluster);
});
after(() => cluster.remove());

const storeOf = (name: string): StoreId => {
  const data = cluster.file.nodes.find((node) => node.name === name)?.data ?? '';
  const identity = readFileSync(join(data, 'identity.json'), 'utf8');
  return storeIdFrom((JSON.parse(identity) as { store: string }).store);
};

const peerPort = (): number => cluster.portBase + 1;

/** What a connection got before it ended: bytes, and the error if there was one. */
const outcome = (socket: Socket, hello: Buffer): Promise<{ bytes: Buffer; error: string }> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let error = '';
    socket.setTimeout(20_000, () => socket.destroy(new Error('still open')));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', (reason: Error & { code?: string }) => {
      error = `${reason.code ?? ''} ${reason.message}`;
    });
    socket.on('close', () => resolve({ bytes: Buffer.concat(chunks), error }));
    socket.write(hello);
  });

const knock = (options: ConnectionOptions): Promise<{ bytes: Buffer; error: string }> => {
  const socket = connect({
    host: '127.0.0.1',
    port: peerPort(),
    rejectUnauthorized: false,
    ALPNProtocols: ['stockade-peer/1'],
    ...options,
  });
  return outcome(socket, Buffer.from('hello'));
};

/** Nothing of the protocol came back and the connection is closed. */
const assertRefused = async (answer: Promise<{ bytes: Buffer; error: string }>): Promise<void> => {
  const { bytes, error } = await answer;
  assert.equal(bytes.length, 0, bytes.toString('latin1'));
  assert.notEqual(error, 'still open');
};

const member = (): ConnectionOptions => {
  const certs = join(cluster.folder, 'n2', 'certs');
  return {
    cert: readFileSync(join(certs, 'peer.crt')),
    key: readFileSync(join(certs, 'peer.key')),
    ca: readFileSync(join(certs, 'peer-ca.crt')),
  };
};

test('TLS-07 without a client certificate the peer port refuses', () => assertRefused(knock({})));

test('TLS-16 a certificate of another CA with the same names is refused', () => {
  const foreign = createAuthority({ kind: 'peer', cluster: clusterId });
  const pair = issueNode({
    authority: foreign,
    cluster: clusterId,
    name: nodeNameFrom('n2'),
    hosts: ['127.0.0.1'],
  });
  return assertRefused(knock({ cert: pair.certificate, key: pair.key }));
});

test('ID-07 a user certificate of this cluster is refused at the peer port', () => {
  const { admin } = cluster.file;
  return assertRefused(
    knock({ cert: readFileSync(admin.certificate), key: readFileSync(admin.key) }),
  );
});

test('ID-07 a user certificate that the peer CA signed is refused all the same', () => {
  const { authority } = cluster.file;
  const peer = {
    certificate: readFileSync(join(authority, 'peer-ca.crt'), 'utf8'),
    key: readFileSync(join(authority, 'peer-ca.key'), 'utf8'),
  };
  assert.throws(() =>
    issueUser({ authority: peer, cluster: clusterId, name: userNameFrom('mallory') }),
  );
});

test('TLS-01 plain TCP gets no byte of the protocol and is closed', async () => {
  const socket = connectPlain(peerPort(), '127.0.0.1');
  const { bytes, error } = await outcome(socket, Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
  assert.ok(bytes.length === 0 || bytes[0] === 21, 'at most a TLS alert');
  assert.notEqual(error, 'still open');
});

test("TLS-03 TLS 1.2 is refused, even with a member's certificate", async () => {
  const { error } = await knock({ ...member(), minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' });
  assert.match(error, /protocol version/i);
});

test("TLS-09 a member's certificate without the protocol's ALPN is refused", async () => {
  await assertRefused(knock({ ...member(), ALPNProtocols: [] }));
  await assertRefused(knock({ ...member(), ALPNProtocols: ['http/1.1'] }));
});

test("a member's certificate with everything right is let in: the refusals above are no accident", async () => {
  const socket = connect({
    host: '127.0.0.1',
    port: peerPort(),
    ...member(),
    checkServerIdentity: () => undefined,
    ALPNProtocols: ['stockade-peer/1'],
  });
  socket.write(
    frameOf(
      frameKind.hello,
      encodeHello({
        version: protocolVersion,
        cluster: clusterId,
        name: nodeNameFrom('n2'),
        storeId: storeOf('n2'),
        boot: '0'.repeat(32),
        connection: 'heartbeat',
        featureLevel: 1,
        engine: '',
        address: '',
      }),
    ),
  );
  const chunk = await new Promise<Buffer>((resolve, reject) => {
    socket.once('data', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed without a word')));
  });
  socket.destroy();
  assert.ok(chunk.length > 0);
});
