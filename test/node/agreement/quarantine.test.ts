// The mark of a database that differs, and how often it is replaced.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openWriter } from '#db/open-writer.ts';
import { systemClock } from '#io/clock.ts';
import { systemFiles } from '#io/file-system.ts';
import { cryptoRandom } from '#io/random.ts';
import { checkIsDue } from '#node/agreement/agreement.ts';
import { askImageEveryMs, reimagePauseMs } from '#node/agreement/bounds.ts';
import { Quarantine } from '#node/agreement/quarantine.ts';
import { Alarms } from '#node/alarms.ts';
import { createLogger } from '#node/logger.ts';

process.umask(0o077);

const effects = { files: systemFiles, random: cryptoRandom };

const open = (t: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-quarantine-'));
  t.after(() => rmSync(folder, { recursive: true }));
  openWriter({ dataFolder: folder, ...effects, clock: systemClock }).close();
  let nowMs = 1_800_000_000_000;
  const alarms = new Alarms(
    createLogger('fatal', 'json', { node: 'n1', part: 'test' }),
    () => nowMs,
  );
  const start = () => new Quarantine({ folder, ...effects, wallMs: () => nowMs, alarms });
  return {
    folder,
    alarms,
    start,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
};

test('a quarantine survives a restart, and ends with the generation that it is about', (t) => {
  const { folder, alarms, start } = open(t);
  const quarantine = start();
  assert.equal(quarantine.mayImage, false);
  quarantine.begin('its content differs', 7);
  quarantine.begin('a second reason', 8);
  assert.deepEqual(
    alarms.standing.map(({ name }) => name),
    ['quarantined'],
  );
  const again = start();
  assert.deepEqual(again.mark, quarantine.mark);
  assert.equal(again.mark?.index, 7);
  // Another generation is in use, as after an image.
  mkdirSync(join(folder, 'db', 'i9t1'));
  writeFileSync(join(folder, 'db', 'i9t1', 'state.sqlite'), '');
  writeFileSync(join(folder, 'db', 'CURRENT'), 'i9t1\n');
  again.replaced();
  assert.equal(again.mark, undefined);
  assert.deepEqual(alarms.standing, []);
  assert.ok(existsSync(join(folder, 'db', '00000001', 'quarantine.json')));
});

test('a mark that cannot be read is a mark', (t) => {
  const { folder, start } = open(t);
  writeFileSync(join(folder, 'db', '00000001', 'quarantine.json'), 'half a senten');
  assert.equal(start().mark?.reason, 'its mark cannot be read');
});

test('an image is asked for every few seconds, and taken once an hour, also after a restart', (t) => {
  const { start, pass } = open(t);
  const quarantine = start();
  quarantine.begin('its content differs', 7);
  assert.equal(quarantine.shouldAsk(0, 50), true);
  assert.equal(quarantine.shouldAsk(askImageEveryMs - 1, 60), false);
  assert.equal(quarantine.shouldAsk(askImageEveryMs, 60), true);
  assert.equal(quarantine.heldIndex, 50, 'the log stays from the first time on');
  quarantine.imageTaken();
  assert.equal(quarantine.mayImage, false);
  pass(reimagePauseMs - 1);
  assert.equal(start().mayImage, false);
  pass(1);
  assert.equal(start().mayImage, true);
  // A clock that was set back by years does not forbid it for years.
  pass(-10 * reimagePauseMs);
  assert.equal(start().mayImage, true);
});

test('the check of all content is due after its hours, and never with 0', () => {
  const hour = 3_600_000;
  assert.equal(checkIsDue(1000, 1000 + 168 * hour - 1, 168), false);
  assert.equal(checkIsDue(1000, 1000 + 168 * hour, 168), true);
  assert.equal(checkIsDue(0, Number.MAX_SAFE_INTEGER, 0), false);
});
