// What a certificate says, read strictly: the checks that OpenSSL leaves to the application. It
// takes a client certificate without any purpose, a leaf that is a CA, and any number of names
// (measured).
import { hash, type X509Certificate } from 'node:crypto';
import { type CertificateIdentity, identityFromUri } from '#identity/certificate-uri.ts';

/** Extended key usages (RFC 5280, 4.2.1.12). */
export const purpose = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

/** Why a certificate, or the connection that it came on, names nobody here. */
export type IdentityRefusal =
  | 'not_authorized'
  | 'session_reused'
  | 'wrong_protocol'
  | 'no_certificate'
  | 'certificate_authority'
  | 'wrong_purpose'
  | 'wrong_key_usage'
  | 'bad_serial'
  | 'names_unreadable'
  | 'not_one_uri'
  | 'uri_malformed'
  | 'other_cluster'
  | 'other_kind'
  | 'other_name';

/** A refusal inside this layer. */
export interface Refused {
  readonly kind: 'refused';
  readonly reason: IdentityRefusal;
}

/** A refusal for a reason. */
export const refusedFor = (reason: IdentityRefusal): Refused => ({ kind: 'refused', reason });

const pemBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The certificates of a PEM text, each as PEM; none when there are none. */
export const certificateBlocksIn = (pem: string): readonly string[] => pem.match(pemBlock) ?? [];

/** Whether `issuer` signed `certificate` and may sign certificates at all. */
export const isIssuedBy = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);

/** SHA-256 of the public key (SPKI), lower-case hexadecimal: what membership pins. */
export const keyPinOf = (certificate: X509Certificate): string =>
  hash('sha256', certificate.publicKey.export({ type: 'spki', format: 'der' }), 'hex');

/** Milliseconds since 1970 after which the certificate is expired. */
export const notAfterMsOf = (certificate: X509Certificate): number =>
  certificate.validToDate.getTime();

/**
 * basicConstraints with CA:TRUE, in the hexadecimal of its DER (RFC 5280, 4.2.1.9). Node's `ca` is
 * false for a certificate that says so and has no right to sign: harmless, but nothing that an
 * authority of ours would issue.
 */
const constraintsOfAuthority = /0603551d13(?:0101ff)?04..30..0101ff/;

const saysAuthority = (certificate: X509Certificate): boolean =>
  constraintsOfAuthority.test(certificate.raw.toString('hex'));

/**
 * keyUsage (RFC 5280, 4.2.1.3), in the hexadecimal of its DER: the first byte of its bits. OpenSSL
 * takes a server that may only encipher keys, which no handshake of TLS 1.3 does (measured).
 */
const keyUsageBits = /0603551d0f(?:0101ff)?040[45]030[23][0-9a-f]{2}([0-9a-f]{2})/;
const digitalSignature = 0x80;
const signsOthers = 0x04 | 0x02;

/** Whether the key may sign handshakes, and nothing that an authority signs. */
const mayOnlySign = (certificate: X509Certificate): boolean => {
  const [, byte] = keyUsageBits.exec(certificate.raw.toString('hex')) ?? [];
  if (byte === undefined) return true;
  const bits = Number.parseInt(byte, 16);
  return (bits & digitalSignature) !== 0 && (bits & signsOthers) === 0;
};

/**
 * The one identity of a leaf certificate that serves all of `purposes`: no CA, a key for
 * handshakes (where a usage is named), a positive serial
 * (the deny-list names serials), exactly one URI of our form and nothing unreadable beside it.
 */
export const certificateIdentityOf = (
  certificate: X509Certificate,
  purposes: readonly string[],
): CertificateIdentity | Refused => {
  if (certificate.ca || saysAuthority(certificate)) return refusedFor('certificate_authority');
  // Node's `keyUsage` holds the *extended* key usages; undefined when there are none.
  const usages: readonly string[] = certificate.keyUsage ?? [];
  if (!purposes.every((oid) => usages.includes(oid))) return refusedFor('wrong_purpose');
  if (!mayOnlySign(certificate)) return refusedFor('wrong_key_usage');
  if (!/^[0-9A-F]+$/.test(certificate.serialNumber) || /^0+$/.test(certificate.serialNumber)) {
    return refusedFor('bad_serial');
  }
  const names = certificate.subjectAltName ?? '';
  // Node quotes a name that holds a comma, a quote or a control character: none of ours does.
  if (/["\\]/.test(names)) return refusedFor('names_unreadable');
  const uris = names.split(', ').filter((token) => token.startsWith('URI:'));
  const [uri] = uris;
  if (uri === undefined || uris.length !== 1) return refusedFor('not_one_uri');
  return identityFromUri(uri.slice('URI:'.length)) ?? refusedFor('uri_malformed');
};
