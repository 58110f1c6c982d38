// Whether what a signer made is what a newcomer needs: a certificate that every member will accept.
// A mistake there (another CA, another name) must show before anything is committed.
import { X509Certificate } from 'node:crypto';
import { CodedError } from '#errors.ts';
import type { ClusterId } from '#identity/cluster-id.ts';
import type { NodeName } from '#identity/node-name.ts';
import { certificateIdentityOf, keyPinOf, purpose } from '#tls/certificate.ts';

/** What it must be. */
export interface WantedCertificate {
  readonly cluster: ClusterId;
  readonly name: NodeName;
  readonly keyPin: string;
  /** What this node trusts, PEM, one certificate or several. */
  readonly ca: string;
}

const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** @throws CodedError `certificate_invalid` when members would refuse it */
export const requireSigned = (pem: string, wanted: WantedCertificate): void => {
  const certificate = new X509Certificate(pem);
  const identity = certificateIdentityOf(certificate, [purpose.serverAuth, purpose.clientAuth]);
  const ours = (wanted.ca.match(certificateBlock) ?? [])
    .map((block) => new X509Certificate(block))
    .some((ca) => certificate.checkIssued(ca) && certificate.verify(ca.publicKey));
  const right =
    ours &&
    identity.kind === 'node' &&
    identity.cluster === wanted.cluster &&
    identity.name === wanted.name &&
    keyPinOf(certificate) === wanted.keyPin;
  if (right) return;
  throw new CodedError(
    'certificate_invalid',
    `what was signed for ${wanted.name} is no certificate that this cluster accepts`,
    { hint: 'See that `stockade admit` uses the authority folder of this cluster.' },
  );
};
