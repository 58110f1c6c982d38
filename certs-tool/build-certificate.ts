// Builds and signs one X.509 v3 certificate from parts that are all decided elsewhere. The order
// and the algorithms are RFC 5280's; nothing of a request gets in but a public key.
import { type KeyObject, sign } from 'node:crypto';
import type { DerNode } from './der-reader.ts';
import {
  bitString,
  type DerValue,
  derOf,
  objectIdentifier,
  sequence,
  setOf,
  smallInteger,
  tagged,
  time,
  unsignedInteger,
  utf8String,
} from './der-writer.ts';
import { extensionsUnder } from './extensions.ts';
import { publicKeyInfo } from './key-pair.ts';
import {
  oidCommonName,
  oidEcdsaWithSha256,
  oidOrganizationalUnitName,
  oidOrganizationName,
} from './oid.ts';
import { pemOf } from './pem.ts';
import type { RandomBytes } from './profile.ts';

/** Everything a certificate says, and who signs it. */
export interface CertificateParts {
  readonly serial: Uint8Array;
  readonly issuer: DerValue;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly subject: DerValue;
  readonly publicKey: KeyObject;
  readonly extensions: readonly DerValue[];
}

/** AlgorithmIdentifier of ecdsa-with-SHA256 (RFC 5758 3.2: no parameters). */
export const signatureAlgorithm = (): DerValue => sequence(objectIdentifier(oidEcdsaWithSha256));

/** Whether an AlgorithmIdentifier is exactly the one this product writes. */
export const isOurAlgorithm = (algorithm: DerNode | undefined): boolean =>
  algorithm?.bytes.equals(derOf(signatureAlgorithm())) === true;

/**
 * `toBeSigned`, its algorithm and its signature: the outer shape of certificates, requests,
 * lists.
 */
export const signed = (toBeSigned: DerValue, key: KeyObject): Buffer =>
  derOf(
    sequence(toBeSigned, signatureAlgorithm(), bitString(sign('sha256', derOf(toBeSigned), key))),
  );

/** 128 random bits, positive, first byte 0x40 to 0x7f: always 16 bytes, never zero. */
export const newSerial = (randomBytes: RandomBytes): Uint8Array => {
  const serial = Uint8Array.from(randomBytes(16));
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
};

const attribute = (oid: string, text: string): DerValue =>
  setOf(sequence(objectIdentifier(oid), utf8String(text)));

/** A leaf's name: a common name that is for display only. */
export const leafName = (commonName: string): DerValue =>
  sequence(attribute(oidCommonName, commonName));

/** An authority's name. */
export const authorityName = (unit: string, commonName: string): DerValue =>
  sequence(
    attribute(oidOrganizationName, 'Stockade'),
    attribute(oidOrganizationalUnitName, unit),
    attribute(oidCommonName, commonName),
  );

/** The certificate as PEM. */
export const buildCertificate = (parts: CertificateParts, signer: KeyObject): string => {
  const toBeSigned = sequence(
    tagged(0, smallInteger(2)),
    unsignedInteger(parts.serial),
    signatureAlgorithm(),
    parts.issuer,
    sequence(time(parts.notBefore), time(parts.notAfter)),
    parts.subject,
    publicKeyInfo(parts.publicKey),
    extensionsUnder(3, parts.extensions),
  );
  return pemOf('CERTIFICATE', signed(toBeSigned, signer));
};
