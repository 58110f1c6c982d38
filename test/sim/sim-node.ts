// A node's whole life: what its disk and its database keep, and the program that runs until the
// next crash. A crash may come at every effect: before a message leaves, after a write, between two
// applies.
import { CodedError } from '#errors.ts';
import { systemErrorCode } from '#io/file-system.ts';
import { configurationCodec } from '#node/membership-codec.ts';
import { startPlanOf } from '#node/raft-start.ts';
import type { Alarm } from '#raft/alarm.ts';
import { describeMessage } from '#raft/describe.ts';
import type { Entry } from '#raft/entry.ts';
import type { HardState } from '#raft/hard-state.ts';
import { earlierOf } from '#raft/log-index.ts';
import type { Message } from '#raft/message.ts';
import { type NodeId, nodeId } from '#raft/node-id.ts';
import type { LoadRequest, ReadState, Ready, SnapshotRequest } from '#raft/ready.ts';
import { termZero } from '#raft/term.ts';
import { SimulatedDisk } from '../log/simulated-disk.ts';
import type { DiskContents } from '../raft/memory-disk.ts';
import {
  createTestNode,
  type Database,
  emptyDatabase,
  type TestNode,
  type TestNodeHooks,
} from '../raft/test-node.ts';
import { type DiskOptions, SimDisk } from './sim-disk.ts';
import { applyCommand } from './workload.ts';
import type { World } from './world.ts';

/** The program stops in the middle of what it does. */
class Crash extends Error {
  override readonly name = 'Crash';
}

/** One life of a node's program. */
export interface Life {
  readonly node: TestNode;
  /** The values by key, computed from what was applied. */
  values: Map<string, string>;
  syncScheduled: boolean;
  turnScheduled: boolean;
}

/** What clients and operators want to know of a node. */
export interface NodeListener {
  onApplied(life: Life, entry: Entry): void;
  onReadState(life: Life, readState: ReadState): void;
  afterTurn(life: Life): void;
}

/** What a backup of a whole machine holds. */
export interface Backup {
  readonly files: SimulatedDisk;
  readonly checkpoint: Database;
  readonly images: ReadonlyMap<number, Database>;
}

/** A node of the simulated cluster. */
export interface SimNode {
  readonly id: NodeId;
  /** The running program, if any. */
  life: Life | undefined;
  /** What became of its disk; see sim-disks.ts. */
  fate: 'sound' | 'lost' | 'replaced' | 'rolled-back';
  /** The id of its disk, and the one that the cluster has on record for its name. */
  storeId: number;
  storeOnRecord: number;
  /** What a disk that was replaced had acknowledged: that stays counted. */
  acknowledged: DiskContents | undefined;
  backup: Backup | undefined;
  pausedUntil: number;
  /** Until then its clock does not tick; a pause alone makes up for ticks when it is over. */
  asleepUntil: number;
  /** The log on its disk, open also while no program runs: nobody else touches it. */
  disk: SimDisk;
  /** The database as a power cut would leave it: a prefix of what was applied (WAL, not synced). */
  checkpoint: Database;
  /** Images that are on disk beside the database. */
  readonly images: Map<number, Database>;
}

/** A node with an empty disk, or, of the creator, with the first entry on it. */
export const createSimNode = (
  name: string,
  options: DiskOptions,
  first?: { readonly entry: Entry; readonly hardState: HardState },
): SimNode => {
  let disk = new SimDisk(new SimulatedDisk(), options);
  if (first !== undefined) {
    const { entry, hardState } = first;
    const nothing = { sequence: 0, snapshot: undefined, truncateFrom: undefined };
    disk.write({ ...nothing, entries: [entry], hardState });
    disk.syncNext();
    disk = disk.afterCrash({ kept: 0, isPowerCut: false }).next;
  }
  return {
    id: nodeId(name),
    life: undefined,
    fate: 'sound',
    storeId: 1,
    storeOnRecord: 1,
    acknowledged: undefined,
    backup: undefined,
    pausedUntil: 0,
    asleepUntil: 0,
    disk,
    checkpoint: emptyDatabase,
    images: new Map(),
  };
};

/** What is durable of a node's log now, or was when it was counted. */
export const diskOf = (node: SimNode): DiskContents => node.acknowledged ?? node.disk.durable;

/** Whether the node has the disk that it always had, or an empty one that it joined with. */
export const isSound = ({ fate }: SimNode): boolean => fate === 'sound';

/** Whether others hear a node: by the store id of its disk, never by its name alone. */
export const isHeard = ({ storeOnRecord, storeId }: SimNode): boolean => storeId === storeOnRecord;

/**
 * Runs something in a node's program, if it runs; afterwards the program does what it owes. Of a
 * node that stands still it runs when the node goes on.
 *
 * @param only the one life that it is meant for: another knows nothing of it
 */
