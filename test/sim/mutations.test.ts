// The table of mutations is complete: each fault is listed with what caught it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { mutations } from './mutations.ts';

test('every mutation still finds its place in the sources, once', () => {
  for (const { name, file, find, replace } of mutations) {
    const source = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8');
    assert.equal(source.split(find).length, 2, name);
    assert.notEqual(find, replace, name);
  }
});

test('the table of mutations lists each of them, and what caught it', () => {
  const table = readFileSync(new URL('MUTATIONS.md', import.meta.url), 'utf8');
  for (const { name, file } of mutations) {
    const row = table.split('\n').find((line) => line.startsWith(`| ${name} | ${file} |`));
    assert.ok(row, `${name}: run mutations-main.ts`);
    assert.ok(!row.endsWith('| - | - |'), `${name} is caught by nothing`);
  }
});
