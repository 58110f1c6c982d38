// Tries the mutations: each in a copy of the sources, against the tests of the core and then
// against the simulator, and writes the table MUTATIONS.md. Ends with 1 if a mutation is caught by
// neither.
//
//   node test/sim/mutations-main.ts [--only TEXT] [--seeds N]
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Mutation } from './mutation.ts';
import { mutations } from './mutations.ts';

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, seeds: { type: 'string', default: '400' } },
});

const root = join(import.meta.dirname, '..', '..');
const copied = ['package.json', 'src', 'test/raft', 'test/conformance/raft', 'test/sim'];

/** A run that takes longer than this is a run that never ends, which is a catch too. */
const runMsMax = 180_000;

/** Runs a program of the copy; a machine that cannot run it catches nothing and stops this one. */
const run = (folder: string, parameters: readonly string[]) => {
  const result = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', ...parameters],
    { cwd: folder, encoding: 'utf8', timeout: runMsMax, env: { ...process.env, NODE_OPTIONS: '' } },
  );
  const isEndless =
    result.error !== undefined && 'code' in result.error
      ? result.error.code === 'ETIMEDOUT'
      : false;
  if (result.status === null && !isEndless) {
    throw new Error(`${parameters.join(' ')} was not run: ${result.error ?? result.signal}`);
  }
  return { isPassed: result.status === 0, isEndless, output: result.stdout };
};

/** The first failing test of the core, or undefined. */
const caughtByTests = (folder: string): string | undefined => {
  const files = ['test/raft/*.test.ts', 'test/conformance/raft/*.test.ts'];
  const options = ['--test', '--test-isolation=none', '--test-reporter=tap'];
  const { isPassed, isEndless, output } = run(folder, [...options, ...files]);
  if (isPassed) return undefined;
  const failed = /^not ok \d+ - (.*)$/m.exec(output)?.[1];
  if (failed === undefined && !isEndless) throw new Error(`no test failed by name:\n${output}`);
  return failed ?? 'the tests do not end';
};

/** The first failing seed and its property, or undefined. */
const caughtBySimulator = (folder: string): string | undefined => {
  const { isPassed, isEndless, output } = run(folder, [
    'test/sim/sim-main.ts',
    '--seeds',
    values.seeds,
  ]);
  if (isPassed) return undefined;
  const failed = /^seed (\d+) failed: (.*)$/m.exec(output);
  if (failed === null) return isEndless ? 'the run does not end' : 'the run stops';
  return `seed ${failed[1]}: ${(failed[2] ?? '').slice(0, 90)}`;
};

const mutate = (folder: string, mutation: Mutation): void => {
  const path = join(folder, 'src', 'raft', mutation.file);
  const source = readFileSync(path, 'utf8');
  if (source.split(mutation.find).length !== 2) {
    throw new Error(`"${mutation.name}": its text occurs not exactly once in ${mutation.file}`);
  }
  writeFileSync(
    path,
    source.replace(mutation.find, () => mutation.replace),
  );
};

const cell = (text: string | undefined): string => (text ?? '-').replaceAll('|', '\\|');

/** Does something with a copy of the sources, then removes it. */
const withCopy = <T>(action: (folder: string) => T): T => {
  const folder = mkdtempSync(join(tmpdir(), 'mutation-'));
  try {
    for (const path of copied) cpSync(join(root, path), join(folder, path), { recursive: true });
    return action(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

// Whoever finds fault with the sources as they are would find it with any mutation.
withCopy((folder) => {
  const found = caughtByTests(folder) ?? caughtBySimulator(folder);
  if (found !== undefined) throw new Error(`without a mutation: ${found}`);
});

const rows: string[] = [];
let missed = 0;
for (const mutation of mutations.filter(({ name }) => name.includes(values.only))) {
  withCopy((folder) => {
    mutate(folder, mutation);
    const byTests = caughtByTests(folder);
    const bySimulator = caughtBySimulator(folder);
    if (byTests === undefined && bySimulator === undefined) missed += 1;
    const row = `| ${mutation.name} | ${mutation.file} | ${cell(byTests)} | ${cell(bySimulator)} |`;
    rows.push(row);
    process.stdout.write(`${row}\n`);
  });
}

const text = `# Faults put in on purpose, and what catches them

Made by \`node test/sim/mutations-main.ts\` from the list in \`mutations.ts\`: each fault alone, first
against the tests of the core (the first that fails is named), then against up to ${values.seeds} seeds of the
simulator. ${rows.length - missed} of ${rows.length} are caught.

| fault | file | test | simulator |
|---|---|---|---|
${rows.join('\n')}
`;
if (values.only === '') writeFileSync(join(import.meta.dirname, 'MUTATIONS.md'), text);
process.exitCode = missed === 0 ? 0 : 1;
