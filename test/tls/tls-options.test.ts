// What listeners and diallers made of our options do, in real handshakes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectionOptions, TlsOptions } from 'node:tls';
import { createAuthority } from '#certs-tool/authority.ts';
import { issueHttps, issueUser } from '#certs-tool/issue.ts';
import { userNameFrom } from '#identity/user-name.ts';
import {
  httpsServerOptions,
  type PeerMaterial,
  peerDialOptions,
  peerServerOptions,
} from '#tls/tls-options.ts';
import { type Handshake, handshake, listen } from './handshakes.ts';
import { cluster, issueHostile, namesOf, peerCa, uriOf } from './hostile-certificates.ts';

const materialOf = (name: string): PeerMaterial => ({
  ...issueHostile({ names: namesOf(uriOf(name)) }),
  ca: peerCa.certificate,
});
const [n1, n2] = [materialOf('n1'), materialOf('n2')];
const clientCa = createAuthority({ kind: 'client', cluster });
const https = issueHttps({ authority: clientCa, cluster, hosts: ['127.0.0.1'] });
const httpsMaterial = { ...https, clientCa: clientCa.certificate };
const suites12 = 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384';

const against = async (server: TlsOptions, client: ConnectionOptions): Promise<Handshake> => {
  const { server: listener, port } = await listen(server);
  try {
    return await handshake(port, client);
  } finally {
    listener.close();
  }
};

test('TLS-08 two peers agree on TLS 1.3, the hybrid group and our protocol', async () => {
  const result = await against(peerServerOptions(n1), peerDialOptions(n2));
  assert.equal(result.kind, 'accepted');
  assert.deepEqual(
    { ...result, session: undefined },
    {
      kind: 'accepted',
      protocol: 'TLSv1.3',
      alpn: 'stockade-peer/1',
      group: 'X25519MLKEM768',
      reused: false,
      session: undefined,
    },
  );
});

test('TLS-03 TLS-04 a TLS 1.2 client is refused, also after the context was replaced', async () => {
  const { server, port } = await listen(peerServerOptions(n1));
  const old: ConnectionOptions = {
    ...peerDialOptions(n2),
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
    ciphers: suites12,
  };
  try {
    const before = await handshake(port, old);
    assert.deepEqual(before, { kind: 'refused', code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
    server.setSecureContext(peerServerOptions(materialOf('n1')));
    assert.deepEqual(await handshake(port, old), before);
    assert.equal((await handshake(port, peerDialOptions(n2))).kind, 'accepted');
  } finally {
    server.close();
  }
});

test('TLS-07 a client without a certificate is refused', async () => {
  const { cert: _cert, key: _key, ...anonymous } = peerDialOptions(n2);
  const result = await against(peerServerOptions(n1), anonymous);
  assert.deepEqual(result, { kind: 'refused', code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' });
});

test('TLS-10 a client or a server with another protocol is refused', async () => {
  const stranger = { ALPNProtocols: ['http/1.1'] };
  const alert = { kind: 'refused', code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' };
  const ours = peerDialOptions(n2);
  assert.deepEqual(await against(peerServerOptions(n1), { ...ours, ...stranger }), alert);
  assert.deepEqual(await against({ ...peerServerOptions(n1), ...stranger }, ours), alert);
});

/** Connects, then offers the session of the first connection in a second one. */
const resumed = async (server: TlsOptions, client: ConnectionOptions, later: ConnectionOptions) => {
  const { server: listener, port } = await listen(server);
  try {
    const first = await handshake(port, client);
    assert.equal(first.kind, 'accepted');
    const session = first.kind === 'accepted' ? first.session : undefined;
    assert.ok(session !== undefined, 'a session to offer');
    return await handshake(port, { ...later, session });
  } finally {
    listener.close();
  }
};

test('TLS-11 a saved session is not resumed: every connection proves itself anew', async () => {
  const ours = peerDialOptions(n2);
  const result = await resumed(peerServerOptions(n1), ours, ours);
  assert.equal(result.kind === 'accepted' && result.reused, false);
  const open = { ...peerServerOptions(n1), secureOptions: 0 };
  const control = await resumed(open, ours, ours);
  assert.equal(
    control.kind === 'accepted' && control.reused,
    true,
    'the test can see a resumption',
  );
});

test('TLS-13 a saved session offered without certificate and key is refused', async () => {
  const ours = peerDialOptions(n2);
  const { cert: _cert, key: _key, ...anonymous } = ours;
  const result = await resumed(peerServerOptions(n1), ours, anonymous);
  assert.deepEqual(result, { kind: 'refused', code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' });
});

test('the API takes TLS 1.3, TLS 1.2 with forward secrecy, and nothing older or weaker', async () => {
  const server = httpsServerOptions(httpsMaterial);
  const trust = { ca: clientCa.certificate };
  const protocolOf = async (client: ConnectionOptions): Promise<string | null> => {
    const result = await against(server, { ...trust, ...client });
    return result.kind === 'accepted' ? result.protocol : result.kind;
  };
  const only12: ConnectionOptions = { maxVersion: 'TLSv1.2' };
  assert.equal(await protocolOf({}), 'TLSv1.3');
  assert.equal(await protocolOf(only12), 'TLSv1.2');
  assert.equal(await protocolOf({ ...only12, ciphers: 'ECDHE-ECDSA-AES128-SHA256' }), 'refused');
  const only11: ConnectionOptions = {
    minVersion: 'TLSv1.1',
    maxVersion: 'TLSv1.1',
    ciphers: 'ALL:@SECLEVEL=0',
  };
  assert.equal(await protocolOf(only11), 'refused');
});

test('TLS-11 the API resumes no session, in neither version', async () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const client: ConnectionOptions = { ca: clientCa.certificate, maxVersion };
    const result = await resumed(httpsServerOptions(httpsMaterial), client, client);
    assert.equal(result.kind === 'accepted' && result.reused, false, maxVersion);
  }
});

test('the API lets clients in without a certificate, with one, and with one it cannot trust', async () => {
  const user = { authority: clientCa, cluster, name: userNameFrom('ada') };
  const { certificate, key } = issueUser(user);
  const trusted: boolean[] = [];
  const { server, port } = await listen(httpsServerOptions(httpsMaterial));
  server.on('secureConnection', (socket) => trusted.push(socket.authorized));
  try {
    const trust: ConnectionOptions = { ca: clientCa.certificate, ALPNProtocols: ['http/1.1'] };
    for (const shown of [{}, { cert: certificate, key }, { cert: n1.certificate, key: n1.key }]) {
      const result = await handshake(port, { ...trust, ...shown });
      assert.equal(result.kind === 'accepted' && result.alpn, 'http/1.1');
    }
    assert.deepEqual(trusted, [false, true, false]);
  } finally {
    server.close();
  }
});
