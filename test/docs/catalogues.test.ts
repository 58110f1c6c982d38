// The pages that list what the sources define: whoever adds a code or a bound adds its row.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { errorMeanings } from '#errors.ts';
import * as limits from '#limits.ts';

const page = (name: string): string =>
  readFileSync(join(import.meta.dirname, '..', '..', 'docs', name), 'utf8');

/** Cells of the table rows whose first cell is a name in backquotes, that name bare. */
const rowsOf = (text: string): readonly (readonly string[])[] =>
  text
    .split('\n')
    .filter((line) => /^\| `\w+` \|/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
    .map(([name = '', ...cells]) => [name.replaceAll('`', ''), ...cells]);

test('docs/ERRORS.md lists every code of src/errors.ts once, with its sentence', () => {
  const rows = rowsOf(page('ERRORS.md'));
  assert.deepEqual(
    rows.map(([code, , meaning]) => [code, meaning]),
    Object.entries(errorMeanings),
  );
});

test('docs/ERRORS.md gives every code a status and says what to do', () => {
  for (const [code, status, , advice] of rowsOf(page('ERRORS.md'))) {
    assert.match(status ?? '', /^(?:[45]\d\d|none)$/, code);
    assert.match(advice ?? '', /^.{15,}\.$/, code);
  }
});

test('docs/LIMITS.md lists every constant of src/limits.ts once, with its value', () => {
  const listed = rowsOf(page('LIMITS.md')).map(
    ([name, value]) => [name, Number(value?.replaceAll(',', ''))] as const,
  );
  assert.equal(new Set(listed.map(([name]) => name)).size, listed.length, 'a name twice');
  assert.deepEqual(Object.fromEntries(listed), { ...limits });
});

test('docs/LIMITS.md gives the unit that the name of the constant has', () => {
  for (const [name = '', , unit = ''] of rowsOf(page('LIMITS.md'))) {
    if (/Bytes/.test(name)) assert.equal(unit, 'bytes', name);
    if (/Ms$/.test(name)) assert.equal(unit, 'ms', name);
  }
});
