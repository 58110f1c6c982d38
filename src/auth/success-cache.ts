// Remembers which Authorization headers were proved good a short while ago, so that a request costs
// one digest instead of a password hash. Keys are digests under a key of this process: neither a
// password nor anything that could be tried against a list is held in memory.
import { hash } from 'node:crypto';

/** An entry that nobody used for so long is proved anew. */
const idleMs = 60_000;
/** Proved anew at the latest after this long, however busy; a reload forgets everything at once. */
const ageMsMax = 15 * 60_000;
/** Headers remembered; far more than users that are active within a minute. */
const entriesMax = 10_000;

interface Entry<T> {
  readonly value: T;
  readonly provedMs: number;
  usedMs: number;
}

/** A bounded map from headers to what they proved. */
export class SuccessCache<T> {
  readonly #key: string;
  readonly #nowMs: () => number;
  readonly #entries = new Map<string, Entry<T>>();

  /**
   * @param key random text, secret to this process
   * @param nowMs a monotonic clock
   */
  constructor(key: string, nowMs: () => number) {
    this.#key = key;
    this.#nowMs = nowMs;
  }

  /** The digest under which a header is remembered; also names it among pending proofs. */
  digestOf(header: string): string {
    return hash('sha256', this.#key + header, 'base64');
  }

  get(digest: string): T | undefined {
    const entry = this.#entries.get(digest);
    if (entry === undefined) return undefined;
    const now = this.#nowMs();
    if (now - entry.usedMs > idleMs || now - entry.provedMs > ageMsMax) {
      this.#entries.delete(digest);
      return undefined;
    }
    entry.usedMs = now;
    return entry.value;
  }

  set(digest: string, value: T): void {
    const now = this.#nowMs();
    this.#entries.set(digest, { value, provedMs: now, usedMs: now });
    if (this.#entries.size <= entriesMax) return;
    const oldest = this.#entries.keys().next().value;
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  clear(): void {
    this.#entries.clear();
  }
}
