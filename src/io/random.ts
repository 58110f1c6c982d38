// Randomness, as an argument. Secrets, salts and ids come from `cryptoRandom`; `seededRandom` gives
// the same numbers for the same seed and is for tests and the simulator only.
import { randomBytes, randomInt } from 'node:crypto';
import { invariant } from '#invariant.ts';

/** A source of randomness. */
export interface Random {
  /** `length` random bytes in a buffer of their own. */
  bytes(length: number): Uint8Array;
  /** A whole number from 0 to `limit - 1`; `limit` is from 1 to 2^32, without bias. */
  below(limit: number): number;
}

/** The operating system's generator: not predictable, good for keys. */
export const cryptoRandom: Random = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
  below: (limit) => randomInt(limit),
};

/**
 * A predictable source (the generator known as mulberry32): never for anything that somebody must
 * not guess. `below` has a bias under 2^-20 for small limits, which no test can see.
 */
export const seededRandom = (seed: number): Random => {
  let state = seed >>> 0;
  const word = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return {
    bytes: (length) => Uint8Array.from({ length }, () => word() & 0xff),
    below: (limit) => {
      invariant(limit >= 1 && limit <= 2 ** 32, 'a random number is drawn from 1 to 2^32 values');
      return Math.floor((word() / 2 ** 32) * limit);
    },
  };
};
