// The guard against random SQL; `node test/db/fuzz/fuzz-main.ts --cases 400000` draws many more.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { drawFrom } from '../invariance/draw.ts';
import { findings } from './findings.ts';
import { fuzz } from './fuzz.ts';
import { Oracle } from './oracle.ts';

const cases = 3000;

const openOracle = (t: TestContext): Oracle => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-fuzz-'));
  const oracle = new Oracle(folder);
  t.after(() => {
    oracle.close();
    rmSync(folder, { recursive: true });
  });
  return oracle;
};

test('SQL-41 nothing that the guard allows reaches beyond its verdict when it is run', (t) => {
  const escapes: string[] = [];
  const counts = fuzz(openOracle(t), drawFrom(1), cases, {
    onEscape: (text, why) => escapes.push(`${why}: ${JSON.stringify(text)}`),
  });
  assert.deepEqual(escapes, []);
  // It is worth something only while a good part of what it draws is allowed.
  assert.ok(counts.allowed > cases / 10, JSON.stringify(counts));
});

test('SQL-41 what was found once stays refused, or is harmless when it is run', (t) => {
  const oracle = openOracle(t);
  for (const [why, text] of findings) {
    const verdict = oracle.judge(text);
    if (why.startsWith('stored')) assert.equal(verdict.kind, 'refused', text);
    if (why === 'looked cheap') {
      assert.ok(verdict.kind !== 'allowed' || verdict.cost !== 'small', text);
    }
    if (verdict.kind === 'allowed') {
      assert.equal(oracle.violationOf(text, verdict), undefined, text);
    }
  }
});

test('SQL-41 the oracle sees what the guard would have to miss', (t) => {
  const oracle = openOracle(t);
  const careless = (text: string): string | undefined =>
    oracle.violationOf(text, {
      kind: 'allowed',
      access: 'read',
      returnsRows: false,
      parameters: 0,
      reads: [],
      writes: [],
      cost: 'small',
      copies: 1,
      frees: false,
      unordered: false,
    });
  for (const text of [
    "ATTACH ':memory:' AS z",
    'PRAGMA cache_size = 77',
    'SAVEPOINT x',
    'CREATE TEMP TABLE x(a)',
    'INSERT INTO t(a) VALUES(1)',
    'DELETE FROM _stockade_meta',
  ]) {
    assert.notEqual(careless(text), undefined, text);
  }
});
