// A certificate that claims to be a node and that no authority signed: what an attacker can always
// make. The node shows it to its own port at start and must be refused. Signs itself, lives in
// memory, proves nothing to anybody.
import { generateKeyPairSync } from 'node:crypto';
import type { CertificateIdentity } from '#identity/certificate-uri.ts';
import { selfSignedCertificate } from './self-signed-certificate.ts';

/** Certificate and key as PEM. */
export interface ForeignCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** A self-signed certificate with this identity, valid for an hour around `nowMs`. */
export const foreignCertificate = (
  identity: CertificateIdentity,
  nowMs: number,
): ForeignCertificate => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const claim = { identity, commonName: 'posture probe', key, nowMs };
  return { certificate: selfSignedCertificate(claim), key };
};
