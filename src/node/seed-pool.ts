// Seeds for entries: 16 bytes each, drawn from the operating system a few hundred at a time,
// because a call for each entry would cost more than the entry's own work.
import type { Random } from '#io/random.ts';

const seedBytes = 16;
const seedsPerDraw = 256;

/** A supply of seeds; none is handed out twice. */
export const createSeedPool = (random: Random): (() => Uint8Array) => {
  let pool = random.bytes(seedBytes * seedsPerDraw);
  let at = 0;
  return () => {
    if (at === pool.length) {
      pool = random.bytes(seedBytes * seedsPerDraw);
      at = 0;
    }
    at += seedBytes;
    return pool.subarray(at - seedBytes, at);
  };
};
