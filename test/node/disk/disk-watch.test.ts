// Levels of a disk, and the reserve: real files, a disk whose size the test decides.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type FileSystem, systemFiles } from '#io/file-system.ts';
import { DiskGuard, freeReserveForStart } from '#node/disk/disk-guard.ts';
import { type DiskLevel, levelOf } from '#node/disk/disk-watch.ts';
import { ReserveFile, reserveFileName } from '#node/disk/reserve-file.ts';
import { createLogger } from '#node/logger.ts';
import { eventually } from '../../e2e/cluster.ts';

const mib = 1024 * 1024;
const gib = 1024 * mib;

test('a level begins at the smaller of a share and a number of bytes, and ends a little above it', () => {
  const at = (freeBytes: number, totalBytes: number, before: DiskLevel = 'ample'): DiskLevel =>
    levelOf({ freeBytes, totalBytes }, before);
  // A large disk: 1 GiB and 256 MiB.
  assert.equal(at(gib, 1000 * gib), 'ample');
  assert.equal(at(gib - 1, 1000 * gib), 'low');
  assert.equal(at(256 * mib, 1000 * gib), 'low');
  assert.equal(at(256 * mib - 1, 1000 * gib), 'critical');
  // A small one: a tenth and a fortieth.
  assert.equal(at(0.1 * gib, gib), 'ample');
  assert.equal(at(0.1 * gib - 1, gib), 'low');
  assert.equal(at(0.025 * gib - 1, gib), 'critical');
  assert.equal(at(0, 0), 'ample', 'a file system that says nothing of its size has no levels');
  // On the way up.
  assert.equal(at(1.04 * gib, 1000 * gib, 'low'), 'low');
  assert.equal(at(1.06 * gib, 1000 * gib, 'low'), 'ample');
  assert.equal(at(260 * mib, 1000 * gib, 'critical'), 'critical');
  assert.equal(at(280 * mib, 1000 * gib, 'critical'), 'low');
  assert.equal(at(2 * gib, 1000 * gib, 'critical'), 'ample');
});

/** Real files on a disk of 200 GiB with as much room as `space` says. */
const diskOf = (space: { freeBytes: number }): FileSystem => ({
  ...systemFiles,
  space: () => ({ ...space, totalBytes: 200 * gib }),
});

const inFolder = async (body: (folder: string) => Promise<void> | void): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-disk-'));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

test('the reserve is made in pieces, resumed where it stopped, and given back once', () =>
  inFolder((folder) => {
    const files = diskOf({ freeBytes: 100 * gib });
    const space = files.space(folder);
    const first = new ReserveFile(files, folder);
    assert.equal(first.fillPiece(space), true);
    assert.equal(first.bytes, mib);
    first.close();
    const second = new ReserveFile(files, folder);
    let pieces = 1;
    while (second.fillPiece(space)) pieces += 1;
    assert.equal(pieces, 63);
    assert.equal(second.bytes, 64 * mib);
    // Zeros that take no room would be no reserve.
    assert.ok(statSync(join(folder, reserveFileName)).blocks * 512 >= 64 * mib);
    assert.equal(second.fillPiece(space), false);
    assert.equal(second.release(), true);
    assert.equal(second.release(), false);
    assert.equal(second.bytes, 0);
  }));

test('a start frees the reserve only when there is no room for one', () =>
  inFolder((folder) => {
    const space = { freeBytes: 100 * gib };
    const files = diskOf(space);
    const reserve = new ReserveFile(files, folder);
    while (reserve.fillPiece(files.space(folder)));
    assert.equal(freeReserveForStart(files, folder), false);
    assert.equal(reserve.bytes, 64 * mib);
    space.freeBytes = 64 * mib - 1;
    assert.equal(freeReserveForStart(files, folder), true);
    assert.equal(reserve.bytes, 0);
    assert.equal(freeReserveForStart(files, folder), false);
  }));

test('a guard holds the log and gives up leadership while critical, frees the reserve at the end, and takes all back', () =>
  inFolder(async (folder) => {
    const space = { freeBytes: 100 * gib };
    const held: boolean[] = [];
    let handOvers = 0;
    const guard = new DiskGuard({
      files: diskOf(space),
      folder,
      log: createLogger('silent', 'json', { node: 'n', part: 'node' }),
      raftLog: { hold: (value) => held.push(value) },
      giveUpLeadership: () => {
        handOvers += 1;
      },
    });
    guard.start();
    try {
      await eventually('the reserve is whole', () =>
        Promise.resolve(guard.reserveBytes === 64 * mib),
      );
      space.freeBytes = gib - 1;
      guard.look();
      assert.equal(guard.state.level, 'low');
      assert.deepEqual(held, [false, false]);
      space.freeBytes = 200 * mib;
      guard.look();
      assert.equal(guard.state.level, 'critical');
      assert.equal(held.at(-1), true);
      assert.equal(handOvers, 1);
      assert.equal(guard.reserveBytes, 64 * mib);
      // Nobody took over: it is tried again, but not at every look.
      for (let looks = 0; looks < 10; looks++) guard.look();
      assert.equal(handOvers, 3);
      space.freeBytes = 10 * mib;
      guard.look();
      assert.equal(guard.reserveBytes, 0);
      space.freeBytes = 10 * gib;
      guard.look();
      assert.equal(guard.state.level, 'ample');
      assert.equal(held.at(-1), false);
      await eventually('the reserve is made anew', () =>
        Promise.resolve(guard.reserveBytes === 64 * mib),
      );
    } finally {
      guard.stop();
    }
  }));
