// What nodes that meet say to each other: one message each way, JSON in one frame. The certificate
// names who says it; everything in it is a claim. Strict: what is not as described is not read.
import { hash } from 'node:crypto';
import { hostPortFrom } from '#transport/peer-address.ts';

/** Version of the message. */
const formatVersion = 1;
/** Largest message: a few hundred bytes for each node that was met. */
export const introductionBytesMax = 64 * 1024;
/** Nodes in one message: far more than ever form a cluster together. */
export const companionsMax = 64;
const textLengthMax = 400;

/** A node as it wants to be recorded. */
export interface Founder {
  readonly name: string;
  readonly storeId: string;
  /** SHA-256 of the certificate's public key. */
  readonly keyPin: string;
  /** host:port */
  readonly peerAddress: string;
  /** https://host:port */
  readonly apiUrl: string;
}

/**
 * `forming`: without a cluster, looking for the others. `joining`: it runs and waits for the
 * cluster that it belongs to. `member`: it has a cluster's record.
 */
export type Stage = 'forming' | 'joining' | 'member';

/** What one node says. */
export interface Introduction {
  readonly storeId: string;
  /** Of this run of the node: two runs that say the same name are two nodes. */
  readonly run: string;
  readonly peerAddress: string;
  readonly apiUrl: string;
  readonly stage: Stage;
  /** With how many it forms a cluster; 0 when it does not. */
  readonly expect: number;
  /** Whom it has met by dialling, itself among them. */
  readonly seen: readonly Founder[];
  /** What keeps it from agreeing to anything; empty: nothing. */
  readonly obstacle: string;
  /** Digest of the founding that it promised to be part of; empty: none. */
  readonly pledge: string;
  /** Digest of the founding that it is making; empty: none. */
  readonly founding: string;
  /** Digest of the founding that the other one is to promise; empty: nothing is asked. */
  readonly ask: string;
  /** As a member: whether the other one is on record; empty: yes. Else why not. */
  readonly stranger: string;
}

/** The same founders in any order, and as many as expected, give the same digest. */
export const foundingDigest = (founders: readonly Founder[]): string =>
  hash(
    'sha256',
    JSON.stringify(
      [...founders]
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map(({ name, storeId, keyPin }) => [name, storeId, keyPin]),
    ),
  );

/** The message's bytes. */
export const encodeIntroduction = (introduction: Introduction): Buffer =>
  Buffer.from(JSON.stringify({ version: formatVersion, ...introduction }));

/** The message, or undefined for anything else. */
export const decodeIntroduction = (bytes: Buffer): Introduction | undefined => {
  if (bytes.length > introductionBytesMax) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
  return introductionFrom(value);
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= textLengthMax && /^[\x20-\x7e]*$/.test(value);

const isStage = (value: unknown): value is Stage =>
  value === 'forming' || value === 'joining' || value === 'member';

const isStoreId = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{32}$/.test(value);

const isAddress = (value: unknown): value is string =>
  isText(value) && hostPortFrom(value) !== undefined;

const isUrl = (value: unknown): value is string =>
  isText(value) && value.startsWith('https://') && isAddress(value.slice('https://'.length));

const introductionFrom = (value: unknown): Introduction | undefined => {
  if (!isObject(value) || value['version'] !== formatVersion) return undefined;
  const { storeId, run, peerAddress, apiUrl, stage, expect, seen, obstacle } = value;
  const { pledge, founding, ask, stranger } = value;
  const known = isStoreId(storeId) && isText(run) && isAddress(peerAddress) && isUrl(apiUrl);
  const said = isText(obstacle) && isText(pledge) && isText(founding);
  if (!known || !said || !isText(ask) || !isText(stranger) || !isStage(stage)) return undefined;
  if (typeof expect !== 'number' || !Number.isSafeInteger(expect)) return undefined;
  if (!Array.isArray(seen) || seen.length > companionsMax) return undefined;
  const founders = seen.map(founderFrom);
  if (!founders.every((founder) => founder !== undefined)) return undefined;
  return {
    ...{ storeId, run, peerAddress, apiUrl, stage, expect, seen: founders },
    ...{ obstacle, pledge, founding, ask, stranger },
  };
};

const founderFrom = (value: unknown): Founder | undefined => {
  if (!isObject(value)) return undefined;
  const { name, storeId, keyPin, peerAddress, apiUrl } = value;
  const sound =
    isText(name) && isStoreId(storeId) && isText(keyPin) && isAddress(peerAddress) && isUrl(apiUrl);
  return sound ? { name, storeId, keyPin, peerAddress, apiUrl } : undefined;
};
