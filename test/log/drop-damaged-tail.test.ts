// The way out of a damaged tail, on purpose only.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '#io/random.ts';
import { dropDamagedTail } from '#log/drop-damaged-tail.ts';
import { segmentNameOf } from '#log/segment-file.ts';
import { entriesAt, entryAt, plain } from './log-fixtures.ts';
import { PowerCut, SimulatedDisk } from './simulated-disk.ts';
import { contentOf, folder, openOn } from './simulated-log.ts';

const pathOf = (number: number): string => `${folder}/${segmentNameOf(number)}`;

/** A log of one entry an append, over some segments. */
const logOver = (segments: number) => {
  const disk = new SimulatedDisk();
  const opened = openOn(disk);
  let index = 1;
  for (; disk.status(pathOf(segments)) === undefined; index++) {
    opened.append({ entries: [entryAt(index, 1, Buffer.alloc(100, index))] });
  }
  return disk;
};

const flip = (disk: SimulatedDisk, segment: number, at: number): void => {
  const bytes = disk.bytesOf(pathOf(segment));
  bytes[at] = (bytes[at] ?? 0) ^ 1;
};

test('a log that is not damaged is left alone', () => {
  const disk = logOver(2);
  const before = Buffer.from(disk.bytesOf(pathOf(2)));
  assert.equal(dropDamagedTail(disk, folder), undefined);
  assert.ok(disk.bytesOf(pathOf(2)).equals(before));
  assert.equal(dropDamagedTail(new SimulatedDisk(), folder), undefined);
});

test('behind the damage everything is dropped, and what follows never comes back', () => {
  const disk = logOver(3);
  // The second frame of the second segment.
  const first = openOn(disk).log.recovered.lastIndex;
  flip(disk, 2, 4096 + 200);
  assert.throws(() => openOn(disk), /damaged/);
  const damage = dropDamagedTail(disk, folder);
  assert.equal(damage?.code, 'log_damaged');
  const opened = openOn(disk);
  const { lastIndex } = opened.log.recovered;
  assert.ok(lastIndex > 0 && lastIndex < first);
  // A frame of the same length in the place of the broken one: old ones would follow it exactly.
  opened.append({ entries: [entryAt(lastIndex + 1, 1, Buffer.alloc(100, 'n'))] });
  assert.equal(openOn(disk).log.recovered.lastIndex, lastIndex + 1);
});

test('a log whose first page is broken is given up as a whole', () => {
  const disk = logOver(2);
  flip(disk, 1, 30);
  assert.equal(dropDamagedTail(disk, folder)?.code, 'log_damaged');
  assert.equal(openOn(disk).log.recovered.lastIndex, 0);
});

test('a missing segment ends the log before it', () => {
  const disk = logOver(3);
  disk.remove(pathOf(2));
  assert.equal(dropDamagedTail(disk, folder)?.code, 'log_damaged');
  const opened = openOn(disk);
  const { lastIndex } = opened.log.recovered;
  assert.deepEqual(
    plain(contentOf(opened)),
    plain(
      entriesAt(1, lastIndex).map((entry) => ({ ...entry, data: Buffer.alloc(100, entry.index) })),
    ),
  );
});

/** Cuts the power at each step of dropping a tail; `check` sees what a start after it finds. */
const cutAtEachStep = (
  damage: (disk: SimulatedDisk) => void,
  check: (disk: SimulatedDisk) => void,
) => {
  for (let after = 0; ; after++) {
    const disk = logOver(4);
    damage(disk);
    disk.operationsLeft = after;
    try {
      dropDamagedTail(disk, folder);
      assert.ok(after > 3);
      return;
    } catch (error) {
      assert.ok(error instanceof PowerCut);
    }
    check(disk.cutPower(seededRandom(after)));
  }
};

test('a cut of power while a tail is dropped leaves a log that can be dropped again', () => {
  const damage = (disk: SimulatedDisk): void => flip(disk, 2, 4096 + 200);
  const whole = logOver(4);
  damage(whole);
  dropDamagedTail(whole, folder);
  const { lastIndex } = openOn(whole).log.recovered;
  cutAtEachStep(damage, (disk) => {
    dropDamagedTail(disk, folder);
    assert.equal(openOn(disk).log.recovered.lastIndex, lastIndex);
  });
});

test('a cut of power while a whole log is dropped never leaves a log that looks trimmed', () => {
  cutAtEachStep(
    (disk) => flip(disk, 1, 30),
    (disk) => {
      if (disk.list(folder).length > 0) assert.throws(() => openOn(disk), /damaged/);
    },
  );
});
