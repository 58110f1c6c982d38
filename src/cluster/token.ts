// A join token: all that a newcomer must know to trust a cluster and to be trusted, in one line
// that is pasted once. `STK1-<name>-<base32>`; the fixed first word lets scanners for secrets find
// it. Layout in docs/formats/join-token.md.
import { hash } from 'node:crypto';
import { CodedError } from '#errors.ts';
import { type ClusterId, clusterIdFromBytes } from '#identity/cluster-id.ts';
import { isNodeName, type NodeName } from '#identity/node-name.ts';
import { invariant } from '#invariant.ts';
import { hostPortFrom } from '#transport/peer-address.ts';
import { base32From, base32Of } from './base32.ts';
import { tokenAddressesMax, tokenTextBytesMax, tokenTtlMsMax } from './bounds.ts';

/** What a token says. */
export interface JoinToken {
  /** The name to join under; no other. */
  readonly name: NodeName;
  readonly cluster: ClusterId;
  /** SHA-256 of the peer CA's public key (SPKI), lower-case hexadecimal. */
  readonly caPin: string;
  /** 32 bytes; the grant's private key grows from it. */
  readonly seed: Uint8Array;
  /** Milliseconds since 1970, whole seconds. */
  readonly expiresMs: number;
  /** host:port of join listeners. */
  readonly addresses: readonly string[];
}

const prefix = 'STK1-';
const version = 1;
const idBytes = 16;
const pinBytes = 32;
const seedBytes = 32;
const expiryBytes = 4;
const sumBytes = 4;
const fixedBytes = 1 + idBytes + pinBytes + seedBytes + expiryBytes + 1;

/** Over the name too: a token whose name was changed is mistyped, whatever else is right. */
const sumOf = (name: string, content: Uint8Array): Buffer =>
  hash('sha256', Buffer.concat([Buffer.from(`${name}\0`), content]), 'buffer').subarray(
    0,
    sumBytes,
  );

/** The line to paste. */
export const tokenText = (token: JoinToken): string => {
  invariant(token.seed.length === seedBytes, 'a seed has 32 bytes');
  invariant(token.addresses.length <= tokenAddressesMax, 'a token has few addresses');
  const expiry = Buffer.alloc(expiryBytes);
  expiry.writeUInt32BE(Math.floor(token.expiresMs / 1000));
  const content = Buffer.concat([
    Uint8Array.of(version),
    Buffer.from(token.cluster, 'hex'),
    Buffer.from(token.caPin, 'hex'),
    token.seed,
    expiry,
    Uint8Array.of(token.addresses.length),
    ...token.addresses.flatMap((address) => {
      const bytes = Buffer.from(address, 'latin1');
      invariant(bytes.length < 256, 'an address fits its length byte');
      return [Uint8Array.of(bytes.length), bytes];
    }),
  ]);
  const sum = sumOf(token.name, content);
  return `${prefix}${token.name}-${base32Of(Buffer.concat([content, sum]))}`;
};

const notAToken = (message: string, hint: string): CodedError =>
  new CodedError('bad_request', message, { hint });

const copyAgain = 'Copy the whole line that `stockade admit` or `stockade init` printed.';

/**
 * Reads a token. Never repeats any of it in an error: errors end up in logs.
 *
 * @throws CodedError `bad_request` in one sentence: no token, mistyped or cut, of a later version
 */
export const tokenFrom = (text: string): JoinToken => {
  const line = text.trim();
  const [, name = '', encoded = ''] = /^STK1-(.+)-([A-Z2-7]+)$/.exec(line) ?? [];
  if (!line.startsWith(prefix) || line.length > tokenTextBytesMax) {
    throw notAToken(`this is not a join token: one begins with ${prefix}`, copyAgain);
  }
  const bytes = base32From(encoded);
  const sound =
    bytes !== undefined &&
    isNodeName(name) &&
    bytes.length > fixedBytes + sumBytes &&
    bytes.subarray(-sumBytes).equals(sumOf(name, bytes.subarray(0, -sumBytes)));
  if (!sound) throw notAToken('the token is mistyped or cut: its check sum is wrong', copyAgain);
  if (bytes[0] !== version) {
    throw notAToken(
      'the token is of a later version of this program',
      'Install the version that the cluster runs.',
    );
  }
  return contentFrom(name, bytes.subarray(1, -sumBytes));
};

const contentFrom = (name: NodeName, bytes: Buffer): JoinToken => {
  let at = 0;
  const take = (count: number): Buffer => {
    at += count;
    return bytes.subarray(at - count, at);
  };
  const cluster = clusterIdFromBytes(take(idBytes));
  const caPin = take(pinBytes).toString('hex');
  const seed = Uint8Array.from(take(seedBytes));
  const expiresMs = take(expiryBytes).readUInt32BE() * 1000;
  const count = take(1)[0] ?? 0;
  const addresses = Array.from({ length: count }, () =>
    take(bytes[at] === undefined ? 0 : (take(1)[0] ?? 0)).toString('latin1'),
  );
  const whole = at === bytes.length && count >= 1 && count <= tokenAddressesMax;
  if (!whole || addresses.some((address) => hostPortFrom(address) === undefined)) {
    throw notAToken('the token holds no addresses that can be read', copyAgain);
  }
  return { name, cluster, caPin, seed, expiresMs, addresses };
};

/**
 * Refuses a token that cannot work any more, and tells a clock that is wrong from that: no token
 * lives longer than an hour.
 *
 * @throws CodedError `permission_denied` when it expired, `config_invalid` for the clock
 */
export const requireUnexpired = (token: JoinToken, nowMs: number): void => {
  const left = token.expiresMs - nowMs;
  const here = new Date(nowMs).toISOString();
  if (left <= 0) {
    throw new CodedError(
      'permission_denied',
      `the token for ${token.name} expired at ${new Date(token.expiresMs).toISOString()}, and here it is ${here}`,
      {
        hint: `If this clock is right, make a new one where the CA key is: stockade admit ${token.name}`,
      },
    );
  }
  if (left > tokenTtlMsMax + clockSlackMs) {
    throw new CodedError(
      'config_invalid',
      `the clock of this machine is behind: here it is ${here}, and the token lives for more than another hour`,
      { hint: 'Set the clock (for example with NTP), then try again.' },
    );
  }
};

/** Clocks that differ by less than this are as good as equal. */
const clockSlackMs = 60_000;
