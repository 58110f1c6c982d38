// The parts of a node's loop, made and joined: who tells whom what. Nothing runs yet; what an event
// means for the whole node is the loop's own business (node-loop.ts), reached through the hooks.
import { interactiveFormat, maintenanceFormat } from '#command/format.ts';
import { databaseSizes } from '#db/database-files.ts';
import type { TakenImage } from '#db/image/take-image.ts';
import type { AppliedBatch } from '#db/writer.ts';
import type { BackendRefusal } from '#http/backend.ts';
import type { Entry } from '#raft/entry.ts';
import { logIndex } from '#raft/log-index.ts';
import type { SoftState } from '#raft/ready.ts';
import { Agreement } from './agreement/agreement.ts';
import { ApplyFeed } from './apply-feed.ts';
import { openScheduledBackups } from './backups/scheduled/open-scheduled-backups.ts';
import { openWebhook } from './cdc/open-webhook.ts';
import { ConsensusDriver } from './consensus-driver.ts';
import { DiskGuard } from './disk/disk-guard.ts';
import { Images } from './images/images.ts';
import { LogTrimmer } from './log-trimmer.ts';
import { Maintenance } from './maintenance/maintenance.ts';
import type { NodeLoopOptions, Opened } from './node-loop-options.ts';
import { RaftNumbers } from './numbers/raft-numbers.ts';
import { OwnWork } from './own-work.ts';
import { PeerVitals } from './peer-vitals.ts';
import { Penalties } from './penalties.ts';
import { Proposals, refused } from './proposals.ts';
import { newestTimeMs } from './raft-start.ts';
import { ReadRounds } from './read-rounds.ts';
import { Rehearsals } from './rehearsals.ts';
import { createSeedPool } from './seed-pool.ts';
import { OlderMembers } from './transactions/older-members.ts';
import { OpenTransactions } from './transactions/open-transactions.ts';
import type { WriterProcess } from './writer-process.ts';

/** The joined parts, once all are open. */
export interface LoopParts extends Opened {
  readonly driver: ConsensusDriver;
  readonly feed: ApplyFeed;
  readonly proposals: Proposals;
  readonly rounds: ReadRounds;
  readonly rehearsals: Rehearsals;
  readonly transactions: OpenTransactions;
  readonly trimmer: LogTrimmer;
  readonly images: Images;
  readonly agreement: Agreement;
  readonly disk: DiskGuard;
  readonly vitals: PeerVitals;
  readonly own: OwnWork;
  readonly numbers: RaftNumbers;
}

/** What the parts ask of the loop, and tell it. None is called before the loop starts. */
export interface LoopHooks {
  /** The writer, while it runs. */
  writer(): WriterProcess | undefined;
  /** Index of the last applied command that changed the schema. */
  schemaIndex(): number;
  /** Why no proposal is taken now, of those that only free room (`frees`) or any other. */
  closed(frees: boolean): BackendRefusal | undefined;
  /** The writer has committed these entries. */
  applied(batch: AppliedBatch, entries: readonly Entry[]): void;
  /** These entries entered the log. */
  appended(entries: readonly Entry[]): void;
  /** An image took the place of the database. */
  restarted(image: TakenImage): void;
  /** Role, term or leader changed. */
  roleChanged(state: SoftState): void;
  /** Whether the node is ready, or fit to serve, may have changed. */
  fitnessChanged(): void;
  /** The backup that the cluster begins with is in. */
  restored(): void;
  /** The disk is full or the clock far ahead: another node should lead. */
  giveUpLeadership(): void;
  /** Members or addresses changed. */
  setPeersLater(): void;
}

