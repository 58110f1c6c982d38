// A certificate that signs itself: whoever shows it proves that it holds the key, and nothing more.
// Lives in memory, for an hour.
import { createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto';
import { type CertificateIdentity, certificateUriOf } from '#identity/certificate-uri.ts';

/** Tags of DER (X.690) that a certificate needs. */
const tag = { integer: 2, bits: 3, octets: 4, oid: 6, text: 12, time: 23, sequence: 48, set: 49 };
/** Context tags: [0] version, [3] extensions, [6] URI. */
const context = { version: 0xa0, extensions: 0xa3, uri: 0x86 };

const der = (type: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.of(type, ...size), content]);
};

const oid = (hex: string): Buffer => der(tag.oid, Buffer.from(hex, 'hex'));
const ecdsaWithSha256 = der(tag.sequence, oid('2a8648ce3d040302'));
const commonNameOid = oid('550403');
const extendedKeyUsage = oid('551d25');
const subjectAltName = oid('551d11');
const bothPurposes = der(tag.sequence, oid('2b06010505070301'), oid('2b06010505070302'));

const utcTime = (ms: number): Buffer => {
  const digits = new Date(ms).toISOString().replace(/[-:T]/g, '').slice(2, 14);
  return der(tag.time, Buffer.from(`${digits}Z`));
};

const extension = (name: Buffer, value: Buffer): Buffer =>
  der(tag.sequence, name, der(tag.octets, value));

const hourMs = 3_600_000;

/** What it says of its holder. */
export interface SelfSignedClaim {
  readonly identity: CertificateIdentity;
  readonly commonName: string;
  /** PKCS#8 PEM, ECDSA on P-256. */
  readonly key: string;
  readonly nowMs: number;
}

/** The certificate, PEM, valid for an hour around `nowMs`. */
export const selfSignedCertificate = (claim: SelfSignedClaim): string => {
  const { identity, commonName, nowMs } = claim;
  const privateKey = createPrivateKey(claim.key);
  const name = der(
    tag.sequence,
    der(tag.set, der(tag.sequence, commonNameOid, der(tag.text, Buffer.from(commonName)))),
  );
  const uri = der(context.uri, Buffer.from(certificateUriOf(identity), 'latin1'));
  const toBeSigned = der(
    tag.sequence,
    der(context.version, der(tag.integer, Uint8Array.of(2))),
    der(tag.integer, Uint8Array.of(0x40), randomBytes(15)),
    ecdsaWithSha256,
    name,
    der(tag.sequence, utcTime(nowMs - hourMs), utcTime(nowMs + hourMs)),
    name,
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
    der(
      context.extensions,
      der(
        tag.sequence,
        extension(extendedKeyUsage, bothPurposes),
        extension(subjectAltName, der(tag.sequence, uri)),
      ),
    ),
  );
  const signature = der(tag.bits, Uint8Array.of(0), sign('sha256', toBeSigned, privateKey));
  const bytes = der(tag.sequence, toBeSigned, ecdsaWithSha256, signature);
  const body = bytes.toString('base64').replace(/.{64}/g, '$&\n').trimEnd();
  return `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
};
