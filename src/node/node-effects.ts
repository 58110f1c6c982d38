// What a node does to the world, handed in: disk, clocks, randomness.
import { type Clock, systemClock } from '#io/clock.ts';
import { type FileSystem, systemFiles } from '#io/file-system.ts';
import { cryptoRandom, type Random } from '#io/random.ts';

/** The effects of one node. */
export interface NodeEffects {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly random: Random;
}

/** The effects of this machine. */
export const systemEffects: NodeEffects = {
  files: systemFiles,
  clock: systemClock,
  random: cryptoRandom,
};
