// Measures the rhythm of heartbeats between real nodes, at rest and while every other thread and
// process of every node has more to do than it can: fronts with TLS and hashing, readers with long
// queries, writers and logs with bulks. Prints a table for docs/PERFORMANCE.md.
//
//   node test/e2e/heartbeats-main.ts [--seconds N]
//
// It looks from outside: a proxy between the nodes notes when something arrives on the connection
// that carries heartbeats, from the leader, and the follower's answers the other way. An answer
// leaves when its heartbeat was received and worked off, so the intervals between answers are those
// at which a follower receives heartbeats; the proxy's own delays are in them too.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { percentile } from '../../tools/bench/figures.ts';
import { eventually } from './cluster.ts';
import type { Passage } from './peer-proxy.ts';
import { type ProxiedCluster, startProxiedCluster } from './proxied-cluster.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '20' } } });
const seconds = Number(values.seconds);
const load = fileURLToPath(new URL('heartbeat-load-main.ts', import.meta.url));
const nodes = 3;

interface Arrivals {
  readonly from: number;
  readonly to: number;
  readonly atMs: number[];
  bytes: number;
}

/** Notes what passes until `during` is over, by connection and direction. */
const record = async ({ proxy }: ProxiedCluster, during: () => Promise<void>) => {
  const arrivals = new Map<string, Arrivals>();
  proxy.onBytes = ({ from, to, connection, bytes }: Passage) => {
    const key = `${connection}:${from}>${to}`;
    const found = arrivals.get(key) ?? { from, to, atMs: [], bytes: 0 };
    arrivals.set(key, found);
    found.atMs.push(performance.now());
    found.bytes += bytes;
  };
  await during();
  proxy.onBytes = () => undefined;
  return [...arrivals.values()];
};

/** A connection without heartbeats says once a second that it lives; heartbeats come more often. */
const arrivalsPerSecondMin = 3;

/** Intervals between arrivals of one direction; of its connections the one with the least bytes. */
const intervalsOf = (
  all: readonly Arrivals[],
  matches: (one: Arrivals) => boolean,
): readonly number[] => {
  const isRegular = ({ atMs: [first = 0, ...rest] }: Arrivals): boolean =>
    rest.length > (((rest.at(-1) ?? first) - first) / 1000) * arrivalsPerSecondMin;
  const regular = all.filter((one) => matches(one) && one.atMs.length > seconds && isRegular(one));
  const [least] = regular.sort((a, b) => a.bytes - b.bytes);
  const times = least?.atMs ?? [];
  return times.slice(1).map((at, before) => at - (times[before] ?? at));
};

const row = (what: string, intervals: readonly number[]): string => {
  const sorted = [...intervals].sort((a, b) => a - b);
  const cells = [0.5, 0.99, 1].map((share) => `${percentile(sorted, share).toFixed(0)} ms`);
  return `| ${what} | ${sorted.length} | ${cells.join(' | ')} |\n`;
};

/** How long the main thread of a process ran, and how long it could have but had no processor. */
const scheduledOf = (pid: number) => {
  const text = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8');
  const [ran = 0, waited = 0] = text.split(' ').map(Number);
  return { ranMs: ran / 1e6, waitedMs: waited / 1e6 };
};

const report = async (running: ProxiedCluster, name: string, during: () => Promise<void>) => {
  const leader = await eventually('somebody leads', async () => {
    const at = await running.cluster.leader(0);
    return at === undefined ? undefined : { at };
  });
  const pid = running.cluster.file.nodes[leader.at]?.pid ?? 0;
  const before = scheduledOf(pid);
  const all = await record(running, during);
  const { ranMs, waitedMs } = scheduledOf(pid);
  const after = await running.cluster.leader(leader.at);
  for (let at = 0; at < nodes; at++) {
    if (at === leader.at) continue;
    const sent = intervalsOf(all, (one) => one.from === leader.at && one.to === at);
    const answered = intervalsOf(all, (one) => one.from === at && one.to === leader.at);
    process.stdout.write(row(`${name}: sent to n${at + 1}`, sent));
    process.stdout.write(row(`${name}: received and answered by n${at + 1}`, answered));
  }
  process.stdout.write(
    `${name}: the leader's main thread ran ${Math.round(ranMs - before.ranMs)} ms and waited ` +
      `${Math.round(waitedMs - before.waitedMs)} ms for a processor\n`,
  );
  if (after !== leader.at) process.stdout.write(`${name}: the leadership changed\n`);
};

const running = await startProxiedCluster(nodes);
try {
  const { cluster } = running;
  await cluster.execute(0, ['CREATE TABLE load (id INTEGER PRIMARY KEY, text TEXT)']);
  process.stdout.write(
    '| intervals between heartbeats | count | p50 | p99 | max |\n|---|---|---|---|---|\n',
  );
  await report(running, 'at rest', () => pause((seconds * 1000) / 2));
  const words = ['--disable-warning=ExperimentalWarning', load, cluster.folder];
  const child = spawn(process.execPath, [...words, String(cluster.portBase), String(nodes)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let counts = '';
  child.stdout.on('data', (text: Buffer) => {
    counts += text.toString();
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  // The pools of readers and hashers start on demand.
  await pause(2000);
  await report(running, 'loaded', () => pause(seconds * 1000));
  child.kill('SIGTERM');
  await ended;
  process.stdout.write(counts);
} finally {
  await running.remove();
}