/** Makes the parts and joins them. */
export const joinParts = (
  options: NodeLoopOptions,
  opened: Opened,
  hooks: LoopHooks,
): LoopParts => {
  const { raft, log, database } = opened.consensus;
  const { config, effects, keeper, onFatal } = options;
  const seed = createSeedPool(effects.random);
  const penalties = new Penalties(() => effects.clock.monotonicMs());
  const rehearsals = new Rehearsals({
    writer: () => hooks.writer(),
    open: () => raft.softState.role === 'leader' && hooks.closed(false) === undefined,
    afterwards: () => driver.schedule(),
    seed,
    wallMs: () => effects.clock.wallMs(),
    now: () => effects.clock.monotonicMs(),
    penalties,
    log: options.log,
  });
  const proposals: Proposals = new Proposals(
    {
      raft,
      now: () => effects.clock.wallMs(),
      seed,
      schemaIndex: () => hooks.schemaIndex(),
      appliedIndex: () => feed.appliedIndex,
      closed: (frees) => hooks.closed(frees),
    },
    newestTimeMs(log.recovered, database.timeMs),
  );
  const { members, transport } = opened;
  const older = new OlderMembers({
    self: options.identity.name,
    ...{ format: interactiveFormat, members, transport },
  });
  const oldForMaintenance = new OlderMembers({
    self: options.identity.name,
    ...{ format: maintenanceFormat, members, transport },
  });
  const transactions = new OpenTransactions({
    writer: () => hooks.writer(),
    proposals,
    leadsIn: () => (raft.softState.role === 'leader' ? raft.softState.term : undefined),
    lastIndex: () => raft.lastIndex,
    appliedIndex: () => feed.appliedIndex,
    lastChange: () => feed.lastChange,
    afterwards: () => driver.schedule(),
    closed: () => hooks.closed(false),
    findOlder: () => older.find(),
    logTimeMs: () => proposals.logTimeMs,
    random: (bytes) => effects.random.bytes(bytes),
    wallMs: () => effects.clock.wallMs(),
    now: () => effects.clock.monotonicMs(),
    penalties,
    log: options.log,
  });
  const monotonicMs = (): number => effects.clock.monotonicMs();
  const numbers = new RaftNumbers(monotonicMs);
  const feed: ApplyFeed = new ApplyFeed(raft, log, logIndex(0), monotonicMs, {
    renderOf: (entry) => proposals.renderOf(entry),
    onApplied: (batch, entries) => {
      agreement.applied(batch);
      hooks.applied(batch, entries);
    },
    pausesBehind: (entry) => agreement.pausesBehind(entry),
    onPaused: (index, resume) => agreement.paused(index, resume),
    onFailed: onFatal,
  });
  const agreement: Agreement = new Agreement({
    ...options,
    ...opened,
    self: options.identity.name,
    folder: config.node.data,
    checkHours: config.consistency.checkHours,
    feed: () => feed,
    sendImage: (to) => images.send(to),
    drain: () => driver.drain(),
    changed: () => hooks.fitnessChanged(),
  });
  const images = new Images({
    ...options,
    ...opened,
    folder: config.node.data,
    driver: () => driver,
    onRestart: (image) => {
      agreement.imageTaken();
      hooks.restarted(image);
    },
    repairs: {
      isWanted: () => agreement.quarantine.mayImage,
      trimmedIndex: () => trimmer.trimmedIndex,
      onTaken: () => agreement.imageTaken(),
    },
    onFailed: onFatal,
  });
  const rounds: ReadRounds = new ReadRounds(raft, () => driver.drain());
  const driver: ConsensusDriver = new ConsensusDriver(raft, log, agreement, {
    onCommit: (index) => {
      numbers.committed(index);
      feed.committed(index);
      rounds.committed();
      if (opened.membership.committed(index)) hooks.setPeersLater();
    },
    onSoftState: (state) => {
      numbers.roleChanged(state);
      hooks.roleChanged(state);
    },
    onReadStates: (states) => rounds.ended(states),
    onAlarm: (alarm) => options.log.error({ alarm }, 'alarm'),
    onAppend: (entries) => {
      numbers.appended(entries);
      hooks.appended(entries);
    },
    ...images.events,
    onLoaded: () => feed.pump(),
    onFailed: onFatal,
  });
  const trimmer = new LogTrimmer(
    {
      raft,
      log,
      ...config.raft,
      durableIndex: () => keeper.durableIndex(),
      heldIndex: () => lowest(images.heldIndex, agreement.quarantine.heldIndex),
    },
    log.recovered.trimmedIndex,
    logIndex(database.appliedIndex),
  );
  const disk = new DiskGuard({
    files: effects.files,
    folder: config.node.data,
    log: options.log,
    raftLog: log,
    giveUpLeadership: () => hooks.giveUpLeadership(),
  });
  const vitals = new PeerVitals({
    ...{ raft, monotonicMs, transport: opened.transport, alarms: agreement.alarms },
    self: options.identity.name,
    wallMs: () => effects.clock.wallMs(),
    stalledMs: () => feed.stalledMs,
    giveUpLeadership: () => hooks.giveUpLeadership(),
  });
  const { restore } = options;
  const leads = (): boolean => raft.softState.role === 'leader';
  const own: OwnWork = new OwnWork({
    restore,
    maintenance: new Maintenance({
      intervals: config.db.maintenance,
      log: options.log,
      mayRun: () => leads() && hooks.closed(false) === undefined && images.heldIndex === undefined,
      findOlder: () => oldForMaintenance.find(),
      samples: () => keeper.samples(),
      databaseBytes: () => databaseSizes(config.node.data, effects.files).databaseBytes,
      schemaIndex: () => hooks.schemaIndex(),
      propose: (proposal, done) => {
        proposals.submit(proposal, done);
        driver.schedule();
      },
      wallMs: () => effects.clock.wallMs(),
      monotonicMs,
    }),
    webhook: openWebhook({
      ...{ config, keeper, monotonicMs, log: options.log, alarms: agreement.alarms },
      self: options.identity.name,
      mayRun: () => leads() && agreement.isFit && !own.isRestoring,
      leader: () => raft.softState.leader,
      memberNames: () => members.all.map(({ name }) => name),
      transport,
      appliedIndex: () => feed.appliedIndex,
    }),
    backups: openScheduledBackups({
      ...{ config, effects, monotonicMs, log: options.log, alarms: agreement.alarms },
      identity: options.identity,
      mayRun: () => leads() && agreement.isFit && !own.isRestoring,
    }),
    loop: {
      leads,
      schemaIndex: () => hooks.schemaIndex(),
      propose: (proposal, done) => {
        proposals.submitOwn(proposal, done);
        driver.schedule();
      },
      done: () => {
        hooks.restored();
        hooks.fitnessChanged();
      },
    },
  });
  return {
    ...opened,
    ...{ agreement, disk, driver, feed, images, numbers, own, proposals, rehearsals },
    transactions,
    ...{ rounds, trimmer, vitals },
  };
};

/** This node does not lead any more: what only a leader has under way is refused. */
export const deposed = ({ proposals, rounds, rehearsals, transactions }: LoopParts): void => {
  proposals.deposed();
  rounds.deposed();
  rehearsals.close(refused('not_leader', 'this node does not lead'));
  transactions.deposed();
};

/** The node stops: nothing more is begun, then peers and log are closed. */
export const stopParts = async (parts: LoopParts): Promise<void> => {
  parts.upkeep.close();
  parts.acquaintances.close();
  parts.membership.close();
  parts.disk.stop();
  parts.own.stop();
  parts.transactions.stop();
  parts.driver.stop();
  parts.images.stop();
  parts.agreement.stop();
  parts.feed.detach();
  await parts.transport.close();
  await parts.consensus.log.close();
};

const lowest = (left: number | undefined, right: number | undefined): number | undefined =>
  left === undefined || right === undefined ? (left ?? right) : Math.min(left, right);
