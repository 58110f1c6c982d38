// The Ed25519 key of a grant: its private half grows from the seed in the token and never leaves
// the newcomer; the cluster stores the public half, which is good for nothing but checking.
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { invariant } from '#invariant.ts';

/** PKCS#8 and SPKI of Ed25519 (RFC 8410) up to the 32 bytes of the key itself. */
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex');
const keyBytes = 32;

/** A key that signs for one grant. */
export interface GrantKey {
  /** 32 bytes in lower-case hexadecimal. */
  readonly publicKey: string;
  /** 64 bytes. */
  sign(bytes: Uint8Array): Buffer;
}

/** The key of a seed of 32 bytes. */
export const grantKeyFrom = (seed: Uint8Array): GrantKey => {
  invariant(seed.length === keyBytes, 'a seed has 32 bytes');
  const key = createPrivateKey({
    key: Buffer.concat([privatePrefix, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return {
    publicKey: spki.subarray(-keyBytes).toString('hex'),
    sign: (bytes) => sign(null, bytes, key),
  };
};

const publicKeyFrom = (text: string): KeyObject | undefined => {
  if (!/^[0-9a-f]{64}$/.test(text)) return undefined;
  const key = Buffer.concat([publicPrefix, Buffer.from(text, 'hex')]);
  return createPublicKey({ key, format: 'der', type: 'spki' });
};

/** Whether the holder of a grant's private half signed `bytes`. */
export const grantSigned = (
  publicKey: string,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean => {
  const key = publicKeyFrom(publicKey);
  return key !== undefined && verify(null, bytes, key, signature);
};
