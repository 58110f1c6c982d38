// What each flag of rqlited is here, as data. The same table stands in docs/RQLITE.md in words.

/** How a value of rqlite's is written here. */
export type ValueKind =
  | 'as-is'
  | 'listen'
  | 'flag'
  | 'duration'
  | 'milliseconds'
  | 'lower'
  | 'mode';

/** One flag. */
export interface RqliteFlag {
  /** Without its hyphen. */
  readonly flag: string;
  /** It stands alone or with `=`, as Go has it. */
  readonly isSwitch?: true;
  /** The setting that takes its value; undefined: none does. */
  readonly setting?: string;
  readonly kind?: ValueKind;
  /** What to know or to do; empty when the setting says all. */
  readonly remark: string;
}

const to = (flag: string, setting: string, kind: ValueKind = 'as-is', remark = ''): RqliteFlag => ({
  ...{ flag, setting, kind, remark },
  ...(kind === 'flag' ? { isSwitch: true as const } : {}),
});
const no = (flag: string, remark: string): RqliteFlag => ({ flag, remark });
const never = (flag: string, remark: string): RqliteFlag => ({ flag, isSwitch: true, remark });

const issued = 'made by stockade init and join: between nodes there is always mutual TLS';
const noPush = 'nothing is pushed: scrape GET /metrics (docs/WATCHING.md)';
const snapshots = 'no snapshots are taken by count; see raft.trailingEntries';

/** All flags of rqlited 10. */
export const rqliteFlags: readonly RqliteFlag[] = [
  never('version', 'stockade --version'),
  no('extensions-path', 'no extensions: they are native code in every node'),
  no('cdc-config', 'write its settings as cdc.enabled, cdc.endpoint and so on (docs/CDC.md)'),
  ...['otlp-endpoint', 'otlp-interval', 'otlp-ca-cert', 'otlp-cert', 'otlp-key'].map((flag) =>
    no(flag, noPush),
  ),
  ...['otlp-insecure', 'otlp-no-verify'].map((flag) => never(flag, noPush)),
  to('http-addr', 'http.listen', 'listen'),
  to('http-adv-addr', 'http.advertise'),
  to(
    'http-allow-origin',
    'http.allowOrigins',
    'as-is',
    'without credentials, exactly as browsers say it',
  ),
  no('auth', 'stockade import --auth FILE, or stockade user import FILE: passwords become hashes'),
  no('auto-backup', 'backup.auto.* and a file of the store: docs/BACKUPS.md'),
  no('auto-restore', 'restore.auto.*: docs/BACKUPS.md'),
  to('http-ca-cert', 'http.clientCa', 'as-is', 'such a certificate names a user here'),
  to('http-cert', 'http.certificate'),
  to('http-key', 'http.key'),
  never(
    'http-verify-client',
    'a certificate is asked for and names a user; Basic and tokens go on',
  ),
  no('http-verify-common-name', 'the user in the certificate needs permissions in the auth file'),
  ...['node-ca-cert', 'node-cert', 'node-key'].map((flag) => no(flag, issued)),
  never('node-no-verify', 'never: a node is who its certificate says'),
  never('node-verify-client', 'always'),
  ...['node-verify-server-name', 'node-verify-common-name'].map((flag) =>
    no(flag, 'always: the name of the node is in its certificate'),
  ),
  to('node-id', 'node.name', 'as-is', 'letters, digits and hyphens; stockade init --name, join'),
  never('compress-snap-transport', 'always'),
  to('raft-addr', 'peer.listen', 'listen'),
  to('raft-adv-addr', 'peer.advertise'),
  no('join', 'a token: stockade admit NAME, stockade join; or cluster.join with bootstrapExpect'),
  ...['join-attempts', 'join-interval', 'bootstrap-expect-timeout'].map((flag) =>
    no(flag, 'a node waits, and says for what'),
  ),
  no('join-as', 'no password is sent between nodes'),
  to(
    'bootstrap-expect',
    'cluster.bootstrapExpect',
    'as-is',
    'set cluster.join or discovery as well',
  ),
  to('disco-mode', 'cluster.discovery.mode', 'mode'),
  to('disco-key', 'cluster.discovery.name'),
  no('disco-config', 'cluster.discovery.config names a JSON file (0600): docs/FORMING.md'),
  to('fk', 'db.foreignKeys', 'flag', 'of the whole cluster: stockade init --foreign-keys'),
  no('db-max-ro-conns', 'db.readers counts processes of a front; its default fits'),
  to('auto-vacuum-int', 'db.autoVacuum', 'duration', 'on all nodes at one entry'),
  to('auto-optimize-int', 'db.autoOptimize', 'duration', 'off unless set'),
  to('raft-log-level', 'node.log.level', 'lower'),
  never('raft-non-voter', 'stockade admit NAME --read-replica'),
  ...['raft-snap', 'raft-snap-wal-size', 'raft-snap-int'].map((flag) => no(flag, snapshots)),
  ...[
    'raft-leader-lease-timeout',
    'raft-heartbeat-timeout',
    'raft-commit-timeout',
    'raft-apply-timeout',
  ].map((flag) => no(flag, 'no such time here; heartbeats: raft.heartbeatMs')),
  to('raft-election-timeout', 'raft.electionMs', 'milliseconds'),
  never('raft-remove-shutdown', 'a removed node is told and campaigns no more'),
  to('raft-cluster-remove-shutdown', 'cluster.leaveOnStop', 'flag'),
  never('raft-shutdown-stepdown', 'always'),
  to('raft-reap-node-timeout', 'cluster.reap.voter', 'duration'),
  to('raft-reap-read-only-node-timeout', 'cluster.reap.readReplica', 'duration'),
  no('cluster-connect-timeout', 'fixed: docs/LIMITS.md'),
  to('write-queue-capacity', 'queue.depth'),
  to('write-queue-batch-size', 'queue.batch'),
  to('write-queue-timeout', 'queue.timeoutMs', 'milliseconds'),
  to('write-queue-tx', 'queue.transaction', 'flag'),
  ...['cpu-profile', 'mem-profile', 'trace-profile'].map((flag) => no(flag, 'no profiles')),
];
