// The load of heartbeats-main.ts, in a process of its own: writes, bulk writes, reads that take
// long and sign-ins that have to be hashed, at every node of a cluster, until it is told to end.
//
//   node heartbeat-load-main.ts FOLDER PORT-BASE NODES
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';

const [folder = '', portBase = '0', nodes = '0'] = process.argv.slice(2);
const ca = readFileSync(join(folder, 'https-ca.crt'), 'utf8');
const password = readFileSync(join(folder, 'admin.password'), 'utf8').trim();
const agent = new Agent({ ca, keepAlive: true, maxSockets: 256 });
const counts = { writes: 0, bulks: 0, reads: 0, signIns: 0, failures: 0 };

interface Asked {
  readonly path: string;
  readonly body: unknown;
  readonly auth?: string;
  /** Attempts from one address are slowed down; loopback has many. */
  readonly localAddress?: string;
}

const ask = (at: number, asked: Asked): Promise<number> =>
  new Promise((resolve) => {
    const { localAddress } = asked;
    const sent = request(
      {
        host: '127.0.0.1',
        port: Number(portBase) + 10 * at,
        path: asked.path,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        auth: asked.auth ?? `admin:${password}`,
        timeout: 30_000,
        ...(localAddress === undefined ? { agent } : { agent: false, ca, localAddress }),
      },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
        response.on('error', () => resolve(0));
      },
    );
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => resolve(0));
    sent.end(JSON.stringify(asked.body));
  });

const client = async (
  at: number,
  count: Exclude<keyof typeof counts, 'failures'>,
  next: () => Asked,
  expected = 200,
): Promise<void> => {
  for (;;) {
    if ((await ask(at, next())) === expected) counts[count] += 1;
    else counts.failures += 1;
  }
};

const insert = ['INSERT INTO load (text) VALUES (?)', 'x'.repeat(200)];
const slow =
  'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT sum(i) FROM n';
const small = (): Asked => ({ path: '/db/execute', body: [insert] });
const bulk = (): Asked => ({ path: '/db/execute?transaction', body: new Array(500).fill(insert) });
const read = (): Asked => ({ path: '/db/query?level=none', body: [slow] });
const below = (bound: number): number => Math.floor(Math.random() * bound);
const signIn = (): Asked => ({
  path: '/db/query?level=none',
  body: ['SELECT 1'],
  auth: `user-${below(1e9)}:wrong`,
  localAddress: `127.0.${below(250)}.${2 + below(250)}`,
});

for (let at = 0; at < Number(nodes); at++) {
  for (let count = 0; count < 8; count++) void client(at, 'writes', small);
  for (let count = 0; count < 2; count++) void client(at, 'bulks', bulk);
  for (let count = 0; count < 2; count++) void client(at, 'reads', read);
  for (let count = 0; count < 4; count++) void client(at, 'signIns', signIn, 401);
}
process.on('SIGTERM', () => {
  process.stdout.write(`${JSON.stringify(counts)}\n`, () => process.exit(0));
});