export const runIn = (
  world: World,
  sim: SimNode,
  action: (life: Life) => void,
  only?: Life,
): void => {
  const { life } = sim;
  if (life === undefined || (only !== undefined && only !== life)) return;
  if (sim.pausedUntil > world.queue.now) {
    world.queue.schedule(sim.pausedUntil - world.queue.now, () => runIn(world, sim, action, only));
    return;
  }
  try {
    action(life);
    if (world.random.chance(world.weather.batchChance)) {
      // A busy program takes several messages before it does what it owes for them.
      if (!life.turnScheduled)
        world.queue.schedule(world.random.below(3), () => takeTurn(world, sim, life));
      life.turnScheduled = true;
      world.checks.afterTurn(life.node, { isCutShort: true });
      return;
    }
    life.node.turn();
    world.checks.afterTurn(life.node);
    world.listener.afterTurn(life);
    scheduleSync(world, sim, life);
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
    // What it committed before it stopped may already be on its way to others.
    world.checks.afterTurn(life.node, { isCutShort: true });
    crash(world, sim, error.message);
  }
};

const takeTurn = (world: World, sim: SimNode, life: Life): void => {
  life.turnScheduled = false;
  runIn(world, sim, () => undefined, life);
};

const maybeCrash = (world: World, sim: SimNode, where: string): void => {
  if (!world.random.chance(world.weather.crashPerEffectChance)) return;
  world.counts.crashesAtEffects += 1;
  throw new Crash(`${sim.id} ${where}`);
};

const scheduleSync = (world: World, sim: SimNode, life: Life): void => {
  const { random, weather } = world;
  if (life.syncScheduled) return;
  if (life.node.disk.unsynced.length === 0) {
    if (random.chance(0.05)) sim.disk.idle();
    return;
  }
  life.syncScheduled = true;
  const isSlow = random.chance(weather.slowSyncChance);
  if (isSlow) world.counts.slowSyncs += 1;
  const delayMs = isSlow ? random.below(300) : random.below(weather.syncMsMax * 10) / 10;
  const sync = (): void => {
    life.syncScheduled = false;
    // What came while the disk worked goes to it together; or a part of it, as its size demands.
    syncSome(world, sim, life, 1 + random.below(life.node.disk.unsynced.length));
  };
  world.queue.schedule(delayMs, () => runIn(world, sim, sync, life));
};

const syncSome = (world: World, sim: SimNode, { node }: Life, count: number): void => {
  const { random, weather, counts } = world;
  const { files, durable } = sim.disk;
  const before = durable.hardState;
  if (random.chance(weather.diskFullChance)) files.roomBytes = random.below(1000);
  files.failNextSync = random.chance(weather.syncFailsChance);
  try {
    node.syncNext(count);
  } catch (error) {
    if (error instanceof CodedError && error.code === 'disk_full') {
      // The log waits and tries again, when somebody made room.
      counts.disksFull += 1;
      world.trace(() => `${sim.id} has no room on its disk`);
      sim.disk.refusedForRoom();
      return;
    }
    if (systemErrorCode(error) !== 'EIO') throw error;
    counts.syncsFailed += 1;
    throw new Crash(`${sim.id} a sync failed`);
  } finally {
    files.roomBytes = Number.POSITIVE_INFINITY;
    files.failNextSync = false;
  }
  world.checks.onSynced(sim.id, before, node.disk.durable);
};

const hooksOf = (world: World, sim: SimNode, lifeOf: () => Life): TestNodeHooks => ({
  send(message: Message) {
    maybeCrash(world, sim, 'before a message left');
    world.checks.onSend(lifeOf().node, message);
    world.send(message);
  },
  onReady(ready: Ready) {
    maybeCrash(world, sim, 'before a Ready was carried out');
    const { node } = lifeOf();
    world.checks.onReady(node, ready);
    if (ready.snapshot !== undefined) world.counts.snapshotsAdopted += 1;
    if (ready.truncateFrom !== undefined) world.counts.truncations += 1;
  },
  onApplied(entry: Entry) {
    const life = lifeOf();
    world.checks.onApplied(life.node, entry);
    applyCommand(life.values, entry);
    world.listener.onApplied(life, entry);
    if (world.random.chance(0.1)) sim.checkpoint = life.node.takeImage();
    maybeCrash(world, sim, 'after an apply');
  },
  onImageAdopted(image: Database) {
    sim.checkpoint = image;
    lifeOf().values = valuesOf(image);
  },
  onReadState(readState: ReadState) {
    world.listener.onReadState(lifeOf(), readState);
  },
  onSnapshotRequest(request: SnapshotRequest) {
    sendImage(world, sim, lifeOf(), request);
  },
  onAlarm(alarm: Alarm) {
    const isOfLostLog = alarm.kind === 'acknowledged-entries-lost';
    if (isOfLostLog && world.nodeOf(alarm.node)?.fate === 'rolled-back') {
      world.counts.lostLogAlarms += 1;
      return;
    }
    world.fail(`${sim.id} raised an alarm: ${JSON.stringify(alarm)}`);
  },
  onLoad({ from, bytesMax }: LoadRequest) {
    const life = lifeOf();
    const { disk, raft } = life.node;
    world.counts.loads += 1;
    if (from <= disk.written.trimmedIndex) return;
    // Read now, delivered later: what is delivered may no longer be in the log.
    const entries = disk.read(from, bytesMax);
    world.queue.schedule(world.random.below(20), () =>
      runIn(world, sim, () => raft.loaded(entries), life),
    );
  },
});

