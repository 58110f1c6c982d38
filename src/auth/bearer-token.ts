// Bearer tokens: `stk_<id>_<secret>`. The id names a token in lists and when it is taken away; the
// secret is 256 random bits, so its SHA-256 digest, which is all that the auth file holds, cannot
// be guessed backwards and needs no slow hash.
import { hash, timingSafeEqual } from 'node:crypto';
import type { Random } from '#io/random.ts';
import type { Permission } from './permission.ts';

/** One token of a user, as the auth file has it. */
export interface FileToken {
  /** 16 hexadecimal digits. */
  readonly id: string;
  /** SHA-256 of the whole token, 64 hexadecimal digits. */
  readonly digest: string;
  /** Milliseconds since 1970; from then on it proves nothing. */
  readonly expiresMs: number;
  /** What it opens of that which its user may do; undefined: all of it. */
  readonly permissions: readonly Permission[] | undefined;
}

const idBytes = 8;
const secretBytes = 32;
const tokenPattern = /^stk_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;
const headerPattern = /^bearer +(\S+) *$/i;

/** Whether a text can be the id of a token. */
export const isTokenId = (text: string): boolean => /^[0-9a-f]{16}$/.test(text);

/** Whether a text can be the digest of a token. */
export const isTokenDigest = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

/** A new token and what is kept of it. */
export const newToken = (
  random: Random,
): { readonly id: string; readonly token: string; readonly digest: string } => {
  const id = Buffer.from(random.bytes(idBytes)).toString('hex');
  const token = `stk_${id}_${Buffer.from(random.bytes(secretBytes)).toString('base64url')}`;
  return { id, token, digest: hash('sha256', token) };
};

/** Whether a header is for this scheme. */
export const isBearer = (header: string): boolean => /^bearer\b/i.test(header);

/** Token and id in an Authorization header; undefined for one that cannot be a token. */
export const bearerTokenFrom = (
  header: string,
): { readonly id: string; readonly token: string } | undefined => {
  const token = headerPattern.exec(header)?.[1] ?? '';
  const id = tokenPattern.exec(token)?.[1];
  return id === undefined ? undefined : { id, token };
};

/** Whether this is the token of which the digest was kept. */
export const isToken = (token: string, { digest }: FileToken): boolean =>
  timingSafeEqual(hash('sha256', token, 'buffer'), Buffer.from(digest, 'hex'));
