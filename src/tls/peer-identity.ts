// Who is at the other end of a peer connection: asked on both sides, after the handshake and before
// the first application byte counts (security.md 4.3). The certificate alone names the peer; that
// its key is the member's key, and that it is not denied, is membership's decision.
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { ClusterId } from '#identity/cluster-id.ts';
import type { NodeName } from '#identity/node-name.ts';
import {
  certificateIdentityOf,
  keyPinOf,
  notAfterMsOf,
  purpose,
  type Refused,
  refusedFor,
} from './certificate.ts';
import { type CertificateMarks, marksOf } from './deny-list.ts';
import { type meetAlpn, peerAlpn } from './tls-options.ts';

/** What the handshake itself showed. */
export interface HandshakeFacts {
  /** The chain leads to our peer CA and is within its dates. */
  readonly authorized: boolean;
  readonly alpnProtocol: string | false | null;
  readonly sessionReused: boolean;
}

/** Whom to expect; the accepting side does not know the name beforehand. */
export interface ExpectedPeer {
  readonly cluster: ClusterId;
  readonly name: NodeName | undefined;
  /** What is to be spoken; as peers do, unless said otherwise. */
  readonly protocol?: typeof peerAlpn | typeof meetAlpn;
}

/** A node of our cluster, proved by its certificate. */
export interface ProvedNode extends CertificateMarks {
  readonly kind: 'node';
  readonly name: NodeName;
  /** SHA-256 of the public key (SPKI), hexadecimal. */
  readonly keyPin: string;
  /** End of the certificate's validity, milliseconds since 1970. */
  readonly notAfterMs: number;
  /**
   * With the chain it was shown with. To be kept: on the dialling side Node takes the certificate
   * out of the connection when it is first asked for, a second time gives the next of the chain.
   */
  readonly certificate: X509Certificate;
}

/** The node that a certificate proves, or why it proves none. */
export const peerIdentityOf = (
  certificate: X509Certificate | undefined,
  facts: HandshakeFacts,
  expected: ExpectedPeer,
): ProvedNode | Refused => {
  if (!facts.authorized) return refusedFor('not_authorized');
  if (facts.sessionReused) return refusedFor('session_reused');
  // A client that offers no protocol at all is let through by Node: HTTP must not reach this port.
  if (facts.alpnProtocol !== (expected.protocol ?? peerAlpn)) return refusedFor('wrong_protocol');
  if (certificate === undefined) return refusedFor('no_certificate');
  const identity = certificateIdentityOf(certificate, [purpose.serverAuth, purpose.clientAuth]);
  if (identity.kind === 'refused') return identity;
  if (identity.cluster !== expected.cluster) return refusedFor('other_cluster');
  if (identity.kind !== 'node') return refusedFor('other_kind');
  if (expected.name !== undefined && identity.name !== expected.name) {
    return refusedFor('other_name');
  }
  return {
    kind: 'node',
    name: identity.name,
    keyPin: keyPinOf(certificate),
    ...marksOf(certificate),
    notAfterMs: notAfterMsOf(certificate),
    certificate,
  };
};

/** The same for a socket whose handshake is over. Once per connection, see `ProvedNode`. */
export const identifyPeer = (socket: TLSSocket, expected: ExpectedPeer): ProvedNode | Refused =>
  peerIdentityOf(
    socket.getPeerX509Certificate(),
    {
      authorized: socket.authorized,
      alpnProtocol: socket.alpnProtocol,
      sessionReused: socket.isSessionReused(),
    },
    expected,
  );
