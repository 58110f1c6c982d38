// Real TLS 1.3 on loopback with what was issued: both sides show a certificate, both check.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connect, createServer, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { createAuthority } from '#certs-tool/authority.ts';
import { issueHttps, issueNode, issueUser } from '#certs-tool/issue.ts';
import { certificateFrom } from '#certs-tool/read-certificate.ts';
import { createRevocationList } from '#certs-tool/revocation-list.ts';
import { certificateUriOf } from '#identity/certificate-uri.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { ada, cluster, n1 } from './fixture.ts';

const peerCa = createAuthority({ kind: 'peer', cluster });
const clientCa = createAuthority({ kind: 'client', cluster });
const n2 = nodeNameFrom('n2');
const node = (name: typeof n1, authority = peerCa) =>
  issueNode({ authority, cluster, name, hosts: ['127.0.0.1', 'localhost'] });
const [server, dialer] = [node(n1), node(n2)];
const user = issueUser({ authority: clientCa, cluster, name: ada });
const https = issueHttps({ authority: clientCa, cluster, hosts: ['localhost', '127.0.0.1'] });

interface Side {
  readonly certificate: string;
  readonly key: string;
}

interface Sides {
  readonly listening: Side;
  readonly listenerTrusts: string;
  readonly dialing: Side;
  readonly dialerTrusts: string;
  readonly crl?: string;
}

interface Outcome {
  /** Why the listener refused, undefined when it did not. */
  readonly refused: string | undefined;
  readonly protocol: string | null;
  readonly listenerSees: string | undefined;
  readonly dialerSees: string | undefined;
}

const contextOf = ({ certificate, key }: Side, ca: string): SecureContextOptions => ({
  cert: certificate,
  key,
  ca,
  minVersion: 'TLSv1.3',
});

/** The text of a socket's error, from Node or from the check of the certificate. */
const errorOf = (error: Error, socket: TLSSocket): string =>
  String(socket.authorizationError ?? error.message);

const shake = async (sides: Sides): Promise<Outcome> => {
  const listener = createServer({
    ...contextOf(sides.listening, sides.listenerTrusts),
    ...(sides.crl === undefined ? {} : { crl: sides.crl }),
    requestCert: true,
    rejectUnauthorized: true,
  });
  let [refused, listenerSees]: (string | undefined)[] = [];
  listener.on('tlsClientError', (error, socket) => {
    refused = errorOf(error, socket);
    socket.destroy();
  });
  listener.on('secureConnection', (socket) => {
    listenerSees = socket.getPeerX509Certificate()?.subjectAltName;
    socket.on('error', () => {});
    socket.end('hello');
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    ...contextOf(sides.dialing, sides.dialerTrusts),
  });
  let [dialerSees, protocol]: [string | undefined, string | null] = [undefined, null];
  socket.on('secureConnect', () => {
    dialerSees = socket.getPeerX509Certificate()?.subjectAltName;
    protocol = socket.getProtocol();
  });
  socket.on('error', (error) => {
    refused ??= errorOf(error, socket);
  });
  socket.resume();
  await once(socket, 'close');
  listener.close();
  await once(listener, 'close');
  return { refused, protocol, listenerSees, dialerSees };
};

const uriOf = (kind: 'node', name: typeof n1): string => certificateUriOf({ kind, cluster, name });

test('two nodes shake hands over TLS 1.3 and each sees the URI of the other', async () => {
  const outcome = await shake({
    listening: server,
    listenerTrusts: peerCa.certificate,
    dialing: dialer,
    dialerTrusts: peerCa.certificate,
  });
  const hosts = ', IP Address:127.0.0.1, DNS:localhost';
  assert.deepEqual(outcome, {
    refused: undefined,
    protocol: 'TLSv1.3',
    listenerSees: `URI:${uriOf('node', n2)}${hosts}`,
    dialerSees: `URI:${uriOf('node', n1)}${hosts}`,
  });
});

test('a user shakes hands with the HTTPS server of the client CA', async () => {
  const outcome = await shake({
    listening: https,
    listenerTrusts: clientCa.certificate,
    dialing: user,
    dialerTrusts: clientCa.certificate,
  });
  assert.equal(outcome.refused, undefined);
  assert.equal(outcome.listenerSees, `URI:spiffe://${cluster}/user/ada`);
});

test('ID-07 a user certificate is refused where nodes are trusted', async () => {
  const { refused, listenerSees } = await shake({
    listening: server,
    listenerTrusts: peerCa.certificate,
    dialing: user,
    dialerTrusts: peerCa.certificate,
  });
  assert.equal(refused, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  assert.equal(listenerSees, undefined);
});

test('TLS-17 an HTTPS server certificate is refused as a client', async () => {
  const { refused } = await shake({
    listening: https,
    listenerTrusts: clientCa.certificate,
    dialing: https,
    dialerTrusts: clientCa.certificate,
  });
  assert.equal(refused, 'INVALID_PURPOSE');
});

test('TLS-06 a CA with the very same name but another key is not trusted', async () => {
  const same = createAuthority({ kind: 'peer', cluster });
  const { refused, listenerSees } = await shake({
    listening: server,
    listenerTrusts: peerCa.certificate,
    dialing: node(n2, same),
    dialerTrusts: peerCa.certificate,
  });
  assert.equal(refused, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  assert.equal(listenerSees, undefined);
});

test('ROLL-01 with both CAs trusted, leaves of the old and of the new one get through', async () => {
  const next = createAuthority({ kind: 'peer', cluster, generation: 2 });
  const both = next.certificate + peerCa.certificate;
  for (const [listening, dialing] of [
    [server, node(n2, next)],
    [node(n1, next), dialer],
  ] as const) {
    const { refused } = await shake({
      listening,
      listenerTrusts: both,
      dialing,
      dialerTrusts: both,
    });
    assert.equal(refused, undefined);
  }
});

test('REV-01 a revoked certificate is refused by a server with the list, others are not', async () => {
  const crl = createRevocationList({
    authority: peerCa,
    kind: 'peer',
    cluster,
    number: 1,
    revoked: [
      {
        serial: certificateFrom(dialer.certificate).serial,
        revokedAt: new Date(),
        reason: 'keyCompromise',
      },
    ],
  });
  const sides = {
    listening: server,
    listenerTrusts: peerCa.certificate,
    dialerTrusts: peerCa.certificate,
    crl,
  };
  assert.equal((await shake({ ...sides, dialing: dialer })).refused, 'CERT_REVOKED');
  assert.equal((await shake({ ...sides, dialing: node(n2) })).refused, undefined);
});
