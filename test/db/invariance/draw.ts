// Draws from a seed: the same in every run, on every machine, so that a number names a whole log.

/** A source of draws. */
export interface Draw {
  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number;
  /** One of the list, which is not empty. */
  pick<Item>(list: readonly Item[]): Item;
  /** True in `percent` of a hundred draws. */
  chance(percent: number): boolean;
}

/** The source of a seed (the generator is Mulberry32). */
export const drawFrom = (seed: number): Draw => {
  let state = seed >>> 0;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
  return {
    below,
    pick: (list) => {
      const picked = list[below(list.length)];
      if (picked === undefined) throw new Error('nothing to pick from');
      return picked;
    },
    chance: (percent) => below(100) < percent,
  };
};
