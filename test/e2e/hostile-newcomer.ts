// A newcomer that says whatever a test wants: an attacker with a token, or with the ear of one.

import { X509Certificate } from 'node:crypto';
import { connect, type TLSSocket } from 'node:tls';
import { newKeyPair } from '#certs-tool/key-pair.ts';
import { createRequest } from '#certs-tool/request.ts';
import { grantKeyFrom } from '#cluster/grant-key.ts';
import {
  bindingBytes,
  bindingLabel,
  decodeRefusal,
  encodeRequest,
  type JoinClaim,
  type JoinRequest,
  joinFrame,
  proofOf,
} from '#cluster/join-messages.ts';
import type { JoinToken } from '#cluster/token.ts';
import { keyPinOf } from '#tls/certificate.ts';
import { selfSignedCertificate } from '#tls/self-signed-certificate.ts';
import { joinDialOptions } from '#tls/tls-options.ts';
import { frameOf } from '#transport/frame-link.ts';
import { hostPortFrom } from '#transport/peer-address.ts';

/** A key of the attacker's and the certificate that it signed for itself. */
export interface HostileKey {
  readonly key: string;
  readonly certificate: string;
  readonly keyPin: string;
}

/** A new one. */
export const hostileKey = ({ cluster, name }: JoinToken): HostileKey => {
  const { key } = newKeyPair();
  const identity = { kind: 'node', cluster, name } as const;
  const certificate = selfSignedCertificate({
    identity,
    commonName: name,
    key,
    nowMs: Date.now(),
  });
  return { key, certificate, keyPin: keyPinOf(new X509Certificate(certificate)) };
};

/** What an honest newcomer with this key would claim, at a peer address that shows its probe. */
export const claimOf = (token: JoinToken, key: string, peerAddress: string): JoinClaim => {
  const { cluster, name } = token;
  const hosts = ['127.0.0.1'];
  return {
    cluster,
    name,
    storeId: 'f'.repeat(32),
    peerAddress,
    apiUrl: 'https://127.0.0.1:4001',
    peerRequest: createRequest({ cluster, holder: { kind: 'node', name }, hosts, key }).request,
    httpsRequest: createRequest({ cluster, holder: { kind: 'https', name: '127.0.0.1' }, hosts })
      .request,
    probe: Buffer.alloc(16, 5),
  };
};

/** An open connection to a join listener. */
export interface HostileConnection {
  readonly binding: Buffer;
  /** Sends a request and gives the refusal's sentence; an answer gives `let in`. */
  send(request: JoinRequest): Promise<string>;
}

/** Connects as a newcomer with this key. */
export const hostileConnection = (
  token: JoinToken,
  { key, certificate }: HostileKey,
  ca: string,
): Promise<HostileConnection> =>
  new Promise((resolve, reject) => {
    const place = hostPortFrom(token.addresses[0] ?? '');
    const socket = connect({ ...joinDialOptions({ key, certificate, ca }), ...place });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      resolve({
        binding: socket.exportKeyingMaterial(bindingBytes, bindingLabel, Buffer.alloc(0)),
        send: (request) => exchange(socket, request),
      });
    });
  });

const exchange = (socket: TLSSocket, request: JoinRequest): Promise<string> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.once('close', () => {
      const bytes = Buffer.concat(chunks);
      const refusal = bytes[4] === joinFrame.refusal ? decodeRefusal(bytes.subarray(5)) : undefined;
      resolve(
        bytes[4] === joinFrame.answer
          ? 'let in'
          : refusal?.kind === 'ok'
            ? refusal.value.message
            : 'closed without a word',
      );
    });
    socket.write(frameOf(joinFrame.request, encodeRequest(request)));
  });

/** A claim with the proof that the token's key makes of it on a connection. */
export const signed = (
  token: JoinToken,
  claim: JoinClaim,
  keyPin: string,
  binding: Uint8Array,
): JoinRequest => ({
  ...claim,
  signature: grantKeyFrom(token.seed).sign(proofOf(claim, keyPin, binding)),
});
