// Makes guessing slow without ever locking anybody out: failed logins are counted by source address
// and by user at that address, and past a few free ones the next attempt has to wait, longer each
// time. Counts of a user from other addresses do not matter to this one, so that nobody can shut a
// user out by failing in that user's name.
import { addressBytesFrom } from './ip-address.ts';

/** Wrong passwords without a delay: a person's typing errors. */
const freeFailuresByUser = 5;
/** Many people can share an address; beyond this it is a list being tried. */
const freeFailuresByAddress = 20;
const delayMsFirst = 1000;
const delayMsMax = 60_000;
/** Failures are forgotten when none followed for so long. */
const memoryMs = 15 * 60_000;
/** Keys remembered; the oldest go first, which costs an attacker as many addresses to use. */
const keysMax = 20_000;
/** No user's name is longer. */
const userCharactersMax = 64;

interface Failures {
  readonly count: number;
  readonly lastMs: number;
}

/** Counts failures and says how long a source has to wait. */
export class AttemptLimiter {
  readonly #nowMs: () => number;
  readonly #failures = new Map<string, Failures>();

  /** @param nowMs a monotonic clock */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Milliseconds until this source may try this user again; 0 when it may now. */
  waitMs(address: string, user: string): number {
    const source = sourceOf(address);
    return Math.max(
      this.#waitMs(source, freeFailuresByAddress),
      this.#waitMs(keyOf(source, user), freeFailuresByUser),
    );
  }

  /** Whether logins from this source failed and are not forgotten. @param source of sourceOf */
  hasFailed(source: string): boolean {
    const failures = this.#failures.get(source);
    return failures !== undefined && this.#nowMs() - failures.lastMs <= memoryMs;
  }

  /** A login failed. */
  failed(address: string, user: string): void {
    const source = sourceOf(address);
    this.#count(source);
    this.#count(keyOf(source, user));
  }

  /** A login succeeded: this user at this address starts anew; the address's own count stays. */
  succeeded(address: string, user: string): void {
    this.#failures.delete(keyOf(sourceOf(address), user));
  }

  #waitMs(key: string, free: number): number {
    const failures = this.#failures.get(key);
    if (failures === undefined || failures.count < free) return 0;
    const delayMs = Math.min(delayMsMax, delayMsFirst * 2 ** Math.min(failures.count - free, 10));
    return Math.max(0, failures.lastMs + delayMs - this.#nowMs());
  }

  #count(key: string): void {
    const now = this.#nowMs();
    const before = this.#failures.get(key);
    const fresh = before === undefined || now - before.lastMs > memoryMs;
    this.#failures.delete(key);
    this.#failures.set(key, { count: fresh ? 1 : before.count + 1, lastMs: now });
    if (this.#failures.size <= keysMax) return;
    const oldest = this.#failures.keys().next().value;
    if (oldest !== undefined) this.#failures.delete(oldest);
  }
}

/** Names that are too long for a user share a key: what is remembered is bounded in bytes too. */
const keyOf = (source: string, user: string): string =>
  `${source} ${user.length > userCharactersMax ? '' : user}`;

/** What counts as one source: an IPv4 address, or the /64 that one IPv6 site has to itself. */
export const sourceOf = (address: string): string => {
  const bytes = addressBytesFrom(address);
  if (bytes === undefined) return address;
  if (bytes.length === 4) return bytes.join('.');
  const groups = [0, 2, 4, 6].map((at) =>
    ((bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0)).toString(16),
  );
  return `${groups.join(':')}::/64`;
};
