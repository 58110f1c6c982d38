// A cluster's identity: 16 random bytes in lower-case hexadecimal, made once by the first node. It
// is the trust domain of every certificate URI and stands in the first frame of every peer link.
import { CodedError } from '#errors.ts';

declare const brand: unique symbol;

/** 32 lower-case hexadecimal digits. Made by {@link clusterIdFrom} only. */
export type ClusterId = string & { readonly [brand]: 'ClusterId' };

const pattern = /^[0-9a-f]{32}$/;

const isClusterId = (text: string): text is ClusterId => pattern.test(text);

/** @throws CodedError `config_invalid` when the text is not a cluster id */
export const clusterIdFrom = (text: string): ClusterId => {
  if (isClusterId(text)) return text;
  throw new CodedError('config_invalid', 'a cluster id is 32 lower-case hexadecimal digits');
};

/** A cluster id from 16 bytes (of good randomness, for a new cluster). */
export const clusterIdFromBytes = (bytes: Uint8Array): ClusterId =>
  clusterIdFrom(Buffer.from(bytes).toString('hex'));
