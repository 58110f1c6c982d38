// Some nodes in memory and the network between them, one message at a time. Nothing happens by
// itself: tests tick, deliver, cut links and crash nodes; the same calls give the same run.
import { invariant } from '#invariant.ts';
import type { Alarm } from '#raft/alarm.ts';
import type { Entry } from '#raft/entry.ts';
import { logIndex } from '#raft/log-index.ts';
import type { Message } from '#raft/message.ts';
import { type NodeId, nodeId } from '#raft/node-id.ts';
import type { RaftOptions } from '#raft/raft.ts';
import type { ReadState, Ready, SnapshotRequest } from '#raft/ready.ts';
import { term } from '#raft/term.ts';
import { jsonCodec, membershipOf } from './membership-codec.ts';
import {
  createMemoryDisk,
  type DiskContents,
  emptyContents,
  type MemoryDisk,
} from './memory-disk.ts';
import { createRandom } from './random.ts';
import { createTestNode, type Database, emptyDatabase, type TestNode } from './test-node.ts';

/** One node and what was seen of it. */
export interface Member {
  readonly id: NodeId;
  node: TestNode;
  readonly disk: MemoryDisk;
  /** Whether every write is durable as soon as it is made; false: the test calls syncNext. */
  autoSync: boolean;
  readonly readStates: ReadState[];
  readonly alarms: Alarm[];
  readonly snapshotRequests: SnapshotRequest[];
}

/** The cluster; names are 'a', 'b', ... */
export interface Cluster {
  readonly wire: Message[];
  member(name: string): Member;
  readonly members: readonly Member[];
  /** Adds a node with an empty disk (or `contents`), member of nothing it knows of. */
  add(name: string, contents?: DiskContents, database?: Database): Member;
  /** Does what a node owes, and syncs where that is automatic. */
  settle(name: string): void;
  tick(name: string, times?: number): void;
  /** Delivers the oldest message that is on its way (and matches); false when there is none. */
  deliverOne(matches?: (message: Message) => boolean): boolean;
  /** Delivers until nothing is on its way. */
  deliverAll(): void;
  /** Cuts or mends the link from one node to another, one way. */
  cut(from: string, to: string): void;
  mend(): void;
  isolate(name: string): void;
  /** Loses what was not synced and starts again from the rest. */
  restart(name: string, kept?: number): void;
  /** The oldest unsynced write of the node reaches its disk. */
  sync(name: string): void;
  /** Campaigns and delivers until the node leads. */
  elect(name: string): void;
  /** Hands the image that was asked for to the node that needs it. */
  sendImage(request: SnapshotRequest): void;
}

/** The contents of the disk of a cluster's creator: entry 1 holds the configuration (bootstrap). */
export const createdContents = (
  voters: readonly string[],
  learners: readonly string[] = [],
): DiskContents => {
  const membership = membershipOf(voters, learners);
  const data = jsonCodec.encode({ membership, context: new Uint8Array(0) });
  const entry: Entry = { index: logIndex(1), term: term(1), kind: 'configuration', data };
  const hardState = { term: term(1), votedFor: undefined, commitIndex: logIndex(0) };
  return { ...emptyContents(), hardState, entries: [entry] };
};

/** Who is told of everything that happens. */
export interface ClusterObserver {
  onReady?(id: NodeId, ready: Ready): void;
  onDeliver?(message: Message): void;
}

