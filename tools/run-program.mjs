// Runs one of the project's programs in the place of the present process's work: same terminal,
// same signals, same exit code. Plain JavaScript: Node 20 must be able to run it.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { findNode, nodeMajorMin, root } from './find-node.mjs';

/** The same as in src/process/child.ts: no announcement of node:sqlite, no debugger by signal. */
export const runtimeOptions = ['--disable-warning=ExperimentalWarning', '--disable-sigusr1'];

/** A Node.js that is new enough; without one the process ends with a sentence. */
export const requireNode = () => {
  const node = findNode();
  if (node !== undefined) return node;
  process.stderr.write(
    `stockade: Node.js ${nodeMajorMin} or newer is needed and none is pinned for ` +
      `${process.platform}-${process.arch}. Install Node.js ${nodeMajorMin} and run this again.\n`,
  );
  return process.exit(1);
};

/** Starts `command` with that Node.js first on the path and ends as it ends. */
export const runInPlace = (node, command, parameters) => {
  const path = `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`;
  const env = { ...process.env, PATH: path };
  const child = spawn(command, parameters, { stdio: 'inherit', env });
  // A terminal sends Ctrl-C to the whole group, so the child has it already; a supervisor sends
  // SIGTERM or SIGHUP to this process alone. Either way this process outlives the child.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`stockade: could not start ${command}: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    process.exit(code ?? 128 + (signal === null ? 0 : (constants.signals[signal] ?? 0)));
  });
};

/** Runs a source file of the project with the arguments of the present process. */
export const runProgram = (file) => {
  const node = requireNode();
  runInPlace(node, node, [...runtimeOptions, join(root, file), ...process.argv.slice(2)]);
};
