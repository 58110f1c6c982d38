// Draws many texts against the guard and prints what escaped.
//
//   node test/db/fuzz/fuzz-main.ts [--cases N] [--seed S] [--last FILE]
//
// `--last`: the text under way is written there, to be found when the run hangs or crashes.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { drawFrom } from '../invariance/draw.ts';
import { fuzz } from './fuzz.ts';
import { Oracle } from './oracle.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    last: { type: 'string', default: '' },
  },
});
const [cases, seed] = [Number(values.cases), Number(values.seed)];
const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const folder = mkdtempSync(join(tmpdir(), 'stockade-fuzz-'));
const oracle = new Oracle(folder);
const startedMs = performance.now();
let escapes = 0;
const counts = fuzz(oracle, drawFrom(seed), cases, {
  onEscape: (text, why) => {
    escapes += 1;
    print(`${why}\n  ${JSON.stringify(text)}`);
  },
  onCase: (text) => {
    if (values.last !== '') writeFileSync(values.last, text);
  },
});
oracle.close();
rmSync(folder, { recursive: true });
const seconds = (performance.now() - startedMs) / 1000;
print(
  `${cases} texts in ${seconds.toFixed(0)} s: ${counts.allowed} allowed (${counts.notRun} of them not small, so not run), ${counts.refused} refused, ${counts.errors} errors of SQLite`,
);
print(`${escapes} escapes`);
process.exitCode = escapes === 0 ? 0 : 1;
