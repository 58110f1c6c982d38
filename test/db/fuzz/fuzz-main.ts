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

/** Texts between two lines about how it goes. */
const chunk = 10_000;

const folder = mkdtempSync(join(tmpdir(), 'stockade-fuzz-'));
const oracle = new Oracle(folder);
const startedMs = performance.now();
let escapes = 0;
const draw = drawFrom(seed);
const counts = { allowed: 0, refused: 0, errors: 0, notRun: 0 };
for (let done = 0; done < cases; done += chunk) {
  const now = fuzz(oracle, draw, Math.min(chunk, cases - done), {
    onEscape: (text, why) => {
      escapes += 1;
      print(`${why}\n  ${JSON.stringify(text)}`);
    },
    onCase: (text) => {
      if (values.last !== '') writeFileSync(values.last, text);
    },
  });
  for (const name of ['allowed', 'refused', 'errors', 'notRun'] as const) counts[name] += now[name];
  print(`${done + chunk} texts, ${counts.allowed} allowed, ${escapes} escapes`);
}
oracle.close();
rmSync(folder, { recursive: true });
const seconds = (performance.now() - startedMs) / 1000;
print(
  `${cases} texts in ${seconds.toFixed(0)} s: ${counts.allowed} allowed (${counts.notRun} of them not small, so not run), ${counts.refused} refused, ${counts.errors} errors of SQLite`,
);
print(`${escapes} escapes`);
process.exitCode = escapes === 0 ? 0 : 1;
