// The bench: measures servers in turn, in short slices of one run, and prints figures and ratios.
// `--help` tells how it is used; docs of the goals are in the project's performance page.
import { ask, type ServerTarget, targetFrom } from '../server-target.ts';
import { type Figures, figuresOf, headRow, ratioRowOf, rowOf } from './figures.ts';
import { type BenchOptions, help, optionsFrom, type Wish } from './options.ts';
import { listenerPids } from './process-tree.ts';
import { type MeasuredSlice, runSlice } from './run-slice.ts';
import type { SliceJob } from './slice.ts';
import { type Echo, startEcho } from './start-echo.ts';
import { measureSync } from './sync-latency.ts';
import { cleanUp, prepare, questionOf, requestsOf, type Workload } from './workloads.ts';

/** A slice that warms up connections, caches and compilers and is not counted. */
const warmUpMs = 300;

interface Server {
  readonly name: string;
  readonly target: ServerTarget;
  readonly isEcho: boolean;
}

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

const portOf = (url: URL): number =>
  url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);

const serverOf = async (wish: Wish): Promise<Server> => {
  const target = await targetFrom(wish);
  const known = wish.pids.length > 0 ? wish.pids : target.pids;
  const pids = known.length > 0 ? known : listenerPids(portOf(target.url));
  return { name: `${wish.name} ${target.url.host}`, target: { ...target, pids }, isEcho: false };
};

const jobOf = (server: Server, workload: Workload, answerBytes: number): SliceJob => {
  const { url, ca } = server.target;
  const secure = url.protocol === 'https:';
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: portOf(url),
    ca: secure ? (ca ?? '') : undefined,
    requests: requestsOf(server.target, workload.kind, server.isEcho ? `size=${answerBytes}` : ''),
    clients: workload.clients,
    durationMs: warmUpMs,
  };
};

/** How large the first server's answer is, so that the echo sends as much. */
const answerBytesOf = async (target: ServerTarget, workload: Workload): Promise<number> => {
  const { path, statements } = questionOf(workload.kind, 0);
  return (await ask(target, 'POST', path, JSON.stringify(statements))).body.length;
};

const measure = async (
  servers: readonly Server[],
  first: ServerTarget,
  workload: Workload,
  options: BenchOptions,
): Promise<readonly Figures[]> => {
  const answerBytes = await answerBytesOf(first, workload);
  const runs = servers.map((server) => ({
    job: jobOf(server, workload, answerBytes),
    pids: server.target.pids,
    slices: [] as MeasuredSlice[],
  }));
  for (const { job, pids } of runs) await runSlice(job, pids);
  for (let round = 0; round < options.rounds; round++) {
    for (const { job, pids, slices } of runs) {
      slices.push(await runSlice({ ...job, durationMs: options.sliceMs }, pids));
    }
  }
  return runs.map(({ slices }) => figuresOf(slices));
};

const report = (
  servers: readonly Server[],
  workload: Workload,
  figures: readonly Figures[],
  options: BenchOptions,
): void => {
  const [one] = figures;
  for (const [index, server] of servers.entries()) {
    const own = figures[index];
    if (own === undefined || one === undefined) continue;
    if (options.json) {
      const line = { workload: workload.name, server: server.name, ...own };
      process.stdout.write(`${JSON.stringify(line)}\n`);
      continue;
    }
    process.stdout.write(`${rowOf(index === 0 ? workload.name : '', server.name, own)}\n`);
    if (index > 0) {
      const name = `A / ${server.isEcho ? 'echo' : 'B'}`;
      process.stdout.write(`${ratioRowOf(name, one, own)}\n`);
    }
  }
};

const run = async (options: BenchOptions): Promise<void> => {
  const servers: Server[] = [];
  for (const wish of options.servers) servers.push(await serverOf(wish));
  const first = servers[0]?.target;
  if (first === undefined) return;
  const sync = measureSync(options.syncFolder);
  if (options.json) process.stdout.write(`${JSON.stringify({ fdatasync: sync })}\n`);
  else {
    const [p50, p99, max] = [sync.p50Ms, sync.p99Ms, sync.maxMs].map((value) => value.toFixed(2));
    process.stdout.write(
      `fdatasync in ${options.syncFolder}: p50 ${p50}, p99 ${p99}, max ${max} ms\n`,
    );
    process.stdout.write(`${headRow()}\n`);
  }
  let echo: Echo | undefined;
  try {
    for (const { target } of servers) await prepare(target);
    const measured = [...servers];
    if (options.echo) {
      echo = await startEcho();
      measured.push({ name: 'echo (fastify https)', target: echo.target, isEcho: true });
    }
    for (const workload of options.workloads) {
      report(measured, workload, await measure(measured, first, workload, options), options);
    }
    if (!options.keep) for (const { target } of servers) await cleanUp(target);
  } finally {
    echo?.stop();
  }
};

const main = async (): Promise<number> => {
  let options: BenchOptions | undefined;
  try {
    options = optionsFrom(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`bench: ${reasonOf(error)}\n\n${help}`);
    return 2;
  }
  if (options === undefined) {
    process.stdout.write(help);
    return 0;
  }
  try {
    await run(options);
    return 0;
  } catch (error) {
    process.stderr.write(`bench: ${reasonOf(error)}\n`);
    return 1;
  }
};

process.exitCode = await main();
