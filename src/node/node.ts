// The composition root of one node: opens every room in the order in which they depend on each
// other, joins them, and takes them down in reverse. The loop never blocks: disk, SQL, JSON of
// requests and password hashing happen in other threads and processes.
import { anonymousPermissionsDefault } from '#auth/auth-file.ts';
import type { Discovery } from '#cluster/discovery/discovery.ts';
import type { MemberRecord } from '#command/member.ts';
import { endsOfPeer } from '#tls/certificate-ends.ts';
import type { ReloadableMaterial } from '#tls/reloadable-material.ts';
import type { PeerMaterial } from '#tls/tls-options.ts';
import { OwnKnocks } from '#transport/own-knocks.ts';
import { AuditLog } from './audit-log.ts';
import { prepareRestore } from './backups/restore/restore-at-start.ts';
import { refuseAuthorityKeys } from './check/authority-keys.ts';
import { closingOnFailure } from './closing-on-failure.ts';
import { addressText, type NodeConfig } from './config.ts';
import { freeReserveForStart } from './disk/disk-guard.ts';
import { type EarlyChildren, endEarly } from './early-children.ts';
import { formCluster } from './forming.ts';
import { Fronts } from './fronts.ts';
import type { FolderIdentity } from './identity-file.ts';
import { bindAddress, type ListeningHandle } from './listening-handle.ts';
import type { Logger } from './logger.ts';
import type { NodeEffects } from './node-effects.ts';
import { forgetBootstrap, readBootstrap, readIdentity } from './node-files.ts';
import { openNodeUsers } from './node-users.ts';
import { openAdmin } from './open-admin.ts';
import { openDiscovery } from './open-discovery.ts';
import { type OpenedNodeLoop, openNodeLoop } from './open-node-loop.ts';
import { watchPeerCertificates } from './peer-certificates.ts';
import { forgetPledge } from './pledge-file.ts';
import { peersFilePath } from './recovery/peers-file-path.ts';
import { requirePosture } from './require-posture.ts';
import { type FrontStart, pushCertificates, pushDenied } from './seams/front-seam.ts';
import { openPeerMaterial } from './tls-material.ts';
import { version } from './version.ts';
import { WriterKeeper } from './writer-keeper.ts';
import type { OpenWriter } from './writer-process.ts';

/** How long a stopping writer may take to close the database. */
const writerStopMs = 10_000;

/** A running node. */
export interface RunningNode {
  /** Resolves when the node answers requests with everything it had committed before. */
  readonly serving: Promise<void>;
  /** How often the loop went round so far; it stands still when the loop hangs. */
  readonly turns: number;
  /** Reads certificates and users anew; what changed goes to the log. */
  reload(): Promise<void>;
  /** Finishes running requests, hands leadership over, closes everything. */
  stop(): Promise<void>;
}

/** What a node is started with. */
export interface NodeOptions {
  readonly config: NodeConfig;
  readonly effects: NodeEffects;
  readonly log: Logger;
  /** The processes of its writer and its fronts; they are ended when the start fails. */
  readonly children: EarlyChildren;
  /** The node cannot go on (its disk failed, an invariant broke): the process must end. */
  readonly onFatal: (error: Error) => void;
}

/** @throws CodedError with what is wrong and what to do, before anything is served */
export const startNode = (options: NodeOptions): Promise<RunningNode> =>
  closingOnFailure(
    async () => endEarly(options.children),
    () => startWithChildren(options),
  );

const startWithChildren = async (options: NodeOptions): Promise<RunningNode> => {
  const { config, effects, log } = options;
  if (config.compat.statusCodes) {
    log.warn('compat.statusCodes is on: every refusal is a 401, whatever its reason');
  }
  if (config.compat.doubleQuotedStrings) {
    log.warn('compat.doubleQuotedStrings is on: a misspelt "column" is taken for a text here');
  }
  if (config.compat.plaintextPasswords) {
    log.warn('compat.plaintextPasswords is on: whoever reads the auth file can log in');
  }
  if (config.insecure.anonymous.length > 0) {
    const { anonymous } = config.insecure;
    log.warn({ anonymous }, 'insecure.anonymous is set: requests without a user may do this');
  }
  if (freeReserveForStart(effects.files, config.node.data)) {
    log.error('the disk has no room: the reserve was freed for this start');
  }
  const identity = readIdentity(config.node.data, config.node.name, effects.files);
  const material = openPeerMaterial(config.peer, identity, effects);
  refuseAuthorityKeys(config, effects.files);
  const { keeper, writer } = await WriterKeeper.open(
    {
      folder: config.node.data,
      cluster: identity.cluster,
      foreignKeys: config.db.foreignKeys,
      changeBytes: config.cdc?.keptBytes ?? 0,
    },
    log,
    options.children.writer,
  );
  return closingOnFailure(
    () => keeper.stop(writerStopMs),
    () => {
      const discovery = openDiscovery(config, effects.files);
      return closingOnFailure(
        () => forgotten(discovery, log),
        () => startOn(options, { identity, material, keeper, database: writer.started, discovery }),
      );
    },
  );
};

