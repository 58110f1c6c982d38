// Tells the log when certificates come to their end: once when one grows old, ends or is good
// again, and once a day as long as it is not good. Says nothing of certificates of users.
import { ageOf, type CertificateEnd, endText } from '#http/certificate-ends.ts';
import type { Logger } from './logger.ts';

const dayMs = 86_400_000;

/** How often whoever owns one looks. */
export const countdownEveryMs = 10_000;

interface Told {
  readonly age: string;
  readonly atMs: number;
}

/** See the head of this file; `look` is to be called now and then, and after a reload. */
export class CertificateCountdown {
  readonly #ends: () => readonly CertificateEnd[];
  readonly #log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly #wallMs: () => number;
  readonly #told = new Map<string, Told>();

  constructor(
    ends: () => readonly CertificateEnd[],
    log: Pick<Logger, 'info' | 'warn' | 'error'>,
    wallMs: () => number,
  ) {
    this.#ends = ends;
    this.#log = log;
    this.#wallMs = wallMs;
  }

  look(): void {
    const nowMs = this.#wallMs();
    for (const end of this.#ends()) {
      const age = ageOf(end, nowMs);
      const told = this.#told.get(end.name) ?? { age: 'good', atMs: 0 };
      const due = age !== 'good' && nowMs - told.atMs >= dayMs;
      if (age === told.age && !due) continue;
      this.#told.set(end.name, { age, atMs: nowMs });
      this.#say(end, age, nowMs);
    }
  }

  #say(end: CertificateEnd, age: string, nowMs: number): void {
    const fields = { certificate: end.name, ends: new Date(end.notAfterMs).toISOString() };
    const text = endText(end, nowMs);
    if (age === 'good') this.#log.info(fields, text);
    else if (age === 'ageing') this.#log.warn(fields, text);
    else this.#log.error(fields, text);
  }
}
