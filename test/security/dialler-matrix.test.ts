// LST-01: whatever dials looks at the server the same way. Every hostile server against links,
// images and a newcomer's first contact: not a byte is said to it.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createServer as createTls, type TlsOptions } from 'node:tls';
import { newKeyPair } from '#certs-tool/key-pair.ts';
import { oidClientAuth, oidServerAuth } from '#certs-tool/oid.ts';
import { joinCluster } from '#cluster/join-client.ts';
import { encodeOffer, joinFrame } from '#cluster/join-messages.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { keyPinOf } from '#tls/certificate.ts';
import { selfSignedCertificate } from '#tls/self-signed-certificate.ts';
import { frameOf } from '#transport/frame-link.ts';
import { claimOf } from '../e2e/hostile-newcomer.ts';
import { cluster } from '../tls/hostile-certificates.ts';
import { openNode, peerCa, until } from '../transport/nodes.ts';
import { hostile, issue, nodeBase } from './hostile-leaves.ts';

/** What dials: whether it says a single byte to a server, and why not. */
interface Dialling {
  readonly name: string;
  readonly alpn: string;
  readonly dial: (port: number) => Promise<string>;
}

const dialling: readonly Dialling[] = [
  {
    name: 'a link',
    alpn: 'stockade-peer/1',
    dial: async (port) => {
      const dialler = await openNode('n1');
      dialler.transport.setPeers(new Map([[nodeNameFrom('n2'), `127.0.0.1:${port}`]]));
      await until('a reason', () => dialler.links.length > 0);
      await dialler.transport.close();
      return dialler.links[0] ?? '';
    },
  },
  {
    name: 'an image',
    alpn: 'stockade-peer/1',
    dial: async (port) => {
      const dialler = await openNode('n1');
      dialler.transport.setPeers(new Map([[nodeNameFrom('n2'), `127.0.0.1:${port}`]]));
      const reason = await new Promise<string>((resolve) => {
        dialler.transport.sendImage(nodeNameFrom('n2'), {
          announcement: {
            formatVersion: 1,
            senderTerm: 1,
            index: 1,
            term: 1,
            bytes: 1,
            rawBytes: 1,
            digest: '0'.repeat(64),
          },
          read: () => Promise.resolve(Buffer.from('x')),
          onEnd: (end) => resolve(end.kind === 'failed' ? end.reason : 'taken'),
        });
      });
      await dialler.transport.close();
      return reason;
    },
  },
  {
    name: 'a newcomer',
    alpn: 'stockade-join/1',
    dial: async (port) => {
      const { key } = newKeyPair();
      const name = nodeNameFrom('n9');
      const identity = { kind: 'node', cluster, name } as const;
      const certificate = selfSignedCertificate({
        identity,
        commonName: 'n9',
        key,
        nowMs: Date.now(),
      });
      const seed = Buffer.alloc(32, 7);
      const caPin = keyPinOf(new X509Certificate(peerCa.certificate));
      const token = {
        cluster,
        name,
        caPin,
        seed,
        expiresMs: Date.now() + 60_000,
        addresses: [`127.0.0.1:${port}`],
      };
      const claim = claimOf(token, key, '127.0.0.1:1');
      return joinCluster({ token, claim, certificate, key }).then(
        () => 'joined',
        (error: unknown) => (error instanceof Error ? error.message : ''),
      );
    },
  },
];

/** A server that shows this, and how many bytes were said to it by whoever knows a key. */
const serverOf = async (
  options: TlsOptions,
): Promise<{ port: number; heard: () => number; close: () => void }> => {
  let heard = 0;
  const server = createTls(options, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      heard += bytes.length;
    });
    // First contact of a newcomer: the true CA, which anybody can show.
    if (
      socket.alpnProtocol === 'stockade-join/1' &&
      socket.getPeerX509Certificate() === undefined
    ) {
      socket.end(frameOf(joinFrame.offer, encodeOffer(peerCa.certificate)));
    }
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    heard: () => heard,
    close: () => server.close(),
  };
};

const hostileServers: typeof hostile = [
  ...hostile,
  ['TLS-17 for clients only', (base) => issue(base, { purposes: [oidClientAuth] })],
  ['TLS-17 for servers only', (base) => issue(base, { purposes: [oidServerAuth] })],
];

for (const { name, alpn, dial } of dialling) {
  for (const [what, make] of hostileServers) {
    test(`LST-01 TLS-05 ${what}: ${name} says nothing to a server like this`, async () => {
      const { certificate, key } = make(nodeBase);
      const server = await serverOf({
        cert: certificate,
        key,
        ciphers: 'DEFAULT:@SECLEVEL=0',
        minVersion: 'TLSv1.3',
        requestCert: true,
        rejectUnauthorized: false,
        ALPNProtocols: [alpn],
      });
      const reason = await dial(server.port);
      server.close();
      assert.equal(server.heard(), 0, reason);
      assert.doesNotMatch(reason, /^(?:joined|taken)$| up: /);
    });
  }

  test(`LST-01 TLS-10 ${name} says nothing to a server that chooses no protocol of ours`, async () => {
    const { certificate, key } = issue(nodeBase);
    const server = await serverOf({
      cert: certificate,
      key,
      minVersion: 'TLSv1.3',
      requestCert: true,
      rejectUnauthorized: false,
    });
    const reason = await dial(server.port);
    server.close();
    assert.equal(server.heard(), 0, reason);
  });
}
