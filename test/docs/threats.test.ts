// docs/THREATS.md is what the names of the tests say, and no threat is without a test or a reason.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');

test('docs/THREATS.md is up to date: node tools/threats.mjs', () => {
  const made = execFileSync(process.execPath, [join(root, 'tools', 'threats.mjs'), '--print'], {
    encoding: 'utf8',
  });
  assert.equal(readFileSync(join(root, 'docs', 'THREATS.md'), 'utf8'), made);
  assert.doesNotMatch(made, /\*\*no test\*\*/);
});
