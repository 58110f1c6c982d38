// The same log gives the same database, whatever its batches, restarts, rehearsals and kills were.
// `node test/db/invariance/invariance-main.ts --seeds 10000 --naive` runs many more.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeOutcome } from '#command/outcome-codec.ts';
import { drawFrom } from './draw.ts';
import { drawLog } from './hostile-log.ts';
import { runSeed } from './invariance.ts';
import { judgeLog } from './judged-log.ts';
import { Victims } from './victims.ts';

const seeds = 40;
/** Logs that ended differently, or stopped the writer, before the rules that keep them equal. */
const found = [7, 31, 34, 128, 129, 137, 182, 200, 202, 230, 356, 427];

test('the same log gives the same content, rowids and outcome chain in three variants; the naive loop does not', async (t) => {
  const victims = new Victims(25);
  t.after(() => victims.close());
  let naive = 0;
  const all = [...found, ...Array.from({ length: seeds }, (_, at) => 10_001 + at)];
  for (const seed of all) {
    const result = await runSeed(seed, { victims, naive: true });
    assert.equal(result.difference, undefined, `seed ${seed}`);
    if (result.naiveDiffers) naive += 1;
  }
  assert.ok(naive > all.length / 3, `the naive loop differed in ${naive} of ${all.length}`);
  t.diagnostic(`${victims.kills} SIGKILLs; the naive loop differed in ${naive} of ${all.length}`);
});

test('what is remembered of requests under keys is the same too, and none of them is done twice', async (t) => {
  const victims = new Victims(25);
  t.after(() => victims.close());
  for (let seed = 20_001; seed <= 20_012; seed++) {
    const { difference } = await runSeed(seed, { victims, keyed: true });
    assert.equal(difference, undefined, `seed ${seed}`);
  }
  const parent = mkdtempSync(join(tmpdir(), 'stockade-invariance-'));
  t.after(() => rmSync(parent, { recursive: true }));
  const kinds = Array.from({ length: 12 }, (_, at) => {
    const log = judgeLog(join(parent, String(at)), drawLog(drawFrom(20_001 + at)), true);
    return [...log.outcomes.values()].map((bytes) => decodeOutcome(bytes).kind);
  }).flat();
  for (const kind of ['results', 'repeated', 'key-reused', 'conflict'] as const) {
    assert.ok(kinds.includes(kind), kind);
  }
});

test('capturing changes what a database holds in nothing, and batches and kills nothing of what is captured', async (t) => {
  const victims = new Victims(25);
  t.after(() => victims.close());
  for (let seed = 30_001; seed <= 30_005; seed++) {
    const { difference } = await runSeed(seed, { victims, captured: true });
    assert.equal(difference, undefined, `seed ${seed}`);
  }
});

test('the logs are worth something: most of what they hold is done, and every kind of failure occurs', () => {
  const parent = mkdtempSync(join(tmpdir(), 'stockade-invariance-'));
  try {
    const texts = Array.from({ length: 20 }, (_, at) => {
      const log = judgeLog(join(parent, String(at)), drawLog(drawFrom(at + 1)));
      return [...log.outcomes.values()].map((bytes) => Buffer.from(bytes).toString('latin1'));
    }).flat();
    const all = texts.join('\n');
    const done = all.match(/rows_affected|"columns"/g)?.length ?? 0;
    const failed = all.match(/"error"/g)?.length ?? 0;
    assert.ok(3 * done > 2 * failed, `${done} done, ${failed} failed`);
    for (const kind of ['UNIQUE', 'FOREIGN KEY', 'NOT NULL', 'rowid_space', 'integer overflow']) {
      assert.ok(all.includes(kind), kind);
    }
  } finally {
    rmSync(parent, { recursive: true });
  }
});
