// Attacks a cluster of `stockade up` in every way of attacks.ts, one after the other, while a known
// user asks one query after the other: how its waiting changes, what the nodes' memory does,
// whether anybody is elected. Before each attack the same is measured without one, in the same run.
//
//   node tools/run.mjs tools/hostile/main.ts --cluster DIR --seconds 10 --connections 10000

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { attacks } from './attacks.ts';

const { values } = parseArgs({
  options: {
    cluster: { type: 'string', default: './stockade-data' },
    seconds: { type: 'string', default: '10' },
    connections: { type: 'string', default: '10000' },
    only: { type: 'string', default: '' },
    // Whose requests the attacks are that need a login; else the administrator's, who waits in the
    // same line as the attack then.
    user: { type: 'string', default: '' },
    'password-file': { type: 'string', default: '' },
  },
});

interface ClusterFile {
  readonly ca: string;
  readonly admin: { readonly user: string; readonly passwordFile: string };
  readonly nodes: readonly { readonly name: string; readonly url: string; readonly pid: number }[];
}

const file = JSON.parse(readFileSync(join(values.cluster, 'cluster.json'), 'utf8')) as ClusterFile;
const ca = readFileSync(file.ca);
const password = readFileSync(file.admin.passwordFile, 'utf8').trim();
const credentials = `Basic ${Buffer.from(`${file.admin.user}:${password}`).toString('base64')}`;
const seconds = Number(values.seconds);
const agent = new Agent({ keepAlive: true, ca, maxSockets: 1, localAddress: '127.0.0.1' });

interface Answered {
  readonly status: number;
  readonly text: string;
  readonly ms: number;
}

/** One request of the honest user; status 0 when there was no answer. */
const ask = (url: string, path: string): Promise<Answered> =>
  new Promise((resolve) => {
    const startedMs = performance.now();
    const done = (status: number, text: string): void =>
      resolve({ status, text, ms: performance.now() - startedMs });
    const asked = request(new URL(path, url), { agent, headers: { authorization: credentials } });
    asked.on('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => done(response.statusCode ?? 0, text));
      response.on('error', () => done(0, ''));
    });
    asked.setTimeout(20_000, () => asked.destroy());
    asked.on('error', () => done(0, ''));
    asked.end();
  });

interface Raft {
  readonly term: number;
}

const statusOf = async (url: string): Promise<{ leader: string; term: number }> => {
  const { text } = await ask(url, '/status');
  const { store } = JSON.parse(text) as {
    readonly store: { readonly leader: { readonly node_id: string }; readonly raft: Raft };
  };
  return { leader: store.leader.node_id, term: store.raft.term };
};

/** A process and all below it. */
const family = (pid: number): readonly number[] => {
  try {
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
    );
    return [pid, ...children.flatMap((child) => family(Number(child)))];
  } catch {
    return [];
  }
};

const pids = file.nodes.flatMap(({ pid }) => family(pid));

/** Resident memory of all nodes' processes, MiB. */
const residentMib = (): number => {
  const kib = pids.map((pid) => {
    try {
      const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
      return Number(found?.[1] ?? 0);
    } catch {
      return 0;
    }
  });
  return Math.round(kib.reduce((sum, one) => sum + one, 0) / 1024);
};

const percentile = (sorted: readonly number[], part: number): number =>
  Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(1));

/** The honest user works for a while. */
const work = async (url: string, ms: number) => {
  const untilMs = performance.now() + ms;
  const times: number[] = [];
  let refused = 0;
  let resident = 0;
  while (performance.now() < untilMs) {
    const answer = await ask(url, '/db/query?q=SELECT+1');
    times.push(answer.ms);
    if (answer.status !== 200) refused += 1;
    if (times.length % 10 === 1) resident = Math.max(resident, residentMib());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  times.sort((left, right) => left - right);
  const p50 = percentile(times, 0.5);
  const p99 = percentile(times, 0.99);
  return { requests: times.length, refused, p50, p99, residentMib: resident };
};

const [first] = file.nodes;
if (first === undefined) throw new Error('the cluster has no nodes');
const before = await statusOf(first.url);
const leader = file.nodes.find(({ name }) => name === before.leader) ?? first;
const { port } = new URL(leader.url);
const attacker = fileURLToPath(new URL('./attacker.ts', import.meta.url));

/** What an attacker says of itself. */
interface Attacked {
  readonly connections: number;
  readonly heldMax: number;
  readonly sentMib: number;
  readonly answers: Readonly<Record<string, number>>;
}

/** Starts an attack; it ends when the result is asked for. */
const startAttack = (name: string): (() => Promise<Attacked>) => {
  const own = values.user === '';
  const user = own ? file.admin.user : values.user;
  const passwordFile = own ? file.admin.passwordFile : values['password-file'];
  const connections = Number(values.connections);
  const orders = { name, port: Number(port), ca: file.ca, user, passwordFile, connections };
  const child = spawn(process.execPath, [attacker, JSON.stringify(orders)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return async () => {
    child.stdin.end();
    await ended;
    return JSON.parse(text) as Attacked;
  };
};

// What comes first pays for compilation.
await work(leader.url, Math.min(2000, seconds * 1000));

const rows = [];
for (const attack of attacks.filter(({ id }) => values.only === '' || values.only === id)) {
  const idle = await work(leader.url, seconds * 1000);
  const end = startAttack(attack.name);
  // The attacker has to start first.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const busy = await work(leader.url, seconds * 1000);
  const row = { attack: `${attack.id} ${attack.name}`, ...(await end()), idle, busy };
  rows.push(row);
  process.stderr.write(`${JSON.stringify(row)}\n`);
}
const after = await statusOf(leader.url);
agent.destroy();
const report = { terms: [before.term, after.term], residentMib: residentMib(), rows };
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
