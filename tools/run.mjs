// Runs a program of this project with a Node.js that is new enough, after installing what the lock
// file names if that has not happened yet. `npm start` and `npm test` go through this file, so each
// works as the only command on a fresh clone. Plain JavaScript: Node 20 must be able to run it.
//
//   node tools/run.mjs FILE [ARGUMENT ...]        run a source file of the project
//   node tools/run.mjs --bin NAME [ARGUMENT ...]  run a command of an installed package
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './find-node.mjs';
import { requireNode, runInPlace, runtimeOptions } from './run-program.mjs';

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
  const path = join(root, 'node_modules', '.bin', name);
  if (existsSync(path)) return path;
  process.stderr.write(`stockade: no installed package has a command named ${name}.\n`);
  return process.exit(2);
};

const [first, ...rest] = process.argv.slice(2);
if (first === undefined) {
  process.stderr.write('usage: node tools/run.mjs FILE | --bin NAME [ARGUMENT ...]\n');
  process.exit(2);
}
if (!installed()) install();
const node = requireNode();
if (first === '--bin') {
  const [name = '', ...parameters] = rest;
  runInPlace(node, binOf(name), parameters);
} else {
  runInPlace(node, node, [...runtimeOptions, join(root, first), ...rest]);
}
