// What the parts of a simulation share: time, chance, the network, the checkers and the counts.
import type { Message } from '#raft/message.ts';
import type { NodeId } from '#raft/node-id.ts';
import type { RaftOptions } from '#raft/raft.ts';
import type { Random } from '../raft/random.ts';
import type { Checks } from './checks.ts';
import type { EventQueue } from './event-queue.ts';
import type { DiskOptions } from './sim-disk.ts';
import type { NodeListener, SimNode } from './sim-node.ts';
import type { Weather } from './weather.ts';

/** How often what happened; printed at the end, so that nothing is silently never tried. */
export interface Counts {
  elections: number;
  crashes: number;
  crashesAtEffects: number;
  powerCuts: number;
  partitions: number;
  configurations: number;
  jointConfigurations: number;
  transfers: number;
  imagesSent: number;
  snapshotsAdopted: number;
  truncations: number;
  trims: number;
  loads: number;
  lostWrites: number;
  tornWrites: number;
  slowSyncs: number;
  disksFull: number;
  syncsFailed: number;
  disksLost: number;
  disksReplaced: number;
  disksRolledBack: number;
  /** Nodes that joined anew after that. */
  disksAdmitted: number;
  /** Alarms of acknowledged entries that a disk has no more. */
  lostLogAlarms: number;
  /** Dropped because their sender or receiver has another disk than is on record. */
  messagesRefused: number;
  pauses: number;
  /** Leaders that stood still, parted, while the others went on. */
  leadersAsleep: number;
  clockJumps: number;
  messages: number;
  messagesLost: number;
  messagesDuplicated: number;
  committed: number;
  writes: number;
  reads: number;
  unknownOutcomes: number;
}

/** Counts of a run in which nothing happened yet. */
export const createCounts = (): Counts => ({
  elections: 0,
  crashes: 0,
  crashesAtEffects: 0,
  powerCuts: 0,
  partitions: 0,
  configurations: 0,
  jointConfigurations: 0,
  transfers: 0,
  imagesSent: 0,
  snapshotsAdopted: 0,
  truncations: 0,
  trims: 0,
  loads: 0,
  lostWrites: 0,
  tornWrites: 0,
  slowSyncs: 0,
  disksFull: 0,
  syncsFailed: 0,
  disksLost: 0,
  disksReplaced: 0,
  disksRolledBack: 0,
  disksAdmitted: 0,
  lostLogAlarms: 0,
  messagesRefused: 0,
  pauses: 0,
  leadersAsleep: 0,
  clockJumps: 0,
  messages: 0,
  messagesLost: 0,
  messagesDuplicated: 0,
  committed: 0,
  writes: 0,
  reads: 0,
  unknownOutcomes: 0,
});

/** One simulated world. */
export interface World {
  readonly random: Random;
  readonly queue: EventQueue;
  readonly checks: Checks;
  readonly counts: Counts;
  readonly raftOptions: Partial<RaftOptions>;
  readonly diskOptions: DiskOptions;
  readonly listener: NodeListener;
  readonly nodes: readonly SimNode[];
  /** The rule that store ids are for is off: an empty disk under a known name is heard. */
  readonly hearsEveryDisk: boolean;
  /** Changes when the weather clears for the end of the run. */
  weather: Weather;
  nodeOf(id: NodeId): SimNode | undefined;
  send(message: Message): void;
  isConnected(from: NodeId, to: NodeId): boolean;
  onCrash(sim: SimNode): void;
  trace(line: () => string): void;
  fail(sentence: string): never;
}
