// Segments as others may leave them: files that are none, pages and frames of other writers, and
// what is read back of those that are whole.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { WireWriter } from '#command/wire.ts';
import { CodedError } from '#errors.ts';
import { crcSeedOf, encodeFrameHeader } from '#log/frame.ts';
import { segmentNameOf, spareNameOf } from '#log/segment-file.ts';
import { encodeSegmentHeader, segmentHeaderFrom } from '#log/segment-header.ts';
import { logIndex } from '#raft/log-index.ts';
import { term } from '#raft/term.ts';
import { entriesAt, entryAt, hardStateOf, plain } from './log-fixtures.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { contentOf, folder, openOn, segmentBytes } from './simulated-log.ts';

const path = `${folder}/${segmentNameOf(1)}`;

const refuses = (disk: SimulatedDisk, code: string, pattern: RegExp): void => {
  assert.throws(
    () => openOn(disk),
    (error) => error instanceof CodedError && error.code === code && pattern.test(error.message),
  );
};

/** A segment with three entries, its bytes, its header, and where the next frame would begin. */
const threeEntries = () => {
  const disk = new SimulatedDisk();
  const opened = openOn(disk);
  for (let index = 1; index <= 3; index++) opened.append({ entries: [entryAt(index)] });
  const bytes = Buffer.from(disk.bytesOf(path));
  const header = segmentHeaderFrom(bytes.subarray(0, 4096), path);
  assert.ok(header !== undefined);
  const next = Math.ceil((bytes.findLastIndex((byte) => byte !== 0) + 1) / 8) * 8;
  return { disk, bytes, header, next };
};

test('files that are no segments are left alone, whatever their names', () => {
  const { disk } = threeEntries();
  const strangers = ['notes.txt', '1.log', `${'9'.repeat(20)}.log`, `${'0'.repeat(19)}1.log.old`];
  for (const name of strangers) disk.replace(`${folder}/${name}`, Buffer.from('not a segment'));
  assert.equal(openOn(disk).log.recovered.lastIndex, 3);
  for (const name of strangers) assert.ok(disk.list(folder).includes(name), name);
});

test('a whole frame of records that this version does not know refuses to start', () => {
  const { disk, bytes, header, next } = threeEntries();
  // Field 1 (a record) with field 15 in it: a kind of record that nobody wrote yet.
  const payload = Buffer.from([10, 2, 122, 0]);
  encodeFrameHeader(header.firstFrame + 3, payload, crcSeedOf(header.salt)).copy(bytes, next);
  payload.copy(bytes, next + 20);
  disk.replace(path, bytes);
  refuses(disk, 'log_damaged', /a record of an unknown kind/);
});

test('a frame whose header claims more than the file holds is torn, not read', () => {
  const { disk, bytes, header, next } = threeEntries();
  const large = Buffer.alloc(segmentBytes);
  encodeFrameHeader(header.firstFrame + 3, large, crcSeedOf(header.salt)).copy(bytes, next);
  disk.replace(path, bytes);
  assert.equal(openOn(disk).log.recovered.lastIndex, 3);
});

test('a first page of a newer writer: unknown fields are skipped, fields left out are zero', () => {
  const writer = new WireWriter();
  writer.stringField(20, 'from the future');
  const page = (message: Buffer, length = message.length): Buffer => {
    const bytes = encodeSegmentHeader({
      number: 1,
      salt: new Uint8Array(16),
      firstFrame: 1,
      hardState: hardStateOf(1),
      previousIndex: logIndex(0),
      previousTerm: term(0),
    });
    bytes.writeUInt32LE(length, 12);
    bytes.writeUInt32LE(crc32(message), 16);
    message.copy(bytes, 20);
    return bytes;
  };
  const zero = { number: 0, firstFrame: 0, previousIndex: 0, previousTerm: 0 };
  assert.deepEqual(segmentHeaderFrom(page(writer.finish()), ''), {
    ...zero,
    salt: new Uint8Array(0),
    hardState: hardStateOf(0),
  });
  assert.equal(segmentHeaderFrom(page(Buffer.alloc(0), 4096), ''), undefined, 'too long');
  assert.equal(segmentHeaderFrom(page(Buffer.alloc(0)).subarray(0, 4095), ''), undefined);
  assert.equal(segmentHeaderFrom(Buffer.alloc(4096), ''), undefined, 'zeros are no first page');
});

test('a file where the folder of the log should be is refused in words', () => {
  const disk = new SimulatedDisk();
  disk.replace(folder, Buffer.from('a file'));
  refuses(disk, 'data_folder_foreign', /is not a folder/);
});

