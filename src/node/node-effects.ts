// What a node does to the world, handed in: disk, clocks, randomness.
import type { Clock } from '#io/clock.ts';
import type { FileSystem } from '#io/file-system.ts';
import type { Random } from '#io/random.ts';

/** The effects of one node. */
export interface NodeEffects {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly random: Random;
}
