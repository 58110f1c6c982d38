// One run: a cluster of real cores in a simulated world, everything following from one seed. First
// trouble for a number of steps, then fair weather, in which the cluster has to recover.
import { InvariantError } from '#invariant.ts';
import { configurationCodec, membershipFrom } from '#node/membership-codec.ts';
import { logIndex } from '#raft/log-index.ts';
import { nodeId } from '#raft/node-id.ts';
import { term } from '#raft/term.ts';
import { createRandom, type Random } from '../raft/random.ts';
import { createChecks, SimulationFailure } from './checks.ts';
import { EntryRegistry } from './entry-registry.ts';
import { createEventQueue } from './event-queue.ts';
import { isLinearizable } from './linearizability.ts';
import { createSimClients, type SimClients } from './sim-clients.ts';
import type { DiskOptions } from './sim-disk.ts';
import { createSimNetwork } from './sim-network.ts';
import { createSimNode, diskOf, isSound, type SimNode, start } from './sim-node.ts';
import { restartLater, startTroubles } from './sim-operator.ts';
import { drawWeather, fairWeather } from './weather.ts';
import { modelFor } from './workload.ts';
import { type Counts, createCounts, type World } from './world.ts';

/** How a run is made. */
export interface RunOptions {
  readonly seed: number;
  /** Events in trouble; as many again, and no more, are allowed for the recovery. */
  readonly steps: number;
  /** Keep the last lines of what happened. */
  readonly trace: boolean;
  /** Nodes are heard by their names alone, whatever disk they have. */
  readonly hearsEveryDisk?: boolean;
}

/** What came of a run. */
export interface RunResult {
  readonly failure: string | undefined;
  readonly counts: Counts;
  readonly timeline: readonly string[];
}

/** In every eighth seed, for it lets little else happen. */
const leaderSleepsEveryMs = (seed: number): number =>
  seed % 8 === 0 ? 500 : Number.POSITIVE_INFINITY;

/** Lines of a timeline that are kept. */
const timelineMax = 150;

const namesFor = (count: number): string[] =>
  Array.from({ length: count }, (_, position) => `n${position + 1}`);

/** The first entry of the creator's log, and the term it is in (bootstrap). */
const creation = (voters: readonly string[]) => {
  const membership = membershipFrom({
    voters,
    votersOutgoing: [],
    learners: [],
    learnersNext: [],
    autoLeave: false,
  });
  const data = configurationCodec.encode({ membership, context: new Uint8Array(0) });
  const first = { index: logIndex(1), term: term(1) };
  return {
    entry: { ...first, kind: 'configuration', data },
    hardState: { term: first.term, votedFor: undefined, commitIndex: logIndex(0) },
  } as const;
};

const createNodes = (random: Random, options: DiskOptions): SimNode[] => {
  const voters = namesFor(random.pick([3, 5, 5, 5, 1, 2, 4]));
  const names = namesFor(voters.length + 2);
  return names.map((name) =>
    createSimNode(name, options, name === 'n1' ? creation(voters) : undefined),
  );
};