test('recent entries are the newest that fit, wherever segments and remembered positions lie', () => {
  const disk = new SimulatedDisk();
  const sizes = { segmentBytes: 256 * 1024 };
  const opened = openOn(disk, sizes);
  const data = Buffer.alloc(10_000);
  for (let index = 1; index <= 60; index++) opened.append({ entries: [entryAt(index, 1, data)] });
  const last = (recentBytesMax: number): number[] =>
    openOn(disk, { ...sizes, recentBytesMax }).log.recovered.recentEntries.map(
      ({ index }) => index,
    );
  const newest = (count: number) => Array.from({ length: count }, (_, at) => 61 - count + at);
  assert.deepEqual(last(0), []);
  assert.deepEqual(last(10_031), []);
  assert.deepEqual(last(10_032), newest(1));
  assert.deepEqual(last(30 * 10_032 + 5), newest(30));
  assert.deepEqual(last(1 << 20), newest(60));
});

test('recent entries keep about as much in memory as they hold, however small they are', () => {
  const disk = new SimulatedDisk();
  const sizes = { segmentBytes: 3 * 1024 * 1024 };
  const opened = openOn(disk, sizes);
  const data = Buffer.alloc(1000);
  for (let index = 1; index <= 5000; index += 50) {
    const entries = Array.from({ length: 50 }, (_, at) => entryAt(index + at, 1, data));
    opened.append({ entries });
  }
  const { recentEntries } = openOn(disk, { ...sizes, recentBytesMax: 1 << 30 }).log.recovered;
  assert.equal(recentEntries.length, 5000);
  const buffers = new Set(recentEntries.map((entry) => entry.data.buffer));
  const kept = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
  // A window of 1 MiB for each 64 KiB of entries made it sixteen times as much.
  assert.ok(kept < 3 * 5000 * data.length, `${kept} bytes in ${buffers.size} windows`);
});

test('recent entries after a snapshot begin behind it', () => {
  const disk = new SimulatedDisk();
  const opened = openOn(disk);
  opened.append({ entries: entriesAt(1, 3) });
  opened.append({ snapshot: { index: logIndex(9), term: term(1) }, entries: entriesAt(10, 11) });
  const { recentEntries } = openOn(disk).log.recovered;
  assert.deepEqual(plain(recentEntries), plain(entriesAt(10, 11)));
});

test('a read of entries whose segment is damaged by now is refused, not answered from another', () => {
  const disk = new SimulatedDisk();
  const opened = openOn(disk);
  for (let index = 1; index <= 9; index++) {
    opened.append({ entries: [entryAt(index, 1, Buffer.alloc(700, index))] });
  }
  assert.ok(
    disk.status(`${folder}/${segmentNameOf(3)}`) !== undefined,
    'there are several segments',
  );
  // Its frames are gone; those of the next segment are whole and do not follow.
  disk.bytesOf(path).fill(0, 4096);
  assert.throws(() => opened.log.read(logIndex(1), 1 << 20), /entry 1 can no longer be read/);
});

test('a log that was closed, or has failed, prepares nothing more', () => {
  const disk = new SimulatedDisk();
  const opened = openOn(disk, { segmentBytes: 3 << 20 });
  opened.append({ entries: [entryAt(1, 1, Buffer.alloc(2 << 20))] });
  assert.equal(opened.log.prepare(), true, 'a slice is done, more are wanted');
  opened.log.close();
  const { writes } = disk;
  assert.equal(opened.log.prepare(), false);
  assert.equal(disk.writes, writes);
  const again = openOn(disk, { segmentBytes: 3 << 20 });
  assert.deepEqual(disk.list(folder), [segmentNameOf(1)], 'the half-made spare is removed');
  assert.equal(again.log.recovered.lastIndex, 1);
});

test('a segment is reused while another spare is half made', () => {
  const disk = new SimulatedDisk();
  const sizes = { segmentBytes: 3 << 20 };
  const opened = openOn(disk, sizes);
  const data = Buffer.alloc(2 << 20);
  opened.append({ entries: [entryAt(1, 1, data)] });
  opened.append({ entries: [entryAt(2, 1, data)] });
  assert.equal(opened.log.prepare(), true, 'half made');
  opened.log.trim(logIndex(1));
  assert.deepEqual(disk.list(folder), [spareNameOf(1), segmentNameOf(2), spareNameOf(2)].sort());
  opened.append({ entries: [entryAt(3, 1, data)] });
  assert.deepEqual(plain(contentOf(openOn(disk, sizes))).length, 2);
});
