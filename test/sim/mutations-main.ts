// Tries the mutations: each in a copy of the sources, against the tests of the core and then
// against the simulator, and writes the table MUTATIONS.md. Ends with 1 if a mutation is caught by
// neither.
//
//   node test/sim/mutations-main.ts [--only TEXT] [--seeds N]
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Mutation } from './mutation.ts';
import { mutations } from './mutations.ts';

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, seeds: { type: 'string', default: '400' } },
});

const root = join(import.meta.dirname, '..', '..');
const testFolder = (name: string): string => join('test', name);
const copied = [
  'package.json',
  'src',
  'certs-tool',
  ...['raft', 'log', 'transport', 'conformance/raft', 'sim'].map(testFolder),
];

/** A run that takes longer than this is a run that never ends, which is a catch too. */
const runMsMax = 180_000;

/** Runs a program of the copy; a machine that cannot run it catches nothing and stops this one. */
const run = (folder: string, parameters: readonly string[]) => {
  const result = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', ...parameters],
    {
      cwd: folder,
      encoding: 'utf8',
      timeout: runMsMax,
      // The test runner has a handler for the usual signal, which never runs in a loop.
      killSignal: 'SIGKILL',
      env: { ...process.env, NODE_OPTIONS: '' },
    },
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

/** The tests of the transport that are about what is heard, and in which order. */
const orderTests = ['calls', 'frame-link', 'hostile-peers', 'images', 'links'].map(
  (name) => `test/transport/${name}.test.ts`,
);

/** The tests of the folder of src in which the fault is; for the core the golden data too. */
const testsOf = (file: string): readonly string[] => {
  const [folder = ''] = file.split('/');
  // Who is let in is not what is tried here.
  if (folder === 'transport') return orderTests;
  const golden = folder === 'raft' ? ['test/conformance/raft/*.test.ts'] : [];
  return [`test/${folder}/*.test.ts`, ...golden];
};

/** Whether the simulator runs the file. */
const isSimulated = (file: string): boolean => !file.startsWith('transport/');

/** The first failing one of these tests, or undefined. */
const caughtByTests = (folder: string, files: readonly string[]): string | undefined => {
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
  const path = join(folder, 'src', mutation.file);
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
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    return action(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

// Whoever finds fault with the sources as they are would find it with any mutation.
withCopy((folder) => {
  const files = ['raft/', 'log/', 'transport/'].flatMap(testsOf);
  const found = caughtByTests(folder, files) ?? caughtBySimulator(folder);
  if (found !== undefined) throw new Error(`without a mutation: ${found}`);
});

/** The rows of the table by the fault that they begin with. */
const table = join(import.meta.dirname, 'MUTATIONS.md');
const rows = new Map<string, string>();
for (const row of readFileSync(table, 'utf8').match(/^\| .* \| .*\.ts \| .*$/gm) ?? []) {
  rows.set(row.split(' | ')[0]?.slice(2) ?? '', row);
}

for (const mutation of mutations.filter(({ name }) => name.includes(values.only))) {
  withCopy((folder) => {
    mutate(folder, mutation);
    const byTests = caughtByTests(folder, testsOf(mutation.file));
    const bySimulator = isSimulated(mutation.file) ? caughtBySimulator(folder) : undefined;
    const row = `| ${mutation.name} | ${mutation.file} | ${cell(byTests)} | ${cell(bySimulator)} |`;
    rows.set(mutation.name, row);
    process.stdout.write(`${row}\n`);
  });
}

const present = mutations.flatMap(({ name }) => rows.get(name) ?? []);
const caught = present.filter((row) => !row.endsWith('| - | - |'));
const text = `# Faults put in on purpose, and what catches them

Made by \`node test/sim/mutations-main.ts\` from the list in \`mutations.ts\`: each fault alone, first
against the tests of its folder (the first that fails is named), then against up to ${values.seeds} seeds of the
simulator, in which the transport is not. ${caught.length} of ${mutations.length} are caught.

| fault | file | test | simulator |
|---|---|---|---|
${present.join('\n')}

## Against real processes

The reads of three real nodes were tried the same way, by hand: with every read-index round ended at once (the fault
\`a read is answered without the round\`), \`test/e2e/partitions.test.ts\` failed in each of two runs: the leader that
stood still, parted, and went on answered a linearizable read with 200 and the row from before the write that
another leader had acknowledged. As the source stands it answers 503.
`;
writeFileSync(table, text);
process.exitCode = caught.length === mutations.length ? 0 : 1;
