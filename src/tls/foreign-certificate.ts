// A certificate that claims to be a node and that no authority signed: what an attacker can always
// make. The node shows it to its own port at start and must be refused. Signs itself, lives in
// memory, proves nothing to anybody.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { type CertificateIdentity, certificateUriOf } from '#identity/certificate-uri.ts';

/** Certificate and key as PEM. */
export interface ForeignCertificate {
  readonly certificate: string;
  readonly key: string;
}

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
const commonName = oid('550403');
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

/** A self-signed certificate with this identity, valid for an hour around `nowMs`. */
export const foreignCertificate = (
  identity: CertificateIdentity,
  nowMs: number,
): ForeignCertificate => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = der(
    tag.sequence,
    der(tag.set, der(tag.sequence, commonName, der(tag.text, Buffer.from('posture probe')))),
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
    publicKey.export({ type: 'spki', format: 'der' }),
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
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
};
