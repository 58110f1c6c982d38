// Who may import whom, as data: the layers of docs/architecture, one door per outside thing, and
// the exceptions with their reasons. A layer is a folder of src, one of its common files, or
// certs-tool.

/** Files of src that every layer may import. */
export const common: readonly string[] = ['invariant', 'errors', 'limits'];

/** Folders without effects: no clock, disk, network, randomness, process. */
export const pure: readonly string[] = ['identity', 'raft', 'command'];

const ring = [...pure, 'io'];

/** For each layer the other layers that it may import, the common files aside. */
export const layers: Readonly<Record<string, readonly string[]>> = {
  invariant: [],
  errors: [],
  limits: [],
  identity: [],
  raft: [],
  command: [],
  io: [],
  log: ring,
  tls: ring,
  db: ring,
  auth: ring,
  audit: ring,
  process: ring,
  store: ring,
  transport: [...ring, 'tls'],
  cluster: [...ring, 'tls', 'transport'],
  http: ['auth', 'audit', 'command'],
  // `join` is a newcomer without a node yet: it dials, checks and writes by itself.
  cli: [
    ...['certs-tool', 'command', 'io', 'identity', 'auth', 'audit', 'node', 'process'],
    ...['cluster', 'tls', 'transport', 'store'],
  ],
  'certs-tool': ['identity'],
  node: [
    ...ring,
    'log',
    'tls',
    'db',
    'auth',
    'audit',
    'process',
    'transport',
    'cluster',
    'store',
    'http',
    'certs-tool',
  ],
};

/**
 * A module from outside and the only places (a folder or a file of src, or certs-tool) that see it.
 */
export interface Door {
  readonly module: string;
  readonly only: readonly string[];
}

/** Everything with effects: all folders but the pure ones. */
const effects = [
  'io/',
  'log/',
  'tls/',
  'transport/',
  'db/',
  'auth/',
  'audit/',
  'cluster/',
  'store/',
  'http/',
  'process/',
  'node/',
  'cli/',
  'certs-tool/',
];

/** Servers of HTTP, and clients of it. */
const overHttp = ['http/', 'cli/', 'cluster/', 'store/'];

/**
 * Every module from outside that is imported at all. A name that ends in `/` stands for its scope.
 */
export const doors: readonly Door[] = [
  { module: 'better-sqlite3', only: ['db/'] },
  { module: 'node:sqlite', only: ['db/'] },
  { module: 'fastify', only: ['http/'] },
  { module: '@fastify/', only: ['http/'] },
  { module: 'node-forge', only: ['certs-tool/'] },
  { module: 'bcryptjs', only: ['auth/'] },
  { module: 'pino', only: ['node/'] },
  { module: 'yaml', only: ['node/', 'cli/'] },
  // The disk. certs-tool runs without a node and has one file of its own for it.
  { module: 'node:fs', only: ['io/', 'certs-tool/'] },
  { module: 'node:fs/promises', only: ['io/'] },
  // The network. tls decides, the others carry; cli speaks HTTPS to a server like any client.
  { module: 'node:tls', only: ['tls/', 'transport/', 'cluster/', 'http/', 'cli/'] },
  {
    module: 'node:net',
    only: ['transport/', 'cluster/', 'http/', 'process/', 'node/', 'cli/', 'certs-tool/'],
  },
  { module: 'node:https', only: [...overHttp, 'node/cdc/webhook-client.ts'] },
  { module: 'node:http', only: [...overHttp, 'node/cdc/webhook-client.ts'] },
  { module: 'node:dns', only: ['transport/', 'cluster/'] },
  { module: 'node:dns/promises', only: ['transport/', 'cluster/'] },
  // Processes and threads. `stockade up` supervises whole nodes, so cli starts processes too.
  { module: 'node:child_process', only: ['process/', 'cli/'] },
  { module: 'node:worker_threads', only: ['io/start-thread.ts', 'log/', 'auth/', 'node/'] },
  // Code compiled before, kept beside the program.
  { module: 'node:module', only: ['io/code-cache.ts'] },
  // Standard streams, exit status, signals; the environment has a test of its own.
  { module: 'node:process', only: ['node/', 'cli/', 'certs-tool/'] },
  { module: 'node:os', only: ['io/', 'node/', 'cli/'] },
  { module: 'node:v8', only: ['node/'] },
  { module: 'node:readline', only: ['cli/', 'certs-tool/'] },
  { module: 'node:readline/promises', only: ['cli/', 'certs-tool/'] },
  { module: 'node:crypto', only: effects },
  { module: 'node:zlib', only: ['log/', 'db/', 'transport/', 'cluster/', 'http/'] },
  // Without effects of their own.
  { module: 'node:buffer', only: effects },
  { module: 'node:events', only: effects },
  { module: 'node:path', only: effects },
  { module: 'node:stream', only: effects },
  { module: 'node:stream/promises', only: effects },
  { module: 'node:url', only: effects },
  { module: 'node:util', only: effects },
];

/** One import that breaks the table and stays, with the reason. */
export interface Exception {
  readonly file: string;
  readonly module: string;
  readonly reason: string;
}

/** Each must be in use: one that no file needs any more fails the test. */
export const exceptions: readonly Exception[] = [];