const valuesOf = (database: Database): Map<string, string> => {
  const values = new Map<string, string>();
  for (const entry of database.applied) applyCommand(values, entry);
  return values;
};

/** Sends an image of the database as it is now, which may hold more than was asked for. */
const sendImage = (world: World, sim: SimNode, life: Life, request: SnapshotRequest): void => {
  const image = life.node.takeImage();
  const indexTerm = image.applied.at(-1)?.term ?? request.message.indexTerm;
  const { appliedIndex: index, membership } = image;
  const message = { ...request.message, index, indexTerm, membership };
  const { storeId } = sim;
  world.counts.imagesSent += 1;
  world.queue.schedule(5 + world.random.below(60), () => {
    const target = world.nodeOf(request.to);
    const arrives =
      target?.life !== undefined &&
      world.isConnected(sim.id, request.to) &&
      isHeard(sim) &&
      isHeard(target) &&
      sim.storeId === storeId;
    if (arrives && target !== undefined) {
      world.trace(() => describeMessage(message));
      target.images.set(index, image);
      const receive = ({ node }: Life): void => {
        node.receiveImage(image);
        node.raft.step(message);
      };
      runIn(world, target, receive, target.life);
    }
    runIn(world, sim, ({ node }) => node.raft.reportSnapshot(request.to, arrives), life);
  });
};

/** Starts a node's program from what is on its disk. */
export const start = (world: World, sim: SimNode): void => {
  if (sim.life !== undefined || sim.fate === 'lost') return;
  const { recovered } = sim.disk;
  // An image whose record is in the log is adopted to the end (it lay beside the database).
  if (recovered.trimmedIndex > sim.checkpoint.appliedIndex) {
    const image = sim.images.get(recovered.trimmedIndex);
    if (image === undefined)
      world.fail(`${sim.id} has a log behind an image that it does not have`);
    else sim.checkpoint = image;
  }
  const { appliedIndex, membership, applied } = sim.checkpoint;
  const appliedTerm = applied.at(-1)?.term ?? termZero;
  const plan = startPlanOf(recovered, { appliedIndex, appliedTerm, membership });
  if (plan.append !== undefined) world.fail(`${sim.id} has a database that is ahead of its log`);
  world.trace(() => `${sim.id} starts`);
  const life: Life = {
    node: createTestNode({
      id: sim.id,
      disk: sim.disk,
      raftStart: plan.start,
      codec: configurationCodec,
      database: sim.checkpoint,
      options: world.raftOptions,
      random: world.random.below,
      hooks: hooksOf(world, sim, () => life),
    }),
    values: valuesOf(sim.checkpoint),
    syncScheduled: false,
    turnScheduled: false,
  };
  sim.life = life;
  world.checks.started(life.node);
  runIn(world, sim, () => undefined);
  scheduleTick(world, sim, life);
};

const scheduleTick = (world: World, sim: SimNode, life: Life): void => {
  const spread = 1 + (world.random.below(200) / 100 - 1) * world.weather.tickSpread;
  world.queue.schedule(10 * spread, () => {
    if (sim.life !== life) return;
    scheduleTick(world, sim, life);
    if (sim.asleepUntil > world.queue.now) return;
    runIn(world, sim, ({ node }) => node.raft.tick(), life);
  });
};

/** Stops a node's program; its disk keeps what was synced, and perhaps some of the rest. */
export const crash = (world: World, sim: SimNode, why: string): void => {
  const { life } = sim;
  if (life === undefined) return;
  const unsynced = life.node.disk.unsynced.length;
  const kept = unsynced === 0 ? 0 : world.random.below(unsynced + 1);
  const isPowerCut = world.random.chance(0.5);
  const before = sim.disk.durable.hardState;
  // The kernel still has what the database wrote when only its program ends.
  if (!isPowerCut) sim.checkpoint = life.node.takeImage();
  const { next, isTorn, hasLost } = sim.disk.afterCrash({ kept, isPowerCut });
  world.counts.crashes += 1;
  if (isPowerCut) world.counts.powerCuts += 1;
  if (hasLost) world.counts.lostWrites += 1;
  if (isTorn) world.counts.tornWrites += 1;
  world.trace(() => {
    const how = `${isPowerCut ? 'without power' : 'alone'}${isTorn ? ', in the middle of a write' : ''}`;
    return `${sim.id} crashes (${why}) ${how}; ${unsynced} writes were not synced`;
  });
  world.checks.onSynced(sim.id, before, next.durable);
  sim.disk = next;
  sim.life = undefined;
  world.onCrash(sim);
};

/** Drops entries from a node's log that its database holds durably. */
export const trim = (world: World, sim: SimNode): void => {
  const { life } = sim;
  if (life === undefined) return;
  const index = earlierOf(sim.checkpoint.appliedIndex, life.node.database.appliedIndex);
  if (index <= life.node.disk.durable.trimmedIndex) return;
  world.counts.trims += 1;
  runIn(world, sim, ({ node }) => node.trim(index), life);
};
