// Keys: ECDSA on P-256, made by node:crypto, nothing else is issued for. A key's identity is the
// SHA-256 of its public half; that is what a cluster's configuration pins.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  X509Certificate,
} from 'node:crypto';
import { CodedError } from '#errors.ts';
import { bitString, type DerValue, objectIdentifier, sequence } from './der-writer.ts';
import { oidEcPublicKey, oidPrime256v1 } from './oid.ts';

/** A new private key as PKCS#8 PEM and its public half. */
export interface KeyPair {
  readonly key: string;
  readonly publicKey: KeyObject;
}

/** A new P-256 key. */
export const newKeyPair = (): KeyPair => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), publicKey };
};

/** Whether a key (public or private) is ECDSA on P-256. */
export const isP256 = (key: KeyObject): boolean =>
  key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';

const p256 = (key: KeyObject): KeyObject => {
  if (isP256(key)) return key;
  throw new CodedError('certificate_invalid', 'a key is not ECDSA on P-256', {
    hint: 'make one with `stockade-certs csr`, or let the program make it',
  });
};

/**
 * The public key in a PEM text (SPKI, or the public half of a private key).
 *
 * @throws CodedError `certificate_invalid` when it cannot be read or is of another kind
 */
export const publicKeyFrom = (pem: string): KeyObject => {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (cause) {
    throw new CodedError('certificate_invalid', 'a public key cannot be read', { cause });
  }
  return p256(key);
};

/**
 * The private key in a PEM text (PKCS#8, not encrypted).
 *
 * @throws CodedError `certificate_invalid` when it cannot be read or is of another kind
 */
export const privateKeyFrom = (pem: string): KeyObject => {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw new CodedError('certificate_invalid', 'a private key cannot be read', {
      cause,
      hint: 'it must be one PKCS#8 PEM that is not encrypted',
    });
  }
  return p256(key);
};

/** The uncompressed point, 65 bytes: what subjectPublicKey holds. */
const pointOf = (publicKey: KeyObject): Buffer => {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  return Buffer.concat([
    Uint8Array.of(4),
    Buffer.from(x, 'base64url'),
    Buffer.from(y, 'base64url'),
  ]);
};

/** SubjectPublicKeyInfo (RFC 5480 2), rebuilt from the point so that no byte is another's. */
export const publicKeyInfo = (publicKey: KeyObject): DerValue =>
  sequence(
    sequence(objectIdentifier(oidEcPublicKey), objectIdentifier(oidPrime256v1)),
    bitString(pointOf(publicKey)),
  );

/** Key identifier of 20 bytes: the left of the SHA-256 of the point (RFC 7093 2, method 1). */
export const keyIdOf = (publicKey: KeyObject): Buffer =>
  createHash('sha256').update(pointOf(publicKey)).digest().subarray(0, 20);

/** SHA-256 of the key's SPKI in DER, 64 lower-case hexadecimal digits. */
export const publicKeyPinOf = (publicKey: KeyObject): string =>
  createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');

/**
 * The pin of the key in a certificate: SHA-256 of its SPKI in DER, 64 lower-case hexadecimal
 * digits. Of several certificates in the text, the first counts.
 */
export const keyPinOf = (certificatePem: string): string =>
  publicKeyPinOf(new X509Certificate(certificatePem).publicKey);
