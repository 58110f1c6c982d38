// Which branches of src/raft and src/log no test and no seed reaches: runs their tests and seeds of
// the simulator, and prints every piece of code that was never run. Ends with 1 unless each is in
// docs/CONSENSUS.md with its reason, and each that is there is needed.
//
//   npm run coverage [-- --seeds N] [--no-tests]
//
// A branch is what V8 counts as one: the arms of if, ?:, &&, ||, ?? and switch, and what follows an
// arm that leaves. That an if without else was always true it does not tell.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CoveredText, type ScriptCoverage } from './covered-text.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '600' },
    'no-tests': { type: 'boolean', default: false },
  },
});

const root = join(import.meta.dirname, '..');
const folders = ['src/raft/', 'src/log/'];
const tests = ['test/raft', 'test/log', 'test/conformance/raft'];

/** Runs a program of the project while V8 counts. */
const runCounted = (folder: string, parameters: readonly string[]): void => {
  const result = spawnSync(process.execPath, parameters, {
    cwd: root,
    env: { ...process.env, NODE_V8_COVERAGE: folder },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (result.status !== 0) throw new Error(`${parameters.join(' ')} failed: nothing was counted`);
};

/** What V8 wrote about the files that are looked at, by path. */
const textsFrom = (folder: string): ReadonlyMap<string, CoveredText> => {
  const texts = new Map<string, CoveredText>();
  for (const name of readdirSync(folder)) {
    const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
      readonly result: readonly ScriptCoverage[];
    };
    for (const script of result) {
      const path = folders.flatMap((of) => script.url.split(`/${of}`)[1] ?? []).at(0);
      const home = folders.find((of) => script.url.includes(`/${of}`));
      if (path === undefined || home === undefined) continue;
      const file = `${home}${path}`;
      const text = texts.get(file) ?? new CoveredText(readFileSync(join(root, file), 'utf8'));
      texts.set(file, text);
      text.add(script);
    }
  }
  return texts;
};

/** Rows of the page: file, the line in which the piece begins, reason. */
const exceptions = (): ReadonlySet<string> => {
  const page = readFileSync(join(root, 'docs', 'CONSENSUS.md'), 'utf8');
  const rows = page.matchAll(/^\| (src\/\S+\.ts) \| `+(.+?)`+ \| [^|]+ \|$/gm);
  return new Set(
    [...rows].map(([, file, line]) => `${file}: ${(line ?? '').replaceAll('\\|', '|')}`),
  );
};

const folder = mkdtempSync(join(tmpdir(), 'stockade-coverage-'));
try {
  if (!values['no-tests']) runCounted(folder, ['tools/test.mjs', ...tests]);
  runCounted(folder, ['test/sim/sim-main.ts', '--seeds', values.seeds]);
  const texts = textsFrom(folder);
  const known = exceptions();
  const used = new Set<string>();
  let surprises = 0;
  for (const [file, text] of [...texts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const { line, code, within } of text.neverRun()) {
      const key = `${file}: ${within}`;
      if (known.has(key)) used.add(key);
      else {
        surprises += 1;
        process.stdout.write(`${file}:${line} is never run: ${code}\n`);
      }
    }
  }
  for (const key of known) {
    if (used.has(key)) continue;
    surprises += 1;
    process.stdout.write(`listed, but it is run or gone: ${key}\n`);
  }
  process.stdout.write(
    `${texts.size} files, ${used.size} exceptions, ${surprises} pieces without a reason\n`,
  );
  process.exitCode = surprises === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
