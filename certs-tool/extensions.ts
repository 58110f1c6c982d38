// Writes the extensions of the profile. Each is here once, with its critical bit: what a
// certificate of this product may carry is what this file can write.
import {
  bitString,
  booleanTrue,
  type DerValue,
  derOf,
  enumerated,
  objectIdentifier,
  octetString,
  sequence,
  smallInteger,
  tagged,
  taggedBytes,
} from './der-writer.ts';
import type { Host } from './host.ts';
import {
  oidAuthorityKeyIdentifier,
  oidBasicConstraints,
  oidCrlNumber,
  oidExtendedKeyUsage,
  oidKeyUsage,
  oidReasonCode,
  oidSubjectAltName,
  oidSubjectKeyIdentifier,
} from './oid.ts';

const extension = (oid: string, critical: boolean, value: DerValue): DerValue =>
  sequence(objectIdentifier(oid), critical ? booleanTrue() : undefined, octetString(derOf(value)));

/** CA:TRUE with no intermediate below it. */
export const authorityConstraints = (): DerValue =>
  extension(oidBasicConstraints, true, sequence(booleanTrue(), smallInteger(0)));

/** CA:FALSE: DER leaves the default out, so the sequence is empty. */
export const leafConstraints = (): DerValue => extension(oidBasicConstraints, true, sequence());

/** keyCertSign and cRLSign: bits 5 and 6 of RFC 5280 4.2.1.3. */
export const authorityKeyUsage = (): DerValue =>
  extension(oidKeyUsage, true, bitString(Uint8Array.of(0b0000_0110), 1));

/** digitalSignature: bit 0. */
export const leafKeyUsage = (): DerValue =>
  extension(oidKeyUsage, true, bitString(Uint8Array.of(0b1000_0000), 7));

/** What the key may be used for in TLS. */
export const extendedKeyUsage = (purposes: readonly string[]): DerValue =>
  extension(oidExtendedKeyUsage, false, sequence(...purposes.map(objectIdentifier)));

/** URI first (at most one, the identity), then the hosts in their order. */
export const subjectAltName = (uri: string | undefined, hosts: readonly Host[]): DerValue =>
  extension(
    oidSubjectAltName,
    false,
    sequence(
      uri === undefined ? undefined : taggedBytes(6, Buffer.from(uri, 'latin1')),
      ...hosts.map((host) =>
        host.kind === 'dns'
          ? taggedBytes(2, Buffer.from(host.text, 'latin1'))
          : taggedBytes(7, host.bytes),
      ),
    ),
  );

/** The identifier of the certificate's own key. */
export const subjectKeyIdentifier = (keyId: Uint8Array): DerValue =>
  extension(oidSubjectKeyIdentifier, false, octetString(keyId));

/** The identifier of the key that signed. */
export const authorityKeyIdentifier = (keyId: Uint8Array): DerValue =>
  extension(oidAuthorityKeyIdentifier, false, sequence(taggedBytes(0, keyId)));

/** RFC 5280 5.2.3: grows with every list of one authority. */
export const crlNumber = (number: number): DerValue =>
  extension(oidCrlNumber, false, smallInteger(number));

/** RFC 5280 5.3.1: why one certificate was revoked. */
export const reasonCode = (reason: number): DerValue =>
  extension(oidReasonCode, false, enumerated(reason));

/** Extensions under their tag: 3 in a certificate, 0 in a revocation list. */
export const extensionsUnder = (tag: number, extensions: readonly DerValue[]): DerValue =>
  tagged(tag, sequence(...extensions));
