// Who must not get in at the peer port, and whom a node must not talk to: real handshakes both
// ways.
import assert from 'node:assert/strict';
import { type AddressInfo, connect as connectPlain, createServer as createPlain } from 'node:net';
import { test } from 'node:test';
import { type ConnectionOptions, createServer } from 'node:tls';
import { createAuthority } from '#certs-tool/authority.ts';
import {
  bitString,
  type DerValue,
  derOf,
  objectIdentifier,
  octetString,
  sequence,
} from '#certs-tool/der-writer.ts';
import { oidClientAuth, oidKeyUsage, oidServerAuth } from '#certs-tool/oid.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { foreignCertificate } from '#tls/foreign-certificate.ts';
import { type PeerMaterial, peerServerOptions } from '#tls/tls-options.ts';
import {
  type Changes,
  daysFromNow,
  issueHostile,
  namesOf,
  uriOf,
} from '../tls/hostile-certificates.ts';
import { dialAs } from './fake-peer.ts';
import { cluster, openNode, peerCa, type TestNode, until } from './nodes.ts';

const n2 = nodeNameFrom('n2');
const ca = peerCa.certificate;
const sameNameCa = createAuthority({ kind: 'peer', cluster });
const otherCa = createAuthority({ kind: 'peer', cluster, generation: 2 });
const issue = (changes: Changes): PeerMaterial => ({
  ...issueHostile({ authority: peerCa, ...changes }),
  ca,
});
const leaf = issueHostile({ authority: peerCa });
const ofLeaf = issueHostile({ authority: leaf, subject: 'n3' });
const keyUsageOf = (bits: number, unused: number): DerValue =>
  sequence(
    objectIdentifier(oidKeyUsage),
    octetString(derOf(bitString(Uint8Array.of(bits), unused))),
  );
/** keyEncipherment alone; digitalSignature with keyCertSign (RFC 5280, 4.2.1.3). */
const enciphers = keyUsageOf(0b0010_0000, 5);
const signsBoth = keyUsageOf(0b1000_0100, 2);
const selfSigned = foreignCertificate({ kind: 'node', cluster, name: n2 }, Date.now());
const expired = { notBefore: daysFromNow(-9), notAfter: daysFromNow(-1) };
const early = { notBefore: daysFromNow(1), notAfter: daysFromNow(9) };

