// A rolling upgrade of three nodes under load, there and back: two packages as `npm run package`
// makes them, the second one with a higher version and feature level. Each node is stopped as
// systemd stops it and started with the other build; clients wait a second and a half before they
// send a write again. Not part of the tests.
//
//   node tools/run.mjs tools/soak/upgrade-main.ts --rest 5 --clients 4 [--old FOLDER]
//
// `--old` names the folder of a package of an earlier version to come from and go back to.
import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Load } from './load.ts';
import { type Build, Nodes, pause, until } from './nodes.ts';
import { judge } from './verdict.ts';

const root = join(import.meta.dirname, '..', '..');
const retryMs = 1500;
const three = [0, 1, 2] as const;

const { values } = parseArgs({
  options: {
    rest: { type: 'string', default: '5' },
    clients: { type: 'string', default: '4' },
    'port-base': { type: 'string', default: '35001' },
    old: { type: 'string', default: '' },
  },
});
const restMs = Number(values.rest) * 1000;
const folder = mkdtempSync(join(tmpdir(), 'stockade-upgrade-'));

/** The package of this tree, with its dependencies as npm lays them out. */
const packed = (name: string): string => {
  const modules = join(folder, name, 'node_modules');
  mkdirSync(modules, { recursive: true });
  for (const entry of readdirSync(join(root, 'node_modules'))) {
    if (!entry.startsWith('.')) {
      symlinkSync(join(root, 'node_modules', entry), join(modules, entry));
    }
  }
  const target = join(modules, 'stockadedb');
  const tool = join(root, 'tools', 'package.mjs');
  const { status, stderr } = spawnSync(process.execPath, [tool, '--folder', target]);
  if (status !== 0) throw new Error(stderr.toString());
  return target;
};

const buildIn = (target: string): Build => ({
  stockade: join(target, 'src', 'cli', 'main.js'),
  certs: join(target, 'certs-tool', 'main.js'),
});

/** @throws Error when the text is not there: then this is no other build */
const replaceIn = (path: string, from: RegExp, to: string): void => {
  const text = readFileSync(path, 'utf8');
  if (!from.test(text)) throw new Error(`${String(from)} is not in ${path}`);
  writeFileSync(path, text.replace(from, to));
};

/** The same with a higher version and the next feature level. */
const nextBuild = (target: string): void => {
  const source = join(target, 'src', 'node');
  replaceIn(join(source, 'version.js'), /version = '[^']+'/, "version = '999.0.0'");
  replaceIn(join(source, 'open-node-loop.js'), /featureLevel = (\d+);/, 'featureLevel = $1 + 1;');
};

const versionOf = async (nodes: Nodes, at: number): Promise<string> => {
  const { body } = await nodes.ask(at, '/status');
  return (JSON.parse(body.toString()) as { build: { version: string } }).build.version;
};

/** Every node is stopped and started with `build`, one after the other. */
const roll = async (nodes: Nodes, build: Build): Promise<void> => {
  for (const at of three) {
    const began = performance.now();
    const code = await nodes.end(at, 'SIGTERM');
    if (code !== 0) throw new Error(`n${at + 1} ended with ${code}`);
    nodes.start(at, build);
    await nodes.serves(at);
    await until('all nodes serve', async () => {
      const ready = await Promise.all(three.map((one) => nodes.isReady(one)));
      return ready.every(Boolean);
    });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const version = await versionOf(nodes, at);
    process.stdout.write(`n${at + 1} runs ${version}, away for ${seconds} s\n`);
    await pause(restMs);
  }
};

/** One line about the writes since the last one. */
const report = (what: string, { figures }: Load, from: number, refusedBefore: number): number => {
  const sorted = figures.latenciesMs.slice(from).sort((a, b) => a - b);
  const share = (part: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(1);
  const refused = [...figures.refusals.values()].reduce((sum, count) => sum + count, 0);
  process.stdout.write(
    `${what}: ${sorted.length} writes, ${refused - refusedBefore} tries refused or lost; ` +
      `ms: p50 ${share(0.5)}, p99 ${share(0.99)}, p99.9 ${share(0.999)}, longest ${share(1)}\n`,
  );
  return refused;
};

const upgrade = async (nodes: Nodes, before: Build, after: Build): Promise<void> => {
  await nodes.form(three.map((at) => join(folder, `n${at + 1}`)));
  const faults: string[] = [];
  const clients = Number(values.clients);
  const load = await Load.start(nodes, clients, (what) => faults.push(what), {
    retryMs,
    stays: true,
  });
  await pause(restMs * 2);
  let refused = report('before', load, 0, 0);
  let from = load.figures.latenciesMs.length;
  await roll(nodes, after);
  refused = report('upgrade', load, from, refused);
  from = load.figures.latenciesMs.length;
  await roll(nodes, before);
  await load.stop();
  report('and back', load, from, refused);
  const { triedAgain, triesMax, refusals } = load.figures;
  const said = [...refusals].map(([what, count]) => `${what} ${count}`).join(', ');
  process.stdout.write(`${triedAgain} writes sent again, one at most ${triesMax} times: ${said}\n`);
  const verdict = await judge(nodes, load.counts);
  process.stdout.write(`${verdict.rows} rows, content hash ${verdict.digest} on every node\n`);
  for (const fault of [...faults, ...verdict.faults]) {
    process.stdout.write(`FAULT: ${fault}\n`);
    process.exitCode = 1;
  }
};

const before = values.old === '' ? packed('before') : values.old;
const after = packed('after');
nextBuild(after);
const nodes = new Nodes(folder, Number(values['port-base']), buildIn(before));
try {
  await upgrade(nodes, buildIn(before), buildIn(after));
} finally {
  await nodes.stop();
  rmSync(folder, { recursive: true, force: true });
}
