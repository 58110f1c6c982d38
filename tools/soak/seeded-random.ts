// Chance that can be repeated: the same seed, the same plan.

/** Gives whole numbers from 0 to `below - 1`. */
export type Below = (below: number) => number;

/** A generator (mulberry32) for this seed. */
export const seededRandom = (seed: number): Below => {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
};