/** In a store where this node said its address; one that does not answer forgets it by itself. */
const forgotten = (discovery: Discovery, log: Logger): Promise<void> =>
  discovery.close().catch((error: unknown) => {
    log.warn({ err: error }, 'the address of this node stays in discovery for a while');
  });

/** What is open when the database is. */
interface Opened {
  readonly identity: FolderIdentity;
  readonly material: ReloadableMaterial<PeerMaterial>;
  readonly keeper: WriterKeeper;
  readonly database: OpenWriter;
  readonly discovery: Discovery;
}

/** The members of a cluster that this node is to create. A node with a log has one. */
const bootstrapOf = async (
  { config, effects, log }: NodeOptions,
  { identity, material, database, discovery }: Opened,
): Promise<readonly MemberRecord[] | undefined> => {
  const prepared = readBootstrap(config.node.data, effects.files);
  const isEmpty = !identity.hasLog && database.appliedIndex === 0;
  if (prepared !== undefined || !isEmpty || config.cluster.bootstrapExpect === 0) return prepared;
  const current = (): PeerMaterial => material.current();
  return formCluster({ config, effects, log, identity, material: current, discovery });
};

const startOn = async (options: NodeOptions, opened: Opened): Promise<RunningNode> => {
  const { config, effects, log } = options;
  const { identity, material, keeper, database, discovery } = opened;
  if (effects.files.status(peersFilePath(config.node.data)) !== undefined) {
    const { takePeersFile } = await import('./recovery/peers-file.ts');
    await takePeersFile(config.node.data, identity, database, effects, log);
  }
  const isEmpty = !identity.hasLog && database.appliedIndex === 0;
  const bootstrap = await bootstrapOf(options, opened);
  const knocks = new OwnKnocks();
  const restore = await prepareRestore({
    ...{ effects, log, folder: config.node.data, restore: config.restore },
    creates: bootstrap !== undefined && isEmpty,
    schemaIndex: database.schemaIndex,
  });
  const peers = await openNodeLoop({
    config,
    effects,
    log,
    identity,
    material: () => material.current(),
    bootstrap,
    logThread: options.children.logThread,
    restore,
    keeper,
    database,
    discovery,
    knocks,
    onFatal: options.onFatal,
  });
  forgetBootstrap(config.node.data, effects.files);
  forgetPledge(config.node.data, effects.files);
  return closingOnFailure(
    () => peers.loop.stop(),
    async () => {
      const { peerPort } = peers.loop;
      await requirePosture(options, identity, material.current(), peerPort, knocks);
      return startFronts(options, opened, peers);
    },
  );
};

const startFronts = async (
  options: NodeOptions,
  opened: Opened,
  peers: OpenedNodeLoop,
): Promise<RunningNode> => {
  const handle = bindAddress(options.config.http.listen);
  return closingOnFailure(
    async () => handle.close(),
    () => startOnHandle(options, opened, peers, handle),
  );
};

const startOnHandle = (
  options: NodeOptions,
  opened: Opened,
  peers: OpenedNodeLoop,
  handle: ListeningHandle,
): Promise<RunningNode> => {
  const audit = openAudit(options.config, options.log);
  return closingOnFailure(
    () => audit.close({ event: 'stop' }),
    () => {
      const users = openNodeUsers({ ...options, audit });
      return closingOnFailure(
        async () => users.close(),
        () => startWithUsers(options, opened, peers, { handle, audit, users }),
      );
    },
  );
};

/** What the fronts and the doors of this machine need besides. */
interface Doors {
  readonly handle: ListeningHandle;
  readonly audit: AuditLog;
  readonly users: ReturnType<typeof openNodeUsers>;
}

