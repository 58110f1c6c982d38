// The table of settings: the one source of the configuration file's keys, the flags, the names in
// the environment, the help text and docs/CONFIGURATION.md.
import { queueStandard } from '#http/queue/write-queue.ts';
import {
  resultBytesMax,
  rowsMax,
  bodyBytesMax as standardBodyBytesMax,
  statementDeadlineMs as standardStatementDeadlineMs,
} from '#limits.ts';
import { cdcSettings } from './cdc/cdc-config.ts';

/** What a setting's text is read as. Paths are relative to the folder of the file they stand in. */
export type SettingKind = 'text' | 'path' | 'address' | 'whole' | 'flag' | 'choice' | 'duration';

/** One setting. `standard` undefined: it must be given. */
export interface Setting {
  readonly key: string;
  readonly kind: SettingKind;
  readonly standard: string | undefined;
  readonly meaning: string;
  /** Bounds of a whole number, or of a duration in milliseconds, both included. */
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
}

const whole = (
  key: string,
  standard: number,
  min: number,
  max: number,
  meaning: string,
): Setting => ({
  key,
  kind: 'whole',
  standard: String(standard),
  min,
  max,
  meaning,
});

const path = (key: string, meaning: string, standard?: string): Setting => ({
  key,
  kind: 'path',
  standard,
  meaning,
});

const flag = (key: string, standard: boolean, meaning: string): Setting => ({
  key,
  kind: 'flag',
  standard: String(standard),
  meaning,
});

/** Below it a restart would be taken for an end. */
const reapMsMin = 5000;
const yearMs = 365 * 24 * 3_600_000;

const reapAfter = (key: string, who: string, limit: string): Setting => ({
  key,
  kind: 'duration',
  standard: 'off',
  min: reapMsMin,
  max: yearMs,
  meaning: `${who} that the leader has not heard for so long (as in 30m, 24h) is removed for good${limit}; \`off\`: never.`,
});

const maintainedEvery = (key: string, what: string): Setting => ({
  key,
  kind: 'duration',
  standard: 'off',
  min: 1000,
  max: yearMs,
  meaning: `Between two ${what}; on all nodes at one entry of the log, up to 256 MiB; \`off\`: never.`,
});

