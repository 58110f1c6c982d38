// Consensus as the node runs it: log, core, transport, driver and the way to the writer, opened in
// the order in which they depend on each other and closed in reverse.
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { encodeClusterRecord } from '#command/cluster-record-codec.ts';
import { type MemberRecord, noClusterRecord } from '#command/member.ts';
import { withSettings } from '#db/cluster-settings.ts';
import type { Clock } from '#io/clock.ts';
import type { FileSystem } from '#io/file-system.ts';
import type { Random } from '#io/random.ts';
import { uncommittedBytesMax } from '#limits.ts';
import type { DurableLog, RecoveredLog } from '#log/durable-log.ts';
import { openDurableLog } from '#log/open-durable-log.ts';
import type { Entry } from '#raft/entry.ts';
import { indexZero, logIndex } from '#raft/log-index.ts';
import { nodeId } from '#raft/node-id.ts';
import { createRaft, type Raft, type RaftStart } from '#raft/raft.ts';
import { term, termZero } from '#raft/term.ts';
import { closingOnFailure } from './closing-on-failure.ts';
import { ClusterRecords } from './cluster-records.ts';
import type { NodeConfig } from './config.ts';
import type { FolderIdentity } from './identity-file.ts';
import { configurationCodec, membershipFrom } from './membership-codec.ts';
import { startPlanOf } from './raft-start.ts';
import { rememberLog, requireLog } from './store-memory.ts';
import type { OpenWriter } from './writer-process.ts';

/** How long one tick of the core is; heartbeats and elections are counted in it. */
const tickMs = 25;

/** Most bytes of entries in one append message: a batch that a slow link carries in good time. */
const appendBytesMax = 1024 * 1024;
/** Appends on their way to one follower. */
const inFlightMessagesMax = 256;
const inFlightBytesMax = 8 * 1024 * 1024;
/** Recent entries kept in memory for followers and for apply. */
const cachedBytesMax = 32 * 1024 * 1024;
/** Of these, what a start reads from the disk: who is further behind is not waited for. */
const recentBytesMax = 4 * 1024 * 1024;

/** An opened log and the core that starts from it. */
export interface Consensus {
  readonly log: DurableLog;
  readonly raft: Raft;
  readonly tickMs: number;
  /** What the cluster knows of its members: from the database's state to the log's newest. */
  readonly records: ClusterRecords;
  /** What the writer found in the database. */
  readonly database: OpenWriter;
}

/** What consensus is opened with. */
export interface ConsensusOptions {
  readonly config: NodeConfig;
  readonly identity: FolderIdentity;
  /** The log's thread, where it was begun before. */
  readonly logThread?: Worker;
  /** The database that belongs to the log which was found. */
  readonly database: (log: RecoveredLog) => Promise<OpenWriter>;
  /** The members of a new cluster, on its creator's first start. */
  readonly bootstrap: readonly MemberRecord[] | undefined;
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly random: Random;
  readonly onDurable: (sequence: number) => void;
  readonly onSynced: (syncMicroseconds: number) => void;
  /** The disk has no room for the log (true), or has room again (false). */
  readonly onDiskFull: (full: boolean) => void;
  readonly onFailed: (error: Error) => void;
}

/** @throws CodedError `log_damaged`, `storage_failed` when the log cannot be used */
export const openConsensus = async (options: ConsensusOptions): Promise<Consensus> => {
  const { config, identity, files, random } = options;
  let durable: (sequence: number) => void = () => undefined;
  requireLog(config.node.data, identity, files);
  const log = await openDurableLog(
    {
      folder: join(config.node.data, 'raft'),
      segmentBytes: config.raft.segmentBytes,
      recentBytesMax,
    },
    {
      onDurable: (sequence) => durable(sequence),
      onSynced: options.onSynced,
      onDiskFull: options.onDiskFull,
      onFailed: options.onFailed,
    },
    options.logThread,
  );
  return closingOnFailure(
    () => log.close(),
    async () => {
      rememberLog(config.node.data, identity, { files, random });
      const consensus = await openCore(options, log, (listener) => {
        durable = listener;
      });
      durable = options.onDurable;
      return consensus;
    },
  );
};

/** Brings log and database together and opens the core on them. */
const openCore = async (
  options: ConsensusOptions,
  log: DurableLog,
  hearDurable: (listener: () => void) => void,
): Promise<Consensus> => {
  const { config, identity, random } = options;
  const database = await options.database(log.recovered);
  const plan = startPlanOf(log.recovered, database);
  const empty = plan.start.lastIndex === 0 && plan.start.hardState.term === 0;
  const create = empty ? options.bootstrap : undefined;
  const start = create === undefined ? plan.start : bootstrapped(create, config, plan.start);
  const first = create === undefined ? plan.append : firstAppend(start);
  if (first !== undefined) {
    await new Promise<void>((resolve) => {
      hearDurable(resolve);
      log.append(0, first);
    });
  }
  const encoded = Buffer.from(database.clusterRecord, 'base64');
  const records = new ClusterRecords(start.appliedIndex, encoded);
  records.appended(start.configurationEntries);
  records.committedTo(start.hardState.commitIndex);
  const electionTicks = Math.max(4, Math.round(config.raft.electionMs / tickMs));
  const raft = createRaft(
    {
      self: nodeId(identity.name),
      electionTicks,
      heartbeatTicks: Math.max(1, Math.round(config.raft.heartbeatMs / tickMs)),
      appendBytesMax,
      inFlightMessagesMax,
      inFlightBytesMax,
      uncommittedBytesMax,
      cachedBytesMax,
      configurationCodec,
      random: (below) => random.below(below),
    },
    start,
  );
  return { log, raft, tickMs, records, database };
};

/** The first entry of a new cluster: its members and settings, in the term of its creation. */
const firstEntry = (members: readonly MemberRecord[], { db }: NodeConfig): Entry => ({
  index: logIndex(1),
  term: term(1),
  kind: 'configuration',
  data: configurationCodec.encode({
    membership: membershipFrom({
      voters: members.map(({ name }) => name).sort(),
      votersOutgoing: [],
      learners: [],
      learnersNext: [],
      autoLeave: false,
    }),
    context: withSettings(encodeClusterRecord({ ...noClusterRecord, members }), {
      foreignKeys: db.foreignKeys,
    }),
  }),
});

const bootstrapped = (
  members: readonly MemberRecord[],
  config: NodeConfig,
  start: RaftStart,
): RaftStart => {
  const entry = firstEntry(members, config);
  return {
    ...start,
    hardState: { term: entry.term, votedFor: undefined, commitIndex: indexZero },
    trimmedIndex: indexZero,
    trimmedTerm: termZero,
    terms: [{ from: entry.index, term: entry.term }],
    lastIndex: entry.index,
    recentEntries: [entry],
    configurationEntries: [entry],
  };
};

const firstAppend = (start: RaftStart) => ({
  snapshot: undefined,
  truncateFrom: undefined,
  entries: start.recentEntries,
  hardState: start.hardState,
});
