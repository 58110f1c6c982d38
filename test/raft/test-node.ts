// A node in memory: the core, a disk that keeps what was synced, a database that keeps what was
// applied, and a driver that fulfils the contract of ready.ts to the letter. Tests, transcripts and
// the simulator differ only in when they call it.
import { invariant } from '#invariant.ts';
import type { Alarm } from '#raft/alarm.ts';
import { noMembership } from '#raft/configuration.ts';
import type { Entry } from '#raft/entry.ts';
import { indexAfter, type LogIndex, logIndex } from '#raft/log-index.ts';
import type { ConfigurationCodec, Membership } from '#raft/membership.ts';
import type { Message } from '#raft/message.ts';
import type { NodeId } from '#raft/node-id.ts';
import { createRaft, type Raft, type RaftOptions, type RaftStart } from '#raft/raft.ts';
import type { LoadRequest, ReadState, Ready, SnapshotRequest } from '#raft/ready.ts';
import { jsonCodec } from './membership-codec.ts';
import { type DiskContents, lastIndexOf, type NodeDisk, termsOf } from './memory-disk.ts';

/** What a node's database holds: everything it applied, and the membership there. */
export interface Database {
  readonly appliedIndex: LogIndex;
  readonly membership: Membership;
  readonly applied: readonly Entry[];
}

/** A database in which nothing was applied. */
export const emptyDatabase: Database = {
  appliedIndex: logIndex(0),
  membership: noMembership,
  applied: [],
};

/** What the outside does with what a node wants of it. */
export interface TestNodeHooks {
  send(message: Message): void;
  onReady?(ready: Ready): void;
  onApplied?(entry: Entry): void;
  onReadState?(readState: ReadState): void;
  onSnapshotRequest?(request: SnapshotRequest): void;
  onAlarm?(alarm: Alarm): void;
  onImageAdopted?(image: Database): void;
  /** Answers a request for entries; without it the disk answers at once. */
  onLoad?(request: LoadRequest): void;
}

/** How a node starts. */
export interface TestNodeStart {
  readonly id: NodeId;
  readonly disk: NodeDisk;
  /** What the core is told at the start; without it what disk and database come to. */
  readonly raftStart?: RaftStart;
  /** Without it configurations are JSON. */
  readonly codec?: ConfigurationCodec;
  readonly database: Database;
  readonly options: Partial<RaftOptions>;
  readonly random: (below: number) => number;
  readonly hooks: TestNodeHooks;
}

/** A running node. */
export interface TestNode {
  readonly id: NodeId;
  readonly raft: Raft;
  readonly disk: NodeDisk;
  readonly database: Database;
  /** Takes Readys until there is none; writes them, sends what may be sent, applies. */
  turn(): void;
  /**
   * The oldest writes (one) reach the disk; false when there is none. The caller then takes a turn.
   */
  syncNext(count?: number): boolean;
  /** A copy of what the database holds now. */
  takeImage(): Database;
  /** The image that belongs to a snapshot message is on this node's disk. */
  receiveImage(image: Database): void;
  /** Entries the log need not hold any more, all applied, are dropped from it. */
  trim(index: LogIndex): void;
}

const defaults = {
  electionTicks: 10,
  heartbeatTicks: 2,
  appendBytesMax: 1000,
  inFlightMessagesMax: 8,
  inFlightBytesMax: 8000,
  uncommittedBytesMax: 10_000,
  cachedBytesMax: 4000,
} as const;

interface GrowingDatabase {
  appliedIndex: LogIndex;
  membership: Membership;
  readonly applied: Entry[];
}

const growing = (database: Database): GrowingDatabase => ({
  ...database,
  applied: [...database.applied],
});

interface Held {
  readonly sequence: number;
  readonly messages: readonly Message[];
  readonly image: Database | undefined;
}

/** The newest entries that fit the cache, as a log hands them over when it is opened. */
const recentOf = (contents: DiskContents, bytesMax: number): Entry[] => {
  let bytes = 0;
  const from = contents.entries.findLastIndex((entry) => {
    bytes += entry.data.length + 64;
    return bytes > bytesMax;
  });
  return contents.entries.slice(from + 1);
};

