// The soak: three nodes under load for as long as one likes, while one thing after another befalls
// them, drawn with a seed. In the end nothing acknowledged may be lost or there twice, all nodes
// hold the same, and memory and descriptors are as they were. Not part of the tests.
//
//   node tools/run.mjs tools/soak/main.ts --minutes 30 --seed 1 --clients 6
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { drawFault, type Stage } from './faults.ts';
import { ProcessFigures } from './figures.ts';
import { Load } from './load.ts';
import { Nodes, pause, until } from './nodes.ts';
import { seededRandom } from './seeded-random.ts';
import { judge } from './verdict.ts';

const straceFile = '/usr/bin/strace';
const mountFile = '/bin/mount';
const unmountFile = '/bin/umount';
const diskBytes = 900 * 1024 * 1024;
/** What a node has to keep up with after a fault before the next one comes. */
const writesBetween = 5;
const figuresEveryMs = 5000;
/** More would be the same one again and again. */
const findingsMax = 20;

const fileAt = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    clients: { type: 'string', default: '6' },
    'port-base': { type: 'string', default: '34001' },
    fault: { type: 'string', default: '' },
    keep: { type: 'boolean', default: false },
  },
});
const below = seededRandom(Number(values.seed));
const folder = mkdtempSync(join(tmpdir(), 'stockade-soak-'));
const build = {
  stockade: fileAt('../../src/cli/main.ts'),
  certs: fileAt('../../certs-tool/main.ts'),
};
const began = performance.now();
const findings: string[] = [];

const say = (line: string): void => {
  const text = `${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s  ${line}\n`;
  process.stdout.write(text);
  appendFileSync(join(folder, 'soak.log'), text);
};

const finding = (what: string): void => {
  findings.push(what);
  say(`FINDING: ${what}`);
};

const mountDisk = (): string | undefined => {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  const options = `size=${diskBytes},mode=0700`;
  const { status } = spawnSync(mountFile, ['-t', 'tmpfs', '-o', options, 'none', disk]);
  return status === 0 ? disk : undefined;
};

/** All nodes serve, know each other, and raise no alarm. */
const isWhole = async (nodes: Nodes): Promise<boolean> => {
  for (const at of nodes.all) {
    if (nodes.pidOf(at) === 0) {
      finding(`n${at + 1} ended by itself`);
      if (findings.length > findingsMax) throw new Error('too many findings');
      nodes.start(at);
    }
    if (!(await nodes.isReady(at))) return false;
  }
  const answer = await nodes.ask(0, '/nodes', { timeoutMs: 5000 }).catch(() => undefined);
  const text = answer?.body.toString() ?? '';
  return answer?.status === 200 && !text.includes('"reachable":false') && text.includes('n3');
};

const alarmsOf = async (nodes: Nodes): Promise<readonly string[]> => {
  const all = await Promise.all(nodes.all.map((at) => nodes.status(at)));
  return all.flatMap(({ alarms }, at) => alarms.map(({ name }) => `n${at + 1} ${name}`));
};

interface Repaired {
  readonly name: string;
  readonly ms: number;
}

const befall = async (stage: Stage, load: Load): Promise<Repaired> => {
  const drawn = drawFault(below, values.fault);
  const since = performance.now();
  let what = '';
  try {
    what = await drawn.run(stage);
  } catch (error) {
    finding(`${drawn.name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const done = performance.now();
  await until(`the cluster is whole after "${drawn.name}" (${what})`, () => isWhole(stage.nodes));
  if (!(await load.goesOn(writesBetween))) finding(`no writes after "${drawn.name}" (${what})`);
  const ms = performance.now() - done;
  const took = `${((done - since) / 1000).toFixed(1)} s`;
  say(`${drawn.name}: ${what} (${took}), whole after ${(ms / 1000).toFixed(1)} s`);
  return { name: drawn.name, ms };
};

const share = (sorted: readonly number[], part: number): string =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(1);

const report = (load: Load, repaired: readonly Repaired[], figures: ProcessFigures): void => {
  const { acknowledged, triedAgain, triesMax, reads, readsFailed, latenciesMs, refusals } =
    load.figures;
  const sorted = [...latenciesMs].sort((a, b) => a - b);
  const byName = Map.groupBy(repaired, ({ name }) => name);
  const rows = [...byName]
    .sort((a, b) => (a[0] < b[0] ? -1 : 1))
    .map(([name, times]) => {
      const ms = times.map((time) => time.ms).sort((a, b) => a - b);
      return `| ${name} | ${ms.length} | ${(Number(share(ms, 0.5)) / 1000).toFixed(1)} | ${((ms.at(-1) ?? 0) / 1000).toFixed(1)} |\n`;
    });
  const said = [...refusals].sort((a, b) => b[1] - a[1]);
  process.stdout.write(
    `\n${((performance.now() - began) / 60_000).toFixed(1)} minutes, seed ${values.seed}, ${values.clients} clients\n` +
      `${acknowledged} writes acknowledged, ${triedAgain} of them sent again, one at most ${triesMax} times; ` +
      `ms from first try to success: p50 ${share(sorted, 0.5)}, p99 ${share(sorted, 0.99)}, p99.9 ${share(sorted, 0.999)}, longest ${share(sorted, 1)}\n` +
      `${reads} linearizable reads checked, ${readsFailed} refused\n` +
      `refusals: ${said.map(([what, count]) => `${what} ${count}`).join(', ')}\n\n` +
      `| fault | times | whole again after s, median | longest |\n|---|---|---|---|\n${rows.join('')}\n` +
      `${figures.table()}\nfindings: ${findings.length}\n${findings.map((one) => `- ${one}\n`).join('')}`,
  );
};

const soak = async (nodes: Nodes, disk: string | undefined): Promise<void> => {
  const third = join(disk ?? folder, 'n3');
  await nodes.form([join(folder, 'n1'), join(folder, 'n2'), third]);
  say(
    `three nodes serve; the third is on ${disk === undefined ? 'the same disk' : 'a small disk'}`,
  );
  const load = await Load.start(nodes, Number(values.clients), finding);
  const figures = new ProcessFigures();
  const started = performance.now();
  const timer = setInterval(
    () =>
      figures.look(
        nodes.all.map((at) => nodes.pidOf(at)),
        performance.now() - started,
      ),
    figuresEveryMs,
  );
  const stage: Stage = {
    ...{ nodes, below, disk, folder },
    straceFile: existsSync(straceFile) ? straceFile : undefined,
  };
  const repaired: Repaired[] = [];
  const end = started + Number(values.minutes) * 60_000;
  try {
    while (performance.now() < end) {
      await pause(1000 + below(6000));
      repaired.push(await befall(stage, load));
    }
    await load.stop();
    for (const alarm of await alarmsOf(nodes)) finding(`an alarm stands at the end: ${alarm}`);
    const { rows, digest, faults } = await judge(nodes, load.counts);
    for (const fault of faults) finding(fault);
    say(`${rows} rows, content hash ${digest} on every node`);
  } finally {
    clearInterval(timer);
    report(load, repaired, figures);
  }
};

const nodes = new Nodes(folder, Number(values['port-base']), build);
const disk = mountDisk();
say(`folder ${folder}`);
try {
  await soak(nodes, disk);
} catch (error) {
  finding(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  await nodes.stop();
  const keep = values.keep || findings.length > 0;
  if (disk !== undefined && !keep) spawnSync(unmountFile, ['-l', disk]);
  if (keep) say(`the folder stays: ${folder}`);
  else rmSync(folder, { recursive: true, force: true });
}
if (findings.length > 0) process.exitCode = 1;
