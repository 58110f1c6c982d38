// Whom a client certificate names at the API. A connection without one is not refused for it: other
// credentials may follow. One that is there and wrong is told apart, so that it is audited and
// never taken for none.
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { ClusterId } from '#identity/cluster-id.ts';
import type { UserName } from '#identity/user-name.ts';
import {
  certificateIdentityOf,
  notAfterMsOf,
  purpose,
  type Refused,
  refusedFor,
} from './certificate.ts';
import { type CertificateMarks, marksOf } from './deny-list.ts';

/** A user of our cluster, proved by a certificate of the client CA. */
export interface ProvedUser extends CertificateMarks {
  readonly kind: 'user';
  readonly name: UserName;
  /** End of validity, milliseconds since 1970: from then on the identity is gone, at once. */
  readonly notAfterMs: number;
}

/** No certificate was shown. */
export interface NoCertificate {
  readonly kind: 'none';
}

/** The user that a certificate proves; `authorized` is OpenSSL's verdict about its chain. */
export const userIdentityOf = (
  certificate: X509Certificate | undefined,
  facts: { readonly authorized: boolean; readonly sessionReused: boolean },
  cluster: ClusterId,
): ProvedUser | NoCertificate | Refused => {
  if (facts.sessionReused) return refusedFor('session_reused');
  if (certificate === undefined) return { kind: 'none' };
  if (!facts.authorized) return refusedFor('not_authorized');
  const identity = certificateIdentityOf(certificate, [purpose.clientAuth]);
  if (identity.kind === 'refused') return identity;
  if (identity.cluster !== cluster) return refusedFor('other_cluster');
  if (identity.kind !== 'user') return refusedFor('other_kind');
  return {
    kind: 'user',
    name: identity.name,
    ...marksOf(certificate),
    notAfterMs: notAfterMsOf(certificate),
  };
};

/** The same for a socket of the API. Once per connection: what it says does not change. */
export const identifyUser = (
  socket: TLSSocket,
  cluster: ClusterId,
): ProvedUser | NoCertificate | Refused =>
  userIdentityOf(
    socket.getPeerX509Certificate(),
    { authorized: socket.authorized, sessionReused: socket.isSessionReused() },
    cluster,
  );
