// Scripts of commands with everything they print, in scripts/. `$` runs a command, `@` sets the
// clock; `!` marks standard error, `=` an exit status other than 0. What depends on fresh keys is
// masked. With STOCKADE_WRITE_SCRIPTS=1 the files are written anew: read the difference then.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Place, placeFor } from './program-run.ts';

const folder = join(import.meta.dirname, 'scripts');
const program = '$ stockade-certs';

const masked = (line: string): string =>
  line.replace(/\b[0-9a-f]{64}\b/g, 'KEY-PIN').replace(/\b[0-9a-f]{40}\b/g, 'KEY-ID');

const marked = (mark: string, lines: readonly string[]): string[] =>
  lines.map((line) => masked(`${mark}${line}`).trimEnd());

const played = (line: string, place: Place): string[] => {
  if (line.startsWith('@ ')) place.now = new Date(line.slice(2));
  if (!line.startsWith(program)) return [line];
  const words = line.slice(program.length).split(' ').filter(Boolean);
  const { exit, out, err } = place.run(...words);
  const end = exit === 0 ? [] : [`= ${exit}`];
  return [line, ...marked('', out), ...marked('! ', err), ...end];
};

/** The lines of a script that are not output. */
const steps = (text: string): string[] =>
  text.split('\n').filter((line) => /^(#|@ |\$ )/.test(line));

/** Threats that a script plays through. */
const threats: Readonly<Record<string, string>> = {
  'rotation.txt': 'ROLL-02 ROLL-03 ',
};

for (const name of readdirSync(folder)) {
  test(`${threats[name] ?? ''}every command in scripts/${name} prints what the script says`, (context) => {
    const path = join(folder, name);
    const script = readFileSync(path, 'utf8');
    const place = placeFor(context);
    const transcript = `${steps(script)
      .flatMap((line) => played(line, place))
      .join('\n')}\n`;
    const { STOCKADE_WRITE_SCRIPTS: write } = process.env;
    if (write === '1') writeFileSync(path, transcript);
    else assert.equal(transcript, script);
  });
}

/** The console blocks of a page are one script: prompts and output, without marks. */
const pagePlayed = (page: string, place: Place): string =>
  page.replace(/```console\n([^`]*(?:`[^`]+`[^`]*)*)```/g, (_, block: string) => {
    const lines = block.split('\n').filter((line) => line.startsWith('$ '));
    const shown = lines.flatMap((line) => {
      const { out, err } = place.run(...line.slice(program.length).split(' ').filter(Boolean));
      return [line, ...out, ...err];
    });
    return `\`\`\`console\n${shown.join('\n')}\n\`\`\``;
  });

test('every command in docs/CERTIFICATES.md prints what the page says', (context) => {
  const path = join(import.meta.dirname, '..', '..', 'docs', 'CERTIFICATES.md');
  const page = readFileSync(path, 'utf8');
  const again = pagePlayed(page, placeFor(context));
  const { STOCKADE_WRITE_SCRIPTS: write } = process.env;
  if (write === '1') writeFileSync(path, again);
  assert.ok(page.split('$ stockade-certs').length > 10);
  assert.equal(masked(again), masked(page));
});
