// The operator of a simulation, and what befalls the machines: changes of configuration, transfers,
// crashes, pauses, partitions, clock jumps, lost disks. Each comes at random times of its own.
import { membersOf } from '#raft/configuration.ts';
import type { Membership, MembershipChange } from '#raft/membership.ts';
import {
  backUp,
  hasSoundQuorum,
  leadersOf,
  loseDisk,
  replaceDisk,
  rollBackDisk,
  tendDisks,
} from './sim-disks.ts';
import type { SimNetwork } from './sim-network.ts';
import { crash, runIn, type SimNode, start, trim } from './sim-node.ts';
import type { Weather } from './weather.ts';
import type { World } from './world.ts';

const drawChanges = (world: World): MembershipChange[] => {
  const { random, nodes } = world;
  const count = random.chance(0.5) ? 1 : 2 + random.below(3);
  return Array.from({ length: count }, () => ({
    kind: random.pick(['add-voter', 'add-voter', 'add-learner', 'remove'] as const),
    node: random.pick(nodes).id,
  }));
};

/** Whether the operator would dare: enough voters, and a quorum of them with sound disks. */
const isReasonable = (
  world: World,
  changes: readonly MembershipChange[],
  now: Membership,
): boolean => {
  const voters = new Set(now.voters);
  for (const { kind, node } of changes) {
    if (kind === 'add-voter') voters.add(node);
    else voters.delete(node);
  }
  const isSound = changes.every(
    ({ kind, node }) => kind === 'remove' || world.nodeOf(node)?.fate === 'sound',
  );
  const after = { ...now, voters: [...voters], votersOutgoing: now.voters };
  return voters.size > 0 && isSound && hasSoundQuorum(world, after);
};

const changeConfiguration = (world: World): void => {
  for (const sim of leadersOf(world)) {
    runIn(world, sim, ({ node }) => {
      const changes = drawChanges(world);
      if (!isReasonable(world, changes, node.raft.membership)) return;
      const proposed = node.raft.proposeConfiguration(changes, new Uint8Array(0));
      if (proposed.kind === 'refused') return;
      world.counts.configurations += 1;
      if (node.raft.membership.votersOutgoing.length > 0) world.counts.jointConfigurations += 1;
      world.trace(() => `${sim.id} proposes ${JSON.stringify(changes)} at ${proposed.index}`);
    });
  }
};

const transfer = (world: World): void => {
  for (const sim of leadersOf(world)) {
    runIn(world, sim, ({ node }) => {
      const to = world.random.pick(membersOf(node.raft.membership));
      if (node.raft.transferLeadership(to) === undefined) world.counts.transfers += 1;
    });
  }
};

/**
 * A leader stands still as a stopped process does, parted from the others until they may have a
 * leader and commits of their own. Then it goes on, still parted: for a while it has no sign that
 * its office is over, and clients ask it for reads.
 */
const leaderSleeps = (world: World, network: SimNetwork): void => {
  const [sim] = leadersOf(world);
  if (sim === undefined) return;
  world.counts.leadersAsleep += 1;
  const sleepMs = 120 + world.random.below(200);
  network.cutOff(world, sim);
  sim.pausedUntil = world.queue.now + sleepMs;
  sim.asleepUntil = sim.pausedUntil;
  world.trace(() => `${sim.id} falls asleep for ${sleepMs} ms`);
  world.queue.schedule(sleepMs + 10 + world.random.below(100), () => network.mend());
};

/** Starts everything that may befall the cluster; each goes on as long as the weather has it. */
export const startTroubles = (world: World, network: SimNetwork): void => {
  const repeat = (meanMs: (weather: Weather) => number, action: () => void): void => {
    const mean = meanMs(world.weather);
    if (!Number.isFinite(mean)) return;
    world.queue.schedule(world.random.below(mean * 2), () => {
      if (!Number.isFinite(meanMs(world.weather))) return;
      action();
      repeat(meanMs, action);
    });
  };
  const anyNode = (): SimNode => world.random.pick(world.nodes);

  repeat(
    (weather) => weather.crashEveryMs,
    () => crash(world, anyNode(), 'killed'),
  );
  repeat(
    (weather) => weather.configurationEveryMs,
    () => changeConfiguration(world),
  );
  repeat(
    (weather) => weather.transferEveryMs,
    () => transfer(world),
  );
  repeat(
    (weather) => weather.trimEveryMs,
    () => trim(world, anyNode()),
  );
  repeat(
    (weather) => weather.diskLossEveryMs,
    () => loseDisk(world),
  );
  repeat(
    (weather) => weather.diskReplacementEveryMs,
    () => replaceDisk(world),
  );
  repeat(
    (weather) => weather.rollBackEveryMs,
    () => rollBackDisk(world),
  );
  repeat(
    (weather) => weather.backUpEveryMs,
    () => backUp(world),
  );
  repeat(
    (weather) => weather.tendDisksEveryMs,
    () => tendDisks(world),
  );
  repeat(
    (weather) => weather.partitionEveryMs,
    () => {
      network.breakSomething(world);
      world.queue.schedule(50 + world.random.below(400), () => network.mend());
    },
  );
  repeat(
    (weather) => weather.pauseEveryMs,
    () => {
      world.counts.pauses += 1;
      anyNode().pausedUntil = world.queue.now + 20 + world.random.below(300);
    },
  );
  repeat(
    (weather) => weather.leaderSleepsEveryMs,
    () => leaderSleeps(world, network),
  );
  repeat(
    (weather) => weather.clockJumpEveryMs,
    () => {
      world.counts.clockJumps += 1;
      const ticks = 1 + world.random.below(30);
      runIn(world, anyNode(), ({ node }) => {
        for (let count = 0; count < ticks; count += 1) node.raft.tick();
      });
    },
  );
};

/** A supervisor: whatever stopped starts again after a while. */
export const restartLater = (world: World, sim: SimNode): void => {
  world.queue.schedule(10 + world.random.below(200), () => start(world, sim));
};
