// The npm package as somebody gets it: in node_modules, where Node runs no TypeScript, started by
// its own command.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, freePortBase } from './cluster.ts';

const root = join(import.meta.dirname, '..', '..');

/** An application's folder with the package, and its dependencies as npm lays them out. */
const installed = (folder: string): string => {
  const modules = join(folder, 'node_modules');
  mkdirSync(modules, { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  const target = join(modules, 'stockadedb');
  const made = spawnSync(
    process.execPath,
    [join(root, 'tools', 'package.mjs'), '--folder', target],
    {
      encoding: 'utf8',
    },
  );
  assert.equal(made.status, 0, made.stderr);
  return target;
};

test('the npm package runs a cluster from node_modules, with its own command', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-package-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const target = installed(folder);
  const manifest = JSON.parse(readFileSync(join(target, 'package.json'), 'utf8')) as {
    readonly scripts?: unknown;
    readonly devDependencies?: unknown;
    readonly bin: Readonly<Record<string, string>>;
    readonly version: string;
  };
  assert.equal(manifest.scripts, undefined, 'no script of ours runs where it is installed');
  assert.equal(manifest.devDependencies, undefined);
  const command = (name: string): string => join(target, manifest.bin[name] ?? '');
  const certs = spawnSync(process.execPath, [command('stockade-certs'), '--version'], {
    encoding: 'utf8',
  });
  assert.match(certs.stdout, new RegExp(manifest.version.replaceAll('.', String.raw`\.`)));

  const portBase = await freePortBase(1);
  const words = [
    'up',
    '--nodes',
    '1',
    '--data',
    join(folder, 'data'),
    '--port-base',
    `${portBase}`,
  ];
  const up = spawn(process.execPath, [command('stockade'), ...words], { cwd: folder });
  const ended = new Promise<number | null>((resolve) => up.once('exit', resolve));
  t.after(() => up.kill('SIGKILL'));
  let said = '';
  for (const stream of [up.stdout, up.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  await eventually(`the cluster serves: ${said}`, () => {
    assert.equal(up.exitCode, null, said);
    return Promise.resolve(said.includes('Ctrl-C stops everything'));
  });
  const statements = [
    'CREATE TABLE t(a);',
    "INSERT INTO t VALUES('from the package');",
    'SELECT a FROM t;',
  ];
  const asked = spawnSync(
    process.execPath,
    [
      command('stockade'),
      'shell',
      '--server',
      join(folder, 'data'),
      '--mode',
      'csv',
      ...statements,
    ],
    { encoding: 'utf8' },
  );
  assert.equal(asked.stdout, 'a\r\nfrom the package\r\n', asked.stderr);
  up.kill('SIGTERM');
  assert.equal(await ended, 0);
});
