// A full disk loses nothing and goes on when there is room.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError } from '#errors.ts';
import { frameBytesOf } from '#log/frame.ts';
import { encodeBatch, type LogRecord } from '#log/log-record.ts';
import { segmentNameOf } from '#log/segment-file.ts';
import { entriesAt, entryAt, plain } from './log-fixtures.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { contentOf, folder, openOn } from './simulated-log.ts';

const isFull = (error: unknown): boolean =>
  error instanceof CodedError && error.code === 'disk_full';

const batchOf = (index: number, bytes: number): Buffer => {
  const record: LogRecord = { kind: 'entry', entry: entryAt(index, 1, Buffer.alloc(bytes, 'x')) };
  return encodeBatch([record]);
};

test('a batch that the disk has no room for is refused, is not there, and can be tried again', () => {
  for (const roomBytes of [0, 10, 20, 100, 700]) {
    const disk = new SimulatedDisk();
    const { log } = openOn(disk);
    log.append(batchOf(1, 50));
    disk.roomBytes = roomBytes;
    assert.throws(() => log.append(batchOf(2, 800)), isFull);
    assert.equal(openOn(disk.crash()).log.recovered.lastIndex, 1);
    disk.roomBytes = Number.POSITIVE_INFINITY;
    log.append(batchOf(2, 800));
    log.append(batchOf(3, 50));
    const again = openOn(disk);
    assert.deepEqual(
      contentOf(again).map((entry) => entry.data.length),
      [50, 800, 50],
    );
  }
});

test('a shorter batch after a refused one leaves nothing of it', () => {
  const disk = new SimulatedDisk();
  const { log } = openOn(disk);
  disk.roomBytes = 900;
  assert.throws(() => log.append(batchOf(1, 1000)), isFull);
  disk.roomBytes = Number.POSITIVE_INFINITY;
  log.append(batchOf(1, 10));
  assert.equal(openOn(disk).log.recovered.lastIndex, 1);
});

test('a segment that the disk has no room for is refused at each size, and nothing of it stays', () => {
  for (const roomBytes of [0, 1000, 4000, 6143, 6144, 8000]) {
    const disk = new SimulatedDisk();
    const { log } = openOn(disk);
    log.append(batchOf(1, 1000));
    const before = disk.list(folder);
    disk.roomBytes = roomBytes;
    assert.throws(() => log.append(batchOf(2, 1500)), isFull, `${roomBytes}`);
    assert.throws(() => log.append(batchOf(2, 9000)), isFull, `${roomBytes}`);
    assert.deepEqual(disk.list(folder), before, `${roomBytes}`);
    disk.roomBytes = Number.POSITIVE_INFINITY;
    log.append(batchOf(2, 9000));
    log.append(batchOf(3, 1500));
    assert.deepEqual(
      contentOf(openOn(disk)).map((entry) => entry.data.length),
      [1000, 9000, 1500],
    );
  }
});

test('a batch that is larger than a segment gets a segment of its own size, written before', () => {
  const disk = new SimulatedDisk();
  const { log } = openOn(disk);
  const large = batchOf(1, 9001);
  log.append(large);
  // A file that grew under the frame would end with its last byte.
  const bytes = disk.status(`${folder}/${segmentNameOf(2)}`)?.bytes;
  assert.equal(bytes, 4096 + frameBytesOf(large.length));
  assert.notEqual(bytes, 4096 + 20 + large.length);
});

test('preparing the next segment on a full disk is given up without harm', () => {
  const disk = new SimulatedDisk();
  const opened = openOn(disk);
  opened.log.append(batchOf(1, 1200));
  disk.roomBytes = 100;
  assert.equal(opened.log.prepare(), false);
  assert.deepEqual(disk.list(folder).length, 1);
  disk.roomBytes = Number.POSITIVE_INFINITY;
  opened.log.append(batchOf(2, 200));
  assert.equal(openOn(disk).log.recovered.lastIndex, 2);
});

test('after an error of the disk nothing more is written', () => {
  const disk = new SimulatedDisk();
  const opened = openOn(disk);
  opened.append({ entries: entriesAt(1, 3) });
  disk.failNextSync = true;
  assert.throws(() => opened.append({ entries: [entryAt(4)] }), /EIO/);
  const { writes } = disk;
  assert.throws(() => opened.append({ entries: [entryAt(5)] }), /a log that has failed/);
  assert.equal(disk.writes, writes);
  assert.deepEqual(plain(opened.log.read(entryAt(1).index, 1)), plain([entryAt(1)]));
});
