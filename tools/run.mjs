// Runs a program of this project with a Node.js that is new enough, after installing what the lock
// file names if that has not happened yet. `npm start` and `npm test` go through this file, so each
// works as the only command on a fresh clone. Plain JavaScript: Node 20 must be able to run it.
//
//   node tools/run.mjs FILE [ARGUMENT ...]        run a source file of the project
//   node tools/run.mjs --bin NAME [ARGUMENT ...]  run a command of an installed package
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { findNode, nodeMajorMin, root } from './find-node.mjs';

const stamp = join(root, 'node_modules', '.stockade-installed');

const lockDigest = () =>
  createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');

const installed = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === lockDigest();

const install = () => {
  process.stderr.write('stockade: installing dependencies (once; `npm ci`) ...\n');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const env = { ...process.env, npm_config_loglevel: 'error' };
  delete env.npm_config_engine_strict;
  const result = spawnSync(npm, ['ci'], { cwd: root, stdio: ['ignore', 2, 2], env });
  if (result.status !== 0) {
    process.stderr.write(
      'stockade: `npm ci` failed, so nothing was started. Its messages are above; ' +
        'check the network and the disk, then run the same command again.\n',
    );
    process.exit(1);
  }
  writeFileSync(stamp, lockDigest());
};

const binOf = (name) => {
  const manifest = join(root, 'node_modules', '.bin', name);
  if (existsSync(manifest)) return manifest;
  process.stderr.write(`stockade: no installed package has a command named ${name}.\n`);
  return process.exit(2);
};

const [first, ...rest] = process.argv.slice(2);
if (first === undefined) {
  process.stderr.write('usage: node tools/run.mjs FILE | --bin NAME [ARGUMENT ...]\n');
  process.exit(2);
}
if (!installed()) install();
const node = findNode();
if (node === undefined) {
  process.stderr.write(
    `stockade: Node.js ${nodeMajorMin} or newer is needed and none is pinned for ` +
      `${process.platform}-${process.arch}. Install Node.js ${nodeMajorMin} and run this again.\n`,
  );
  process.exit(1);
}

const path = `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`;
const program = first === '--bin' ? [binOf(rest.shift()), ...rest] : [join(root, first), ...rest];
const direct = first === '--bin';
const child = direct
  ? spawn(program[0], program.slice(1), { stdio: 'inherit', env: { ...process.env, PATH: path } })
  : spawn(node, program, { stdio: 'inherit', env: { ...process.env, PATH: path } });

// A terminal sends Ctrl-C to the whole group, so the child has it already; a supervisor sends
// SIGTERM or SIGHUP to this process alone. Either way this process outlives the child.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  process.stderr.write(`stockade: could not start ${program[0]}: ${error.message}\n`);
  process.exit(1);
});
child.on('exit', (code, signal) => {
  process.exit(code ?? 128 + (signal === null ? 0 : (constants.signals[signal] ?? 0)));
});