/** Runs one seed. */
export const runSeed = (options: RunOptions): RunResult => {
  const { seed, steps, trace, hearsEveryDisk = false } = options;
  const timeline: string[] = [];
  const counts = createCounts();
  const random = createRandom(seed);
  const queue = createEventQueue();
  const network = createSimNetwork();
  const clients = createSimClients();
  const cachedBytesMax = random.pick([0, 500, 100_000]);
  const diskOptions: DiskOptions = {
    // The first page and a few frames, some dozens, or all of a run.
    segmentBytes: 4096 + random.pick([1500, 6000, 60_000]),
    recentBytesMax: cachedBytesMax,
    random,
    registry: new EntryRegistry(),
    now: () => queue.now,
  };
  const nodes = createNodes(createRandom(seed ^ 0x5eed), diskOptions);
  const nodeOf = (id: string): SimNode | undefined => nodes.find((sim) => sim.id === id);
  const checks = createChecks((id) => {
    const sim = nodeOf(id);
    return sim === undefined ? undefined : diskOf(sim);
  });
  const world: World = {
    random,
    queue,
    checks,
    counts,
    nodes,
    diskOptions,
    hearsEveryDisk,
    listener: clients.listener,
    raftOptions: {
      electionTicks: 6,
      heartbeatTicks: 2,
      appendBytesMax: random.pick([200, 1000, 10_000]),
      inFlightMessagesMax: random.pick([1, 4, 32]),
      cachedBytesMax,
    },
    weather: { ...drawWeather(random), leaderSleepsEveryMs: leaderSleepsEveryMs(seed) },
    nodeOf,
    send: (message) => network.send(world, message),
    isConnected: (from, to) => network.isConnected(from, to),
    onCrash: (sim) => restartLater(world, sim),
    trace(line) {
      if (!trace) return;
      timeline.push(`${queue.now.toFixed(1).padStart(9)} ms  ${line()}`);
      if (timeline.length > timelineMax) timeline.shift();
    },
    fail(sentence) {
      throw new SimulationFailure(sentence);
    },
  };
  let failure: string | undefined;
  try {
    for (const sim of nodes) start(world, sim);
    clients.start(world, 3);
    startTroubles(world, network);
    for (let step = 0; step < steps && queue.runNext(); step += 1);
    recover(world, network, clients, steps);
    judge(clients);
  } catch (error) {
    if (!(error instanceof SimulationFailure || error instanceof InvariantError)) throw error;
    failure = error.message;
  }
  counts.elections = checks.leaders.size;
  counts.committed = checks.commitIndex;
  return { failure, counts, timeline };
};

/** The weather clears, everything starts, and the cluster has to agree and to go on. */
const recover = (
  world: World,
  network: ReturnType<typeof createSimNetwork>,
  clients: SimClients,
  steps: number,
): void => {
  world.trace(() => 'the weather clears');
  world.weather = fairWeather;
  network.mend();
  for (const sim of world.nodes) {
    sim.pausedUntil = 0;
    start(world, sim);
  }
  const completedBefore = clients.completed;
  const needed = completedBefore + 5;
  const stepsMax = steps + 10_000;
  for (let step = 0; !isWell(world) || clients.completed < needed; step += 1) {
    if (step > stepsMax) world.fail(whyUnwell(world, clients.completed - completedBefore));
    if (clients.completed >= needed) clients.stop();
    if (!world.queue.runNext()) world.fail('nothing happens any more');
    network.mend();
  }
};

/** One leader, and every member of its configuration has applied what it committed. */
const isWell = (world: World): boolean => {
  const leaders = world.nodes.filter(({ life }) => life?.node.raft.softState.role === 'leader');
  const [leader] = leaders;
  if (leaders.length !== 1 || leader?.life === undefined) return false;
  const { raft, database } = leader.life.node;
  const { voters, votersOutgoing, learners } = raft.membership;
  if (votersOutgoing.length > 0 || raft.commitIndex < raft.lastIndex) return false;
  return [...voters, ...learners].every((id) => {
    const sim = world.nodeOf(nodeId(id));
    if (sim === undefined || !isSound(sim)) return true;
    return sim.life?.node.database.appliedIndex === database.appliedIndex;
  });
};

const whyUnwell = (world: World, completed: number): string =>
  `the cluster does not recover (${completed} operations since): ` +
  world.nodes
    .map(({ id, life, fate }) => `${fate} ${life?.node.raft.describe() ?? `${id} down`}`)
    .join('; ');

const judge = (clients: SimClients): void => {
  for (const [key, history] of clients.history()) {
    if (isLinearizable(modelFor(history), history)) continue;
    throw new SimulationFailure(`the history of ${key} is not linearizable`);
  }
};