const startWithUsers = async (
  options: NodeOptions,
  { identity, material, keeper, discovery }: Opened,
  peers: OpenedNodeLoop,
  { handle, audit, users }: Doors,
): Promise<RunningNode> => {
  const { config, log } = options;
  const { loop, members } = peers;
  const fronts = await Fronts.start({
    start: frontStartOf(config, identity.cluster),
    children: options.children.fronts,
    handle,
    log,
    view: () => loop.view(),
    authText: users.text,
    denied: () => members.committed.denied,
    certificates: () => endsOfPeer(material.current()),
    onSeam: (seam) => {
      loop.serveFront(seam);
      users.serve(seam);
    },
    onBatchEnd: () => loop.drain(),
  });
  loop.attachFronts(fronts, audit);
  users.attach(fronts, (names) => loop.usersChanged(names));
  members.watchDenied((denied) => {
    log.info({ audit: 'deny-list', denied: denied.length }, 'whom the cluster shuts out');
    fronts.tell(pushDenied, denied);
  });
  const certificates = watchPeerCertificates({
    material,
    log,
    wallMs: () => options.effects.clock.wallMs(),
    keyPinOnRecord: () => members.record(identity.name)?.keyPin,
    onReloaded: (ends) => {
      fronts.tell(pushCertificates, ends);
      loop.setPeersLater();
    },
  });
  const admin = await closingOnFailure(
    async () => {
      certificates.stop();
      await fronts.stop(0);
    },
    () => openAdmin({ ...options, identity, material: () => material.current() }, peers, audit),
  );
  return {
    serving: loop.serving,
    get turns() {
      return loop.turns;
    },
    reload: async () => {
      log.info({ peer: certificates.reload().kind }, 'peer certificate');
      for (const report of await fronts.reload()) log.info({ report }, 'reloaded');
      await users.reload('SIGHUP');
    },
    stop: async () => {
      users.close();
      certificates.stop();
      await admin.close();
      // First of all, while all of it still answers: what the others sent to this node as their
      // leader would be cut off without a word of what became of it.
      await loop.resign();
      // The fronts take nothing new, but what they have taken (queued writes too) is still done.
      // The port closes with the last of them: this process's hold on it would let clients connect
      // to nobody.
      handle.close();
      await fronts.stop(config.node.drainMs);
      if (config.cluster.leaveOnStop) await leave(peers, log);
      await forgotten(discovery, log);
      await loop.stop();
      await keeper.stop(writerStopMs);
      await audit.close({ event: 'stop' });
    },
  };
};

/** Its first line says under which settings the node runs that weaken it. */
const openAudit = ({ node, audit, compat, insecure }: NodeConfig, log: Logger): AuditLog => {
  const { file, fileBytes, filesMax } = audit;
  const opened = new AuditLog({ path: file, node: node.name, fileBytes, filesMax }, log);
  const weakened = [
    ...Object.entries(compat).flatMap(([name, on]) => (on ? [`compat.${name}`] : [])),
    ...(insecure.anonymous.length > 0
      ? [`insecure.anonymous ${insecure.anonymous.join(',')}`]
      : []),
  ];
  opened.record([{ event: 'start', detail: [`version ${version}`, ...weakened].join('; ') }]);
  return opened;
};

/** A node that cannot leave stops as a member that is away. */
const leave = async ({ membership }: OpenedNodeLoop, log: Logger): Promise<void> => {
  try {
    await membership.leave();
    log.info('this node left the cluster for good');
  } catch (error) {
    log.warn({ err: error }, 'this node stops, but stays a member');
  }
};

const frontStartOf = (config: NodeConfig, cluster: string): Omit<FrontStart, 'authText'> => ({
  name: config.node.name,
  version,
  cluster,
  dataFolder: config.node.data,
  capturesChanges: config.cdc !== undefined,
  advertise: addressText(config.http.advertise),
  peerAdvertise: addressText(config.peer.advertise),
  certificate: config.http.certificate,
  key: config.http.key,
  clientCa: config.http.clientCa,
  plaintextPasswords: config.compat.plaintextPasswords,
  auditRefuses: config.audit.refuses,
  anonymousPermissions: [...anonymousPermissionsDefault, ...config.insecure.anonymous],
  bodyBytesMax: config.http.bodyBytesMax,
  allowOrigins: config.http.allowOrigins,
  alwaysUnauthorized: config.compat.statusCodes,
  queue: config.queue,
  readers: config.db.readers,
  doubleQuotedStrings: config.compat.doubleQuotedStrings,
  statementDeadlineMs: config.db.statementDeadlineMs,
  slowStatementMs: config.db.slowStatementMs,
  rowsMax: config.db.rowsMax,
  bytesMax: config.db.bytesMax,
  logLevel: config.node.logLevel,
  logFormat: config.node.logFormat,
});
