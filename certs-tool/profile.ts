// The bounds of what is issued: lifetimes, their spread, the back-dating of a certificate's
// start.
import { CodedError } from '#errors.ts';

/** Milliseconds of a day. */
export const dayMs = 24 * 60 * 60 * 1000;

/**
 * A certificate is valid from a little before it was made: clocks of other machines run behind.
 */
export const backdateMs = 5 * 60 * 1000;

/** Where randomness comes from; node:crypto's randomBytes unless a test needs the same twice. */
export type RandomBytes = (size: number) => Uint8Array;

/** How long a kind of certificate lives: days by default and at most, and the spread around it. */
export interface Lifetime {
  readonly days: number;
  readonly daysMax: number;
  /**
   * Share of the lifetime by which the end moves at random, so that a fleet does not expire at
   * once.
   */
  readonly spread: number;
}

/** CAs: rotated long before, in stages. */
export const authorityLifetime: Lifetime = { days: 5 * 365, daysMax: 10 * 365, spread: 0 };
/** Nodes: a year, so that renewing stays a habit that works. */
export const nodeLifetime: Lifetime = { days: 365, daysMax: 825, spread: 0.1 };
/** HTTPS servers: as nodes. */
export const httpsLifetime: Lifetime = { days: 365, daysMax: 825, spread: 0.1 };
/**
 * Users' certificates are short: they can be revoked, but need not be when they end by
 * themselves.
 */
export const userLifetime: Lifetime = { days: 30, daysMax: 90, spread: 0 };

/**
 * How long a certificate lives, in milliseconds after now.
 *
 * @param days what was asked for; fractions are for tests of expiry
 * @throws CodedError `config_invalid` when it is not above 0 and at most the kind's bound
 */
export const lifetimeMs = (
  lifetime: Lifetime,
  days: number | undefined,
  randomBytes: RandomBytes,
): number => {
  const asked = days ?? lifetime.days;
  if (!(asked > 0 && asked <= lifetime.daysMax)) {
    throw new CodedError('config_invalid', `a lifetime of ${asked} days is out of bounds`, {
      hint: `ask for more than 0 and at most ${lifetime.daysMax} days`,
    });
  }
  const share = Buffer.from(randomBytes(4)).readUInt32BE(0) / 0xffff_ffff;
  return asked * dayMs * (1 + lifetime.spread * (2 * share - 1));
};