/** All settings, in the order in which the documentation shows them. */
export const settings: readonly Setting[] = [
  {
    key: 'node.name',
    kind: 'text',
    standard: undefined,
    meaning: 'The name of this node; it is in its certificate and never changes.',
  },
  path('node.data', 'The data folder (mode 0700).'),
  {
    key: 'node.log.level',
    kind: 'choice',
    standard: 'info',
    choices: ['debug', 'info', 'warn', 'error'],
    meaning: 'The least important log lines that are written.',
  },
  {
    key: 'node.log.format',
    kind: 'choice',
    standard: 'auto',
    choices: ['auto', 'pretty', 'json'],
    meaning: '`auto` is pretty on a terminal, else JSON lines.',
  },
  whole(
    'node.drainMs',
    5000,
    0,
    600_000,
    'How long running requests may take to finish after SIGTERM.',
  ),
  {
    key: 'http.listen',
    kind: 'address',
    standard: '127.0.0.1:4001',
    meaning: 'Where the HTTPS API listens.',
  },
  {
    key: 'http.advertise',
    kind: 'address',
    standard: '',
    meaning: 'The API address that others are told; empty: as it listens.',
  },
  path('http.certificate', 'Certificate (PEM, with chain) of the HTTPS API.'),
  path('http.key', 'Key of the HTTPS API (mode 0600).'),
  path('http.clientCa', 'CA of client certificates; empty: none are asked for.', ''),
  whole(
    'http.limits.bodyBytes',
    standardBodyBytesMax,
    1024,
    1024 * 1024 * 1024,
    'Largest request body.',
  ),
  {
    key: 'http.allowOrigins',
    kind: 'text',
    standard: '',
    meaning: 'Origins whose pages may use the API, as browsers write them, with commas between.',
  },
  {
    key: 'peer.listen',
    kind: 'address',
    standard: '127.0.0.1:4002',
    meaning: 'Where other nodes connect (mutual TLS 1.3 only).',
  },
  {
    key: 'peer.advertise',
    kind: 'address',
    standard: '',
    meaning: 'The peer address that others are told; empty: as it listens.',
  },
  path('peer.certificate', 'Certificate (PEM) of this node, issued by the peer CA.'),
  path('peer.key', 'Key of that certificate (mode 0600).'),
  path('peer.ca', 'The peer CA (PEM): whoever it signed is a node of this cluster.'),
  {
    key: 'join.listen',
    kind: 'address',
    standard: '',
    meaning:
      'Where newcomers are let in, while a grant is open; empty: the port behind peer.listen.',
  },
  {
    key: 'join.advertise',
    kind: 'address',
    standard: '',
    meaning:
      'The join address that tokens carry; empty: host of peer.advertise, port of join.listen.',
  },
  {
    key: 'cluster.join',
    kind: 'text',
    standard: '',
    meaning:
      'Peer addresses of other nodes (host:port, with commas between), to form a cluster with and to find again who moved.',
  },
  whole(
    'cluster.bootstrapExpect',
    0,
    0,
    9,
    'Form a new cluster when exactly so many empty nodes have met; 0: do not.',
  ),
  {
    key: 'cluster.discovery.mode',
    kind: 'choice',
    standard: 'off',
    choices: ['off', 'dns', 'dns-srv', 'consul', 'etcd'],
    meaning: 'Where addresses of other nodes come from, in place of `cluster.join`.',
  },
  {
    key: 'cluster.discovery.name',
    kind: 'text',
    standard: '',
    meaning: 'The DNS name to ask for; in Consul and etcd the prefix of keys (`stockade`).',
  },
  path(
    'cluster.discovery.config',
    'JSON file (mode 0600) with the particulars: docs/FORMING.md.',
    '',
  ),
  {
    key: 'cluster.leaveOnStop',
    kind: 'flag',
    standard: 'false',
    meaning:
      'A node that stops is removed from the cluster for good: for machines that do not come back.',
  },
  reapAfter('cluster.reap.voter', 'A voter', ', while three voters or more are left'),
  reapAfter('cluster.reap.readReplica', 'A read replica', ''),
  path('auth.file', 'The auth file: users, bcrypt hashes, permissions (mode 0600).'),
  path('audit.file', 'The audit log (mode 0600); empty: audit/audit.log in the data folder.', ''),
  {
    key: 'audit.onFailure',
    kind: 'choice',
    standard: 'refuse',
    choices: ['refuse', 'alarm'],
    meaning:
      '`refuse`: what the audit log cannot hold is not done; `alarm`: it is done and logged.',
  },
  whole(
    'audit.fileBytes',
    64 * 1024 * 1024,
    64 * 1024,
    1024 * 1024 * 1024,
    'A file of the audit log that has this size is left and a new one begun.',
  ),
  whole('audit.files', 16, 2, 1000, 'How many files of the audit log are kept.'),
  whole('raft.heartbeatMs', 100, 10, 10_000, 'A leader shows itself this often.'),
  whole(
    'raft.electionMs',
    600,
    100,
    60_000,
    'An election starts after one to two times this long without a leader.',
  ),
  whole(
    'raft.segmentBytes',
    16 * 1024 * 1024,
    1024 * 1024,
    1024 * 1024 * 1024,
    'Size of one file of the Raft log.',
  ),
  whole(
    'raft.trailingEntries',
    500_000,
    0,
    100_000_000,
    'Applied entries that stay in the Raft log: a node that missed no more needs no image.',
  ),
  whole(
    'raft.trailingBytes',
    256 * 1024 * 1024,
    1024 * 1024,
    1024 * 1024 * 1024 * 1024,
    'Most bytes of them; four times as many while another node needs them.',
  ),
  {
    key: 'db.foreignKeys',
    kind: 'flag',
    standard: 'false',
    meaning: 'Enforce foreign keys. Chosen when a cluster is created; the same on all its nodes.',
  },
  whole(
    'db.readers',
    4,
    1,
    64,
    'Most reader processes of a front; a user holds all but one at most.',
  ),
  whole(
    'db.statementDeadlineMs',
    standardStatementDeadlineMs,
    10,
    3_600_000,
    'A read that runs longer is killed.',
  ),
  whole(
    'db.slowStatementMs',
    1000,
    0,
    3_600_000,
    'A request for data that takes longer is written to the log; 0: none is.',
  ),
  whole('db.rowsMax', rowsMax, 1, 100_000_000, 'Most rows of one result.'),
  maintainedEvery('db.autoVacuum', 'VACUUM: the file without free pages, rowids as they are'),
  maintainedEvery('db.autoOptimize', 'ANALYZE: statistics for the plans of queries'),
  whole('db.bytesMax', resultBytesMax, 1024, 1024 * 1024 * 1024, 'Most bytes of one result.'),
  whole(
    'consistency.checkHours',
    168,
    0,
    8760,
    'Hours between checks of all content on all nodes; 0: only when somebody asks (POST /consistency).',
  ),
  ...cdcSettings,
  path(
    'backup.auto.store',
    'File that says where scheduled backups go (JSON, mode 0600; docs/BACKUPS.md); empty: there are none.',
    '',
  ),
  {
    key: 'backup.auto.interval',
    kind: 'duration',
    standard: 'off',
    min: 1000,
    max: yearMs,
    meaning: 'Between two backups (as in 30m, 24h), taken by the leader when something changed.',
  },
  flag('backup.auto.compress', true, 'Store backups as gzip files.'),
  flag('backup.auto.vacuum', false, 'Without free pages: smaller, and takes longer.'),
  flag(
    'backup.auto.readBack',
    true,
    'Fetch each backup from the store again to verify it; else what was to be sent is verified.',
  ),
  whole('backup.auto.keep', 0, 0, 100_000, 'Most backups in the store; 0: all.'),
  {
    key: 'backup.auto.keepFor',
    kind: 'duration',
    standard: 'off',
    min: 1000,
    max: 100 * yearMs,
    meaning: 'Older backups are removed, the newest never; `off`: none.',
  },
  path(
    'restore.auto.store',
    'File that says in which store the backup is that a new cluster begins with.',
    '',
  ),
  {
    key: 'restore.auto.name',
    kind: 'text',
    standard: '',
    meaning: 'Which backup of that store; empty: the newest.',
  },
  path(
    'restore.auto.file',
    'A database file, as it is or gzipped, that a new cluster begins with.',
    '',
  ),
  {
    key: 'restore.auto.onFailure',
    kind: 'choice',
    standard: 'refuse',
    choices: ['refuse', 'continue'],
    meaning: 'When that backup cannot be had: do not start, or begin empty.',
  },
  whole('queue.depth', queueStandard.depth, 1, 1_000_000, 'Most queued writes of a front.'),
  whole('queue.batch', queueStandard.batch, 1, 10_000, 'Most queued writes done together.'),
  whole(
    'queue.timeoutMs',
    queueStandard.timeoutMs,
    1,
    60_000,
    'How long a queued write waits for others to go with.',
  ),
  {
    key: 'queue.transaction',
    kind: 'flag',
    standard: String(queueStandard.transaction),
    meaning: 'Write what goes together as a whole or not at all.',
  },
  {
    key: 'compat.statusCodes',
    kind: 'flag',
    standard: 'false',
    meaning: 'Answer 401 to everything that is turned away, as rqlite does.',
  },
  {
    key: 'compat.doubleQuotedStrings',
    kind: 'flag',
    standard: 'false',
    meaning: 'As in rqlite, "text" is a string where no column has that name; never in DDL.',
  },
  {
    key: 'compat.plaintextPasswords',
    kind: 'flag',
    standard: 'false',
    meaning: 'Take passwords of the auth file that are no hash as they are, as rqlite does.',
  },
  flag(
    'insecure.cdcEndpoint',
    false,
    'Let cdc.endpoint be http:// on this machine (loopback), for tries.',
  ),
  {
    key: 'insecure.anonymous',
    kind: 'text',
    standard: '',
    meaning:
      'Permissions, with commas between, that the user `*` may hold besides `ready`; on loopback only.',
  },
];

/** `http.clientCa` is `STOCKADE_HTTP_CLIENT_CA` in the environment. */
export const environmentNameOf = (key: string): string =>
  `STOCKADE_${key
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`;
