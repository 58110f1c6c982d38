// Runs the test suite with node's own runner and prints its counts last.
//
//   npm test                       everything
//   npm test -- test/raft          one folder
//   npm test -- FILE [FILE ...]    single files
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './find-node.mjs';

const filesIn = (path) =>
  statSync(path).isDirectory()
    ? readdirSync(path)
        .flatMap((name) => filesIn(join(path, name)))
        .filter((file) => file.endsWith('.test.ts'))
    : [path];

const options = process.argv.slice(2).filter((argument) => argument.startsWith('--'));
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const missing = wanted.find((path) => !existsSync(path));
if (missing !== undefined) {
  process.stderr.write(`test: there is no ${missing}\n`);
  process.exit(2);
}
const files = (wanted.length === 0 ? [join(root, 'test')] : wanted)
  .flatMap(filesIn)
  .map((file) => relative(process.cwd(), file))
  .sort();

// Two files at once: most wait for disks, sockets and child processes, and the machines are small.
const child = spawn(
  process.execPath,
  [
    '--disable-warning=ExperimentalWarning',
    '--test',
    '--test-concurrency=2',
    '--test-reporter=spec',
    ...options,
    ...files,
  ],
  { stdio: 'inherit' },
);
child.on('exit', (code) => process.exit(code ?? 1));