const startRaft = (start: TestNodeStart): Raft => {
  const options: RaftOptions = {
    self: start.id,
    ...defaults,
    ...start.options,
    configurationCodec: start.codec ?? jsonCodec,
    random: start.random,
  };
  return createRaft(options, start.raftStart ?? raftStartOf(start, options.cachedBytesMax));
};

/** What a log and a database of the test's own come to. */
const raftStartOf = ({ disk, database }: TestNodeStart, cachedBytesMax: number): RaftStart => {
  const contents = disk.durable;
  return {
    hardState: contents.hardState,
    trimmedIndex: contents.trimmedIndex,
    trimmedTerm: contents.trimmedTerm,
    terms: termsOf(contents),
    lastIndex: lastIndexOf(contents),
    recentEntries: recentOf(contents, cachedBytesMax),
    appliedIndex: database.appliedIndex,
    membership: database.membership,
    configurationEntries: contents.entries.filter(
      (entry) => entry.kind === 'configuration' && entry.index > database.appliedIndex,
    ),
  };
};

/** Starts a node from what its disk and its database hold. */
export const createTestNode = (start: TestNodeStart): TestNode => {
  const { hooks, disk } = start;
  const codec = start.codec ?? jsonCodec;
  const raft = startRaft(start);
  const images = new Map<LogIndex, Database>();
  // Grows in place: a copy is made only when an image is taken.
  let database = growing(start.database);
  let held: Held[] = [];

  const applyThrough = (commitIndex: LogIndex): void => {
    while (database.appliedIndex < commitIndex) {
      const from = indexAfter(database.appliedIndex);
      const entries =
        raft.cachedEntries(from, commitIndex, 1000) ??
        disk.read(from, 1000).filter((entry) => entry.index <= commitIndex);
      invariant(entries.length > 0, 'what may be applied can be read');
      for (const entry of entries) {
        invariant(entry.index === database.appliedIndex + 1, 'entries are applied in order');
        database.appliedIndex = entry.index;
        database.applied.push(entry);
        if (entry.kind === 'configuration') {
          database.membership = codec.decode(entry.data).membership;
        }
        hooks.onApplied?.(entry);
      }
      raft.applied(database.appliedIndex);
    }
  };

  const adopted = (ready: Ready): Database | undefined => {
    if (ready.snapshot === undefined) return undefined;
    const image = images.get(ready.snapshot.index);
    invariant(image !== undefined, 'an image is on disk before the core hears of it');
    return image;
  };

  const persist = (ready: Ready): void => {
    if (!ready.mustSync) {
      for (const message of ready.messagesAfterSync) hooks.send(message);
      return;
    }
    const { sequence } = ready;
    disk.write(ready);
    held.push({ sequence, messages: ready.messagesAfterSync, image: adopted(ready) });
  };

  return {
    id: start.id,
    raft,
    disk,
    get database() {
      return database;
    },
    turn() {
      while (raft.hasReady()) {
        const ready = raft.ready();
        hooks.onReady?.(ready);
        for (const message of ready.messagesNow) hooks.send(message);
        persist(ready);
        for (const readState of ready.readStates) hooks.onReadState?.(readState);
        for (const request of ready.snapshotRequests) hooks.onSnapshotRequest?.(request);
        for (const alarm of ready.alarms) hooks.onAlarm?.(alarm);
        applyThrough(ready.commitIndex);
        for (const load of ready.loads) {
          if (hooks.onLoad !== undefined) hooks.onLoad(load);
          else raft.loaded(disk.read(load.from, load.bytesMax));
        }
      }
    },
    syncNext(count = 1) {
      const sequence = disk.syncNext(count);
      if (sequence === undefined) return false;
      for (const { image } of held.filter((one) => one.sequence <= sequence)) {
        if (image === undefined) continue;
        database = growing(image);
        hooks.onImageAdopted?.(image);
      }
      const released = held.filter((one) => one.sequence <= sequence);
      held = held.filter((one) => one.sequence > sequence);
      raft.durable(sequence);
      for (const { messages } of released) for (const message of messages) hooks.send(message);
      return true;
    },
    takeImage: () => ({ ...database, applied: [...database.applied] }),
    receiveImage(image) {
      images.set(image.appliedIndex, image);
    },
    trim(index) {
      invariant(index <= database.appliedIndex, 'only applied entries are trimmed');
      disk.trim(index);
      raft.trimmed(index);
    },
  };
};
