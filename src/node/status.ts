// The node's part of `/status`: the keys that rqlite's clients and operators read, and our own.
import { databaseSizes } from '#db/database-files.ts';
import type { FileSystem } from '#io/file-system.ts';
import type { Raft } from '#raft/raft.ts';
import type { AppliedOutcomes } from './agreement/agreement.ts';
import type { Alarm } from './alarms.ts';
import type { AuditState } from './audit-log.ts';
import type { NodeConfig } from './config.ts';
import { addressText } from './config.ts';
import type { DiskState } from './disk/disk-watch.ts';
import type { Engines } from './engines.ts';
import type { Members } from './members.ts';
import { looked } from './numbers/disk-numbers.ts';
import type { ViewPush } from './seams/front-seam.ts';
import { votingNames } from './voting-names.ts';

/** What a status is made of. */
export interface StatusSources {
  readonly config: NodeConfig;
  readonly raft: Raft;
  readonly members: Members;
  readonly engines: Engines;
  readonly view: ViewPush;
  readonly cluster: string;
  readonly storeId: string;
  readonly startedMs: number;
  readonly nowMs: number;
  readonly files: FileSystem;
  readonly proposalsInFlight: number;
  /** What this replica did up to an entry: compared with others at equal index. */
  readonly outcomes: AppliedOutcomes;
  readonly alarms: readonly Alarm[];
  /** Of posted changes; undefined: none are posted from here. */
  readonly cdc: Readonly<Record<string, unknown>> | undefined;
  /** Of scheduled backups; undefined: there are none. */
  readonly backups: Readonly<Record<string, unknown>> | undefined;
  readonly writer: { readonly pid: number; readonly restarts: number };
  readonly fronts: { readonly pids: readonly number[]; readonly restarts: number };
  readonly audit: AuditState | undefined;
  readonly syncMicroseconds: number;
  readonly disk: DiskState & { readonly reserveBytes: number };
  readonly version: string;
}

const rqliteRole = (role: ViewPush['role']): string => role.charAt(0).toUpperCase() + role.slice(1);

/** Absent until the log is open. */
const auditOf = ({ audit, config }: StatusSources): Readonly<Record<string, unknown>> =>
  audit === undefined
    ? {}
    : {
        audit: {
          state: audit.fault === '' ? 'kept' : 'failing',
          ...(audit.fault === '' ? {} : { fault: audit.fault }),
          on_failure: config.audit.refuses ? 'refuse' : 'alarm',
          lines: audit.lines,
          hash: audit.hash,
          waiting: audit.waiting,
          lost: audit.lost,
        },
      };

const sizesOf = ({ config, files }: StatusSources): Readonly<Record<string, number>> =>
  looked(() => {
    const { databaseBytes, logBytes } = databaseSizes(config.node.data, files);
    return { size: databaseBytes, wal_size: logBytes };
  });

/** The status as an object, keys in order. */
export const statusOf = (sources: StatusSources): Record<string, unknown> => {
  const { config, raft, members, view, nowMs, startedMs } = sources;
  const voting = votingNames(raft.membership);
  return {
    store: {
      open: true,
      node_id: config.node.name,
      addr: addressText(config.peer.advertise),
      cluster_id: sources.cluster,
      store_id: sources.storeId,
      leader: { node_id: view.leader?.name ?? '', addr: view.leader?.peerAddress ?? '' },
      ready: view.ready,
      fsm_index: view.appliedIndex,
      db_applied_index: view.appliedIndex,
      schema_index: view.schemaIndex,
      outcome_chain: sources.outcomes,
      proposals_in_flight: sources.proposalsInFlight,
      denied: members.committed.denied.map(({ name, serial, issuer, deniedMs, reason }) => ({
        ...(name === '' ? { serial, issuer } : { name }),
        since: new Date(deniedMs).toISOString(),
        reason,
      })),
      nodes: members.all.map(({ name, peerAddress }) => ({
        id: name,
        addr: peerAddress,
        suffrage: voting.has(name) ? 'voter' : 'nonvoter',
      })),
      raft: {
        state: rqliteRole(view.role),
        voter: view.voter,
        term: view.term,
        commit_index: view.commitIndex,
        applied_index: view.appliedIndex,
        fsm_pending: Math.max(0, view.commitIndex - view.appliedIndex),
        last_log_index: raft.lastIndex,
        num_peers: Math.max(0, voting.size - 1),
        last_sync_us: sources.syncMicroseconds,
      },
      db_conf: { fk_constraints: config.db.foreignKeys },
      engine: sources.engines.own,
      other_engines: Object.fromEntries(sources.engines.others),
      sqlite3: {
        version: /\bsqlite=(\S+)/.exec(sources.engines.own)?.[1] ?? '',
        ...sizesOf(sources),
        foreign_keys: config.db.foreignKeys,
      },
    },
    node: {
      start_time: new Date(startedMs).toISOString(),
      current_time: new Date(nowMs).toISOString(),
      uptime: `${((nowMs - startedMs) / 1000).toFixed(3)}s`,
    },
    alarms: sources.alarms.map(({ name, message, sinceMs }) => ({
      name,
      message,
      since: new Date(sinceMs).toISOString(),
    })),
    ...(sources.cdc === undefined ? {} : { cdc: sources.cdc }),
    ...(sources.backups === undefined ? {} : { backups: sources.backups }),
    processes: { node: process.pid, writer: sources.writer, fronts: sources.fronts },
    disk: {
      level: sources.disk.level,
      free_bytes: sources.disk.freeBytes,
      total_bytes: sources.disk.totalBytes,
      reserve_bytes: sources.disk.reserveBytes,
    },
    ...auditOf(sources),
    build: { version: sources.version },
    extensions: { names: [] },
  };
};