/** A cluster without nodes. */
export const createCluster = (
  options: Partial<RaftOptions> = {},
  observer: ClusterObserver = {},
): Cluster => {
  const random = createRandom(1);
  const members = new Map<string, Member>();
  const wire: Message[] = [];
  const cuts = new Set<string>();

  const member = (name: string): Member => {
    const found = members.get(name);
    invariant(found !== undefined, `the cluster has a node ${name}`);
    return found;
  };

  const start = (id: NodeId, disk: MemoryDisk, database: Database): TestNode =>
    createTestNode({
      id,
      disk,
      database,
      options,
      random: random.below,
      hooks: {
        send: (message) => {
          if (!cuts.has(`${message.from}>${message.to}`)) wire.push(message);
        },
        onReady: (ready) => observer.onReady?.(id, ready),
        onReadState: (readState) => member(id).readStates.push(readState),
        onSnapshotRequest: (request) => member(id).snapshotRequests.push(request),
        onAlarm: (alarm) => member(id).alarms.push(alarm),
      },
    });

  const settle = (name: string): void => {
    const { node, autoSync } = member(name);
    node.turn();
    while (autoSync && node.syncNext()) node.turn();
  };

  const deliverOne: Cluster['deliverOne'] = (matches = () => true) => {
    const position = wire.findIndex((message) => matches(message));
    const [message] = position < 0 ? [] : wire.splice(position, 1);
    if (message === undefined) return false;
    const target = members.get(message.to);
    if (target !== undefined && !cuts.has(`${message.from}>${message.to}`)) {
      observer.onDeliver?.(message);
      target.node.raft.step(message);
      settle(message.to);
    }
    return true;
  };

  const deliverAll = (): void => {
    for (let count = 0; deliverOne(); count += 1) {
      invariant(count < 100_000, 'a cluster comes to rest');
    }
  };

  const tick: Cluster['tick'] = (name, times = 1) => {
    for (let count = 0; count < times; count += 1) {
      member(name).node.raft.tick();
      settle(name);
    }
  };

  return {
    wire,
    member,
    get members() {
      return [...members.values()];
    },
    add(name, contents = emptyContents(), database = emptyDatabase) {
      const id = nodeId(name);
      const seen = { readStates: [], alarms: [], snapshotRequests: [] };
      const disk = createMemoryDisk(contents);
      const node = start(id, disk, database);
      const added: Member = { id, node, disk, autoSync: true, ...seen };
      members.set(name, added);
      settle(name);
      return added;
    },
    settle,
    tick,
    deliverOne,
    deliverAll,
    cut(from, to) {
      cuts.add(`${from}>${to}`);
    },
    mend() {
      cuts.clear();
    },
    isolate(name) {
      for (const other of members.keys()) {
        cuts.add(`${name}>${other}`);
        cuts.add(`${other}>${name}`);
      }
    },
    restart(name, kept = 0) {
      const found = member(name);
      found.disk.crash(kept);
      found.node = start(found.id, found.disk, found.node.database);
      settle(name);
    },
    sync(name) {
      member(name).node.syncNext();
      settle(name);
    },
    elect(name) {
      member(name).node.raft.campaign();
      settle(name);
      deliverAll();
      invariant(member(name).node.raft.softState.role === 'leader', `${name} leads`);
    },
    sendImage({ to, message }) {
      const database = member(message.from).node.takeImage();
      const { appliedIndex: index, membership } = database;
      invariant(index === message.index, 'the image holds what was asked for');
      member(to).node.receiveImage(database);
      member(to).node.raft.step({ ...message, membership });
      settle(to);
      member(message.from).node.raft.reportSnapshot(nodeId(to), true);
      settle(message.from);
    },
  };
};

/** A cluster of voters, the first of which created it and leads. */
export const createLedCluster = (
  names: readonly string[],
  options: Partial<RaftOptions> = {},
  learners: readonly string[] = [],
): Cluster => {
  const cluster = createCluster(options);
  const [first = 'a', ...rest] = names;
  for (const name of [...rest, ...learners]) cluster.add(name);
  cluster.add(first, createdContents(names, learners));
  cluster.elect(first);
  return cluster;
};

/** The texts of the commands that a node applied. */
export const appliedBy = (member: Member): readonly string[] =>
  member.node.database.applied
    .filter((entry) => entry.kind === 'command')
    .map((entry) => new TextDecoder().decode(entry.data));

/** A command's bytes. */
export const command = (text: string): Uint8Array => new TextEncoder().encode(text);
