// What a seed's world is like: how bad the network, the disks and the clocks are, and how often
// something breaks. Each kind of trouble is absent in some seeds, so that none hides another.
import type { Random } from '../raft/random.ts';

/** Chances are from 0 to 1; `...EveryMs` is a mean, Infinity for never. */
export interface Weather {
  readonly lossChance: number;
  readonly duplicateChance: number;
  readonly delayMsMax: number;
  readonly longDelayChance: number;
  readonly syncMsMax: number;
  readonly slowSyncChance: number;
  /** Chances of a sync: that the disk has no room for it, that it fails. */
  readonly diskFullChance: number;
  readonly syncFailsChance: number;
  readonly crashPerEffectChance: number;
  /** How often a node takes more input before it takes a turn. */
  readonly batchChance: number;
  readonly tickSpread: number;
  readonly crashEveryMs: number;
  readonly partitionEveryMs: number;
  readonly configurationEveryMs: number;
  readonly transferEveryMs: number;
  readonly trimEveryMs: number;
  readonly pauseEveryMs: number;
  readonly clockJumpEveryMs: number;
  /** How often a leader falls asleep, parted from the others; see sim-operator.ts. */
  readonly leaderSleepsEveryMs: number;
  readonly diskLossEveryMs: number;
  readonly diskReplacementEveryMs: number;
  readonly backUpEveryMs: number;
  readonly rollBackEveryMs: number;
  /** How often the operator looks after nodes whose disk is another or an older one. */
  readonly tendDisksEveryMs: number;
}

/** Draws the weather of a seed. */
export const drawWeather = (random: Random): Weather => {
  const sometimes = (chance: number): number => (random.chance(0.5) ? chance : 0);
  const every = (meanMs: number): number =>
    random.chance(0.6) ? meanMs * (0.5 + random.below(100) / 66) : Number.POSITIVE_INFINITY;
  return {
    lossChance: sometimes(random.pick([0.01, 0.05, 0.2])),
    duplicateChance: sometimes(random.pick([0.02, 0.1])),
    delayMsMax: random.pick([1, 5, 20]),
    longDelayChance: sometimes(0.03),
    syncMsMax: random.pick([1, 3, 15]),
    slowSyncChance: sometimes(0.05),
    diskFullChance: sometimes(0.01),
    syncFailsChance: sometimes(0.003),
    crashPerEffectChance: sometimes(random.pick([0.0005, 0.003])),
    batchChance: sometimes(0.4),
    tickSpread: random.pick([0, 0.3]),
    crashEveryMs: every(400),
    partitionEveryMs: every(350),
    configurationEveryMs: every(120),
    transferEveryMs: every(300),
    trimEveryMs: every(100),
    pauseEveryMs: every(600),
    clockJumpEveryMs: every(500),
    leaderSleepsEveryMs: Number.POSITIVE_INFINITY,
    diskLossEveryMs: every(3000),
    diskReplacementEveryMs: every(1500),
    backUpEveryMs: 100,
    rollBackEveryMs: every(300),
    tendDisksEveryMs: 100,
  };
};

/** The weather in which a cluster has to recover. */
export const fairWeather: Weather = {
  lossChance: 0,
  duplicateChance: 0,
  delayMsMax: 2,
  longDelayChance: 0,
  syncMsMax: 1,
  slowSyncChance: 0,
  diskFullChance: 0,
  syncFailsChance: 0,
  crashPerEffectChance: 0,
  batchChance: 0,
  tickSpread: 0,
  crashEveryMs: Number.POSITIVE_INFINITY,
  partitionEveryMs: Number.POSITIVE_INFINITY,
  configurationEveryMs: Number.POSITIVE_INFINITY,
  transferEveryMs: Number.POSITIVE_INFINITY,
  trimEveryMs: Number.POSITIVE_INFINITY,
  pauseEveryMs: Number.POSITIVE_INFINITY,
  clockJumpEveryMs: Number.POSITIVE_INFINITY,
  leaderSleepsEveryMs: Number.POSITIVE_INFINITY,
  diskLossEveryMs: Number.POSITIVE_INFINITY,
  diskReplacementEveryMs: Number.POSITIVE_INFINITY,
  backUpEveryMs: Number.POSITIVE_INFINITY,
  rollBackEveryMs: Number.POSITIVE_INFINITY,
  tendDisksEveryMs: Number.POSITIVE_INFINITY,
};