/** What is wrong, what is shown, and the reason that the accepting side gives for its refusal. */
const badClients: readonly (readonly [string, PeerMaterial, string])[] = [
  ['TLS-14 expired', issue(expired), 'CERT_HAS_EXPIRED'],
  ['TLS-15 not yet valid', issue(early), 'CERT_NOT_YET_VALID'],
  [
    'TLS-16 of another authority with the same name',
    issue({ authority: sameNameCa }),
    'CERT_SIGNATURE_FAILURE',
  ],
  ['TLS-16 of another authority', issue({ authority: otherCa }), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ['TLS-17 for servers only', issue({ purposes: [oidServerAuth] }), 'INVALID_PURPOSE'],
  ['TLS-17 for clients only', issue({ purposes: [oidClientAuth] }), 'wrong_purpose'],
  ['TLS-17 without a purpose', issue({ purposes: [] }), 'wrong_purpose'],
  ['TLS-18 not for signatures', issue({ keyUsage: enciphers }), 'INVALID_PURPOSE'],
  ['TLS-19 self-signed', { ...selfSigned, ca }, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  [
    'TLS-20 issued by a leaf',
    { ...ofLeaf, certificate: ofLeaf.certificate + leaf.certificate, ca },
    'UNSPECIFIED',
  ],
  [
    'TLS-24 an authority itself',
    issue({ isAuthority: true, keyUsage: signsBoth }),
    'certificate_authority',
  ],
  ['TLS-27 with host names only', issue({ names: namesOf(undefined) }), 'not_one_uri'],
  ['ID-07 of a user', issue({ names: namesOf(uriOf('n2', 'user')) }), 'other_kind'],
  [
    'ID-09 of another cluster',
    issue({ names: namesOf(uriOf('n2', 'node', 'f'.repeat(32))) }),
    'other_cluster',
  ],
];

const withNode = async (use: (node: TestNode) => Promise<void>): Promise<void> => {
  const node = await openNode('n1');
  try {
    await use(node);
    assert.deepEqual(node.links, [], 'no link came up');
  } finally {
    await node.transport.close();
  }
};

for (const [what, material, reason] of badClients) {
  test(`${what}: a client certificate like this is refused, with the reason`, () =>
    withNode(async (node) => {
      const peer = await dialAs('n2', node, {}, material);
      peer.sendHello();
      assert.equal(await peer.reason(), undefined, 'nothing is told');
      assert.deepEqual(peer.frames, []);
      assert.deepEqual(node.refused, [reason]);
    }));
}

test('TLS-07 a client without a certificate is refused', () =>
  withNode(async (node) => {
    const anonymous: ConnectionOptions = { cert: undefined, key: undefined };
    const peer = await dialAs('n2', node, anonymous);
    peer.sendHello();
    // The node's side counts: the alert and the reset that follows it may cross what is sent here.
    await until('the refusal', () => node.refused.length > 0);
    assert.deepEqual(peer.frames, []);
    assert.match(node.refused.join(), /peer did not return a certificate/);
  }));

test('LST-01 a refusal is told with the address that it came from, also when only the certificate was wrong', async () => {
  const from: string[] = [];
  const node = await openNode('n1', { onRefused: (address) => from.push(address) });
  try {
    const peer = await dialAs('n2', node, {}, { ...selfSigned, ca });
    const { localPort } = peer.socket;
    await until('the refusal', () => from.length > 0);
    assert.ok(from[0]?.startsWith('127.0.0.1:'), from[0]);
    assert.ok(localPort === undefined || from[0] === `127.0.0.1:${localPort}`);
  } finally {
    await node.transport.close();
  }
});

test('TLS-09 a client that names no protocol is refused before it can say anything', () =>
  withNode(async (node) => {
    const peer = await dialAs('n2', node, { ALPNProtocols: [] });
    peer.sendHello();
    await peer.reason();
    assert.deepEqual(peer.frames, []);
    assert.deepEqual(node.refused, ['wrong_protocol']);
  }));

test('TLS-01 bytes that are no TLS are answered with a close and nothing of ours', () =>
  withNode(async (node) => {
    const noises = [
      Buffer.from('GET /status HTTP/1.1\r\nHost: n1\r\n\r\n'),
      Buffer.from('ff00ff00ff00ff00ff00', 'hex'),
      Buffer.alloc(4096, 0x41),
    ];
    for (const noise of noises) {
      const socket = connectPlain(node.transport.port, '127.0.0.1');
      const answer: Buffer[] = [];
      let closed = false;
      socket.on('data', (bytes) => answer.push(bytes));
      socket.on('error', () => undefined);
      socket.on('close', () => {
        closed = true;
      });
      socket.write(noise);
      await until('the close', () => closed);
      const bytes = Buffer.concat(answer);
      assert.ok(bytes.length === 0 || (bytes[0] === 21 && bytes.length === 7), 'an alert at most');
    }
    await until('all are told', () => node.refused.length === noises.length);
  }));

/** What is wrong with a server, and the reason that the dialling side gives. */
const badServers: readonly (readonly [string, PeerMaterial, string])[] = [
  [
    'TLS-05 of another authority',
    { ...issueHostile({ authority: otherCa }), ca },
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  ],
  [
    'TLS-06 of another authority with the same name',
    { ...issueHostile({ authority: sameNameCa }), ca },
    'CERT_SIGNATURE_FAILURE',
  ],
  ['TLS-14 expired', issue(expired), 'CERT_HAS_EXPIRED'],
  ['TLS-17 for clients only', issue({ purposes: [oidClientAuth] }), 'INVALID_PURPOSE'],
  ['TLS-17 without a purpose', issue({ purposes: [] }), 'wrong_purpose'],
  ['TLS-27 of another node', issue({ names: namesOf(uriOf('n3')) }), 'other_name'],
  ['TLS-27 with host names only', issue({ names: namesOf(undefined) }), 'not_one_uri'],
  ['ID-07 of a user', issue({ names: namesOf(uriOf('n2', 'user')) }), 'other_kind'],
];

for (const [what, material, reason] of badServers) {
  test(`${what}: a server like this is not spoken to`, () => dialledServer(material, reason));
}

test('TLS-09 a server that does not choose our protocol is not spoken to', () =>
  dialledServer(issue({}), 'wrong_protocol', []));

/** A node dials a server with this material, says why it will not talk, and has sent no byte. */
async function dialledServer(
  material: PeerMaterial,
  reason: string,
  protocols: readonly string[] = ['stockade-peer/1'],
): Promise<void> {
  const node = await openNode('n1');
  try {
    await dialledBy(node, material, reason, protocols);
  } finally {
    await node.transport.close();
  }
}

async function dialledBy(
  node: TestNode,
  material: PeerMaterial,
  reason: string,
  protocols: readonly string[] = ['stockade-peer/1'],
): Promise<void> {
  let heard = 0;
  const options = { ...peerServerOptions(material), rejectUnauthorized: false };
  const server = createServer({ ...options, ALPNProtocols: protocols }, (socket) => {
    socket.on('data', (bytes) => {
      heard += bytes.length;
    });
    socket.on('error', () => undefined);
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    node.transport.setPeers(new Map([[n2, `127.0.0.1:${port}`]]));
    await until('a reason', () => node.links.length > 0);
    assert.deepEqual(node.links, [`n2 down: ${reason}`]);
    assert.equal(heard, 0);
  } finally {
    server.close();
  }
}

test('TLS-01 a server that does not speak TLS is not spoken to', async () => {
  const node = await openNode('n1');
  const heard: Buffer[] = [];
  const server = createPlain((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (bytes) => {
      heard.push(bytes);
      socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    node.transport.setPeers(new Map([[n2, `127.0.0.1:${port}`]]));
    await until('a reason', () => node.links.length > 0);
    assert.ok(heard.length > 0 && heard.every((bytes) => bytes[0] === 22));
  } finally {
    await node.transport.close();
    server.close();
  }
});

test('DOS-01 DOS-02 connections that say nothing, before or after TLS, are closed in time', () =>
  withNode(async (node) => {
    const silent = connectPlain(node.transport.port, '127.0.0.1');
    let closed = false;
    silent.on('error', () => undefined);
    silent.on('close', () => {
      closed = true;
    });
    const peer = await dialAs('n2', node);
    await until('both are closed', () => closed && peer.closed);
    assert.deepEqual(node.refused.toSorted(), ['TLS handshake timeout', 'no hello in time']);
  }));

test('REV-01 a denied node is told so before anything it says is read, and is not dialled into', async () => {
  const node = await openNode('n1', {
    denied: ({ name }) => (name === 'n2' ? 'denied: stolen' : undefined),
  });
  try {
    const accepted = await dialAs('n2', node);
    assert.equal(await accepted.reason(), 'denied: stolen', 'no hello was needed');
    await dialledBy(node, issue({}), 'denied: stolen');
    assert.ok(node.refused.length >= 2 && node.refused.every((why) => why === 'denied: stolen'));
  } finally {
    await node.transport.close();
  }
});
