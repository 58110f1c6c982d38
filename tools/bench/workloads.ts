// The workloads: what is sent, by how many clients. Each is a name with a number of clients:
// `write@64`. Requests are prepared before anything is measured.
import { unreachable } from '#invariant.ts';
import { ask, type ServerTarget } from '../server-target.ts';

/** A workload with its clients. */
export interface Workload {
  /** `write@64`. */
  readonly name: string;
  readonly kind: WorkloadKind;
  readonly clients: number;
}

const kinds = [
  'write',
  'bulk',
  'read-none',
  'read-weak',
  'read-linearizable',
  'read-strong',
  'rows',
] as const;

/** `bulk` is 100 inserts a request, `rows` a read of 1,000 rows, `read-LEVEL` a read by key. */
export type WorkloadKind = (typeof kinds)[number];

/** What runs unless something else is asked for. */
export const defaultWorkloads =
  'write@1,write@16,write@64,write@256,bulk@4,bulk@16,' +
  'read-none@1,read-none@64,read-weak@64,read-linearizable@64,read-strong@64,rows@16';

const clientsMax = 1024;
const bulkStatements = 100;
const rowsRead = 1000;
/** Different requests that are prepared and sent in turn. */
const variants = 64;

const isKind = (text: string): text is WorkloadKind => kinds.some((kind) => kind === text);

/** Workloads from `write@64,rows@16`. @throws Error that names what is not one */
export const workloadsFrom = (list: string): readonly Workload[] =>
  list.split(',').map((name) => {
    const [kind = '', count = ''] = name.split('@');
    const clients = Number(count);
    if (!isKind(kind) || !Number.isInteger(clients) || clients < 1 || clients > clientsMax) {
      throw new Error(
        `${name} is no workload: one of ${kinds.join(', ')}, then @1 to @${clientsMax}`,
      );
    }
    return { name, kind, clients };
  });

const insert = (number: number): readonly unknown[] => [
  'INSERT INTO bench_writes(name, age) VALUES(?, ?)',
  `fiona ${number}`,
  number % 100,
];

/** Path and body of a request; `variant` makes them differ as a real load's would. */
export const questionOf = (
  kind: WorkloadKind,
  variant: number,
): { readonly path: string; readonly statements: readonly unknown[] } => {
  switch (kind) {
    case 'write':
      return { path: '/db/execute', statements: [insert(variant)] };
    case 'bulk':
      return {
        path: '/db/execute',
        statements: Array.from({ length: bulkStatements }, (_, index) => insert(variant + index)),
      };
    case 'rows':
      return {
        path: '/db/query?level=none',
        statements: [`SELECT id, name, age FROM bench_rows WHERE id <= ${rowsRead}`],
      };
    case 'read-none':
    case 'read-weak':
    case 'read-linearizable':
    case 'read-strong':
      return {
        path: `/db/query?level=${kind.slice('read-'.length)}`,
        statements: [['SELECT id, name, age FROM bench_rows WHERE id = ?', variant + 1]],
      };
    default:
      return unreachable(kind);
  }
};

const requestOf = (target: ServerTarget, path: string, body: string): Buffer => {
  const head = [
    `POST ${path} HTTP/1.1`,
    `Host: ${target.url.host}`,
    ...(target.authorization === undefined ? [] : [`Authorization: ${target.authorization}`]),
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
};

/** The prepared requests of a workload. `query` is added to each path (`&size=60`). */
export const requestsOf = (
  target: ServerTarget,
  kind: WorkloadKind,
  query = '',
): readonly Buffer[] =>
  Array.from({ length: variants }, (_, variant) => {
    const { path, statements } = questionOf(kind, variant);
    const joined = query === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${query}`;
    return requestOf(target, joined, JSON.stringify(statements));
  });

const execute = async (target: ServerTarget, statements: readonly unknown[]): Promise<void> => {
  const answer = await ask(target, 'POST', '/db/execute', JSON.stringify(statements));
  const text = answer.body.toString('utf8');
  if (answer.status !== 200 || text.includes('"error"')) {
    throw new Error(`${target.url.origin} answers ${answer.status} ${text.slice(0, 300)}`);
  }
};

const dropTables = ['DROP TABLE IF EXISTS bench_writes', 'DROP TABLE IF EXISTS bench_rows'];

/** Makes the tables that the workloads use. @throws Error when the server refuses */
export const prepare = async (target: ServerTarget): Promise<void> => {
  await execute(target, [
    'CREATE TABLE IF NOT EXISTS bench_writes(id INTEGER PRIMARY KEY, name TEXT, age INTEGER)',
    'CREATE TABLE IF NOT EXISTS bench_rows(id INTEGER PRIMARY KEY, name TEXT, age INTEGER)',
  ]);
  const rows = Array.from({ length: rowsRead }, (_, index) => [
    'INSERT OR REPLACE INTO bench_rows(id, name, age) VALUES(?, ?, ?)',
    index + 1,
    `fiona ${index}`,
    index % 100,
  ]);
  await execute(target, rows);
};

/** Removes the tables again; a server may refuse that for a large one, which is said and is all. */
export const cleanUp = async (target: ServerTarget): Promise<void> => {
  await execute(target, dropTables).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`bench: the tables stay: ${reason}\n`);
  });
};
