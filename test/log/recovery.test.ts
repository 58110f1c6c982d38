// What a start makes of segments after a crash, and what it refuses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError } from '#errors.ts';
import { seededRandom } from '#io/random.ts';
import { encodeBatch } from '#log/log-record.ts';
import { segmentNameOf } from '#log/segment-file.ts';
import { encodeSegmentHeader, type SegmentHeader, segmentHeaderFrom } from '#log/segment-header.ts';
import { logIndex } from '#raft/log-index.ts';
import { term } from '#raft/term.ts';
import { entriesAt, entryAt, hardStateOf, plain } from './log-fixtures.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { contentOf, folder, openOn, segmentBytes } from './simulated-log.ts';

const pathOf = (number: number): string => `${folder}/${segmentNameOf(number)}`;

const refuses = (disk: SimulatedDisk, code: string, pattern: RegExp): void => {
  assert.throws(
    () => openOn(disk),
    (error) => {
      assert.ok(error instanceof CodedError, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, pattern);
      if (code === 'log_damaged') assert.match(error.details.hint ?? '', /--recover-tail/);
      return true;
    },
  );
};

/** Three appends in the first segment, and where the frames of each begin and end. */
const threeAppends = () => {
  const disk = new SimulatedDisk();
  const opened = openOn(disk);
  const ends = [4096];
  for (let index = 1; index <= 3; index++) {
    opened.append({ entries: [entryAt(index)], hardState: hardStateOf(1, index - 1) });
    ends.push(lengthOf(disk.bytesOf(pathOf(1))));
  }
  return { disk, ends };
};

/** Behind the last byte that is not zero. */
const lengthOf = (bytes: Buffer): number => bytes.findLastIndex((byte) => byte !== 0) + 1;

test('a last frame torn at any byte is dropped and the one before is kept', () => {
  const { disk, ends } = threeAppends();
  const whole = Buffer.from(disk.bytesOf(pathOf(1)));
  const [, , start = 0, end = 0] = ends;
  for (let cut = start; cut < end; cut++) {
    const torn = Buffer.from(whole);
    torn.fill(0, cut);
    // A byte that was zero anyway makes no difference.
    if (torn.equals(whole)) continue;
    disk.replace(pathOf(1), torn);
    const opened = openOn(disk);
    assert.equal(opened.log.recovered.lastIndex, 2, `cut at ${cut}`);
    assert.deepEqual(opened.log.recovered.hardState, hardStateOf(1, 1), `cut at ${cut}`);
    opened.append({ entries: [entryAt(3, 2)], hardState: hardStateOf(2, 2) });
    const again = openOn(disk);
    assert.deepEqual(plain(contentOf(again)), plain([...entriesAt(1, 2), entryAt(3, 2)]));
  }
});

test('a last frame that survived in any of its sectors but not all is dropped', () => {
  const random = seededRandom(1);
  for (let round = 0; round < 200; round++) {
    const disk = new SimulatedDisk();
    const opened = openOn(disk, { segmentBytes: 32 * 1024 });
    opened.append({ entries: [entryAt(1)] });
    // The power goes at the sync: the write of eight sectors may be there in part.
    disk.operationsLeft = 1;
    const data = Buffer.alloc(4096, 'x');
    assert.throws(() => opened.append({ entries: [entryAt(2, 1, data)] }), /PowerCut/);
    const after = openOn(disk.cutPower(random), { segmentBytes: 32 * 1024 });
    const { lastIndex } = after.log.recovered;
    assert.ok(lastIndex === 1 || lastIndex === 2);
    const entries = [entryAt(1), entryAt(2, 1, data)].slice(0, lastIndex);
    assert.deepEqual(plain(contentOf(after)), plain(entries));
  }
});

test('a flipped bit anywhere before the last frame refuses to start', () => {
  const { disk, ends } = threeAppends();
  const whole = Buffer.from(disk.bytesOf(pathOf(1)));
  const [start = 0, , end = 0] = ends;
  for (let at = start; at < end; at++) {
    // Frames are padded; the padding says nothing and is not checked.
    if (whole[at] === 0 && ends.some((frameEnd) => at >= frameEnd && at < frameEnd + 8)) continue;
    const broken = Buffer.from(whole);
    broken[at] = (broken[at] ?? 0) ^ 0x10;
    disk.replace(pathOf(1), broken);
    refuses(disk, 'log_damaged', /no frame can be read there, but one follows/);
  }
});

test('zeros in the middle (a write that never reached the disk) refuse to start', () => {
  const { disk, ends } = threeAppends();
  disk.bytesOf(pathOf(1)).fill(0, ends[1], ends[2]);
  refuses(disk, 'log_damaged', /no frame can be read there, but one follows/);
});

test('a flipped bit in the first page refuses to start', () => {
  const { disk } = threeAppends();
  const page = disk.bytesOf(pathOf(1));
  page[30] = (page[30] ?? 0) ^ 1;
  refuses(disk, 'log_damaged', /first page/);
});

test('another format version is refused in words', () => {
  const { disk } = threeAppends();
  disk.bytesOf(pathOf(1)).writeUInt32LE(2, 8);
  refuses(disk, 'data_folder_foreign', /version 2 of the log format; this program knows version 1/);
});

/** Appends until the log has this many segments. */
const fill = (disk: SimulatedDisk, segments: number) => {
  const opened = openOn(disk);
  let index = 1;
  for (; disk.status(pathOf(segments)) === undefined; index++) {
    opened.append({ entries: [entryAt(index)], hardState: hardStateOf(1, index - 1, 'n1') });
  }
  return { opened, lastIndex: index - 1 };
};

test('a log over several segments is read back whole', () => {
  const disk = new SimulatedDisk();
  const { lastIndex } = fill(disk, 4);
  const opened = openOn(disk);
  assert.deepEqual(plain(contentOf(opened)), plain(entriesAt(1, lastIndex)));
  assert.deepEqual(opened.log.recovered.hardState, hardStateOf(1, lastIndex - 1, 'n1'));
});

test('a missing segment between two refuses to start', () => {
  const disk = new SimulatedDisk();
  fill(disk, 3);
  disk.remove(pathOf(2));
  refuses(disk, 'log_damaged', /0002\.log is missing/);
});

test('a last frame that is gone from a segment with a successor refuses to start', () => {
  const disk = new SimulatedDisk();
  fill(disk, 2);
  const bytes = disk.bytesOf(pathOf(1));
  bytes.fill(0, lengthOf(bytes) - 8);
  refuses(disk, 'log_damaged', /the segment before it can be read to frame/);
});

test('a first page that differs from what the segment before it came to refuses to start', () => {
  const changes: ((header: SegmentHeader) => Partial<SegmentHeader>)[] = [
    ({ firstFrame }) => ({ firstFrame: firstFrame + 1 }),
    ({ previousIndex }) => ({ previousIndex: logIndex(previousIndex - 1) }),
    () => ({ previousTerm: term(2) }),
    ({ hardState: { commitIndex } }) => ({ hardState: hardStateOf(2, commitIndex, 'n1') }),
    ({ hardState: { commitIndex } }) => ({ hardState: hardStateOf(1, commitIndex, 'n2') }),
    ({ hardState: { commitIndex } }) => ({ hardState: hardStateOf(1, commitIndex - 1, 'n1') }),
  ];
  for (const change of changes) {
    const disk = new SimulatedDisk();
    fill(disk, 2);
    const bytes = disk.bytesOf(pathOf(2));
    const header = segmentHeaderFrom(bytes.subarray(0, 4096), pathOf(2));
    assert.ok(header !== undefined);
    encodeSegmentHeader({ ...header, ...change(header) }).copy(bytes);
    refuses(disk, 'log_damaged', /the segment before it can be read to frame/);
  }
});

test('whole frames that do not follow one another refuse to start', () => {
  const cases = [
    [[{ kind: 'hard-state', hardState: hardStateOf(2, 5) }], /commit index 5 is beyond/],
    [[{ kind: 'entry', entry: entryAt(3) }], /entry 3 comes after entry 1/],
    [[{ kind: 'entry', entry: entryAt(2, 0) }], /of term 0 comes after term 1/],
    [[{ kind: 'hard-state', hardState: hardStateOf(1) }], /term 1 comes after term 2/],
    [[{ kind: 'truncate', from: logIndex(1), previousTerm: term(0) }], /entry 1 was committed/],
    [[{ kind: 'truncate', from: logIndex(3), previousTerm: term(1) }], /the last entry is 1/],
  ] as const;
  for (const [records, pattern] of cases) {
    const disk = new SimulatedDisk();
    const opened = openOn(disk);
    opened.append({ entries: [entryAt(1)], hardState: hardStateOf(2, 1) });
    // Past the check of the caller, as a fault of the program would come.
    assert.throws(() => opened.log.append(encodeBatch(records)), /broken invariant/);
    refuses(disk, 'log_damaged', pattern);
  }
});

test('an append that does not follow is refused before it reaches the disk', () => {
  const disk = new SimulatedDisk();
  const opened = openOn(disk);
  const { writes } = disk;
  assert.throws(() => opened.append({ entries: [entryAt(2)] }), /entry 2 comes after entry 0/);
  assert.equal(disk.writes, writes);
});

test('frames of an earlier life of the file are never taken for frames of this one', () => {
  const disk = new SimulatedDisk();
  const { opened, lastIndex } = fill(disk, 3);
  opened.append({ hardState: hardStateOf(1, lastIndex) });
  opened.log.trim(logIndex(lastIndex));
  const reused = disk.list(folder).filter((name) => name.endsWith('.spare'));
  assert.equal(reused.length, 2);
  // The next segments lie in old files, full of frames that were valid, at the same places.
  let index = lastIndex + 1;
  for (; disk.status(pathOf(4)) === undefined; index++) {
    opened.append({ entries: [entryAt(index)], hardState: hardStateOf(1, index - 1, 'n1') });
  }
  assert.ok(lengthOf(disk.bytesOf(pathOf(4))) > segmentBytes - 256, 'old frames fill the file');
  const again = openOn(disk);
  assert.equal(again.log.recovered.lastIndex, index - 1);
  const { trimmedIndex } = again.log.recovered;
  assert.deepEqual(plain(contentOf(again)), plain(entriesAt(trimmedIndex + 1, index - 1)));
  // Also not as frames that follow a torn one.
  disk.bytesOf(pathOf(4)).fill(0xff, 4096 + 20, 4096 + 28);
  assert.equal(openOn(disk).log.recovered.lastIndex, index - 2);
});

test('an entry that looks like a frame of this segment is data, also when its own frame is torn', () => {
  const disk = new SimulatedDisk();
  const opened = openOn(disk, { segmentBytes: 32 * 1024 });
  opened.append({ entries: [entryAt(1)] });
  const frame = Buffer.from(disk.bytesOf(pathOf(1)).subarray(4096, 4096 + 64));
  // A client knows the layout but not the salt; this frame even had the right salt, once.
  const data = Buffer.concat(Array.from({ length: 64 }, () => frame));
  opened.append({ entries: [entryAt(2, 1, data)] });
  assert.equal(openOn(disk).log.recovered.lastIndex, 2);
  disk.bytesOf(pathOf(1)).fill(0, 4096 + 512, 4096 + 1024);
  assert.equal(openOn(disk).log.recovered.lastIndex, 1);
});

test('a batch that was in the memory of the kernel only is made durable before it counts', () => {
  const disk = new SimulatedDisk();
  const opened = openOn(disk);
  opened.append({ entries: [entryAt(1)] });
  // The sync fails, and the kernel holds its pages for clean from then on.
  disk.failNextSync = true;
  assert.throws(() => opened.append({ entries: [entryAt(2)] }), /EIO/);
  const restarted = disk.crash();
  const { lastIndex } = openOn(restarted).log.recovered;
  assert.equal(lastIndex, 2);
  const after = openOn(restarted.cutPower(seededRandom(7)));
  assert.equal(after.log.recovered.lastIndex, 2, 'what a start reported survives the next cut');
});

test('truncate, append and a crash: the new entries are there and the old ones are not', () => {
  const disk = new SimulatedDisk();
  const opened = openOn(disk);
  opened.append({ entries: entriesAt(1, 5), hardState: hardStateOf(1, 2) });
  opened.append({
    truncateFrom: logIndex(4),
    entries: entriesAt(4, 4, 3),
    hardState: hardStateOf(3, 3),
  });
  const again = openOn(disk.cutPower(seededRandom(1)));
  assert.deepEqual(plain(contentOf(again)), plain([...entriesAt(1, 3), entryAt(4, 3)]));
  assert.deepEqual(again.log.recovered.terms, [
    { from: 1, term: 1 },
    { from: 4, term: 3 },
  ]);
});

test('a truncation behind the last entry removes nothing', () => {
  const disk = new SimulatedDisk();
  const opened = openOn(disk);
  opened.append({ entries: [entryAt(1)] });
  opened.append({ truncateFrom: logIndex(2), entries: [entryAt(2, 2)] });
  assert.deepEqual(plain(contentOf(openOn(disk))), plain([entryAt(1), entryAt(2, 2)]));
});

test('a truncation of a committed entry is refused before it reaches the disk', () => {
  const opened = openOn(new SimulatedDisk());
  opened.append({ entries: entriesAt(1, 3), hardState: hardStateOf(1, 2) });
  assert.throws(() => opened.append({ truncateFrom: logIndex(2) }), /entry 2 was committed/);
});

test('a truncated configuration entry is no longer reported', () => {
  const disk = new SimulatedDisk();
  const opened = openOn(disk);
  const kept = entryAt(1, 1, 'a', 'configuration');
  opened.append({ entries: [kept, entryAt(2, 1, 'b', 'configuration')] });
  opened.append({ truncateFrom: logIndex(2), entries: [entryAt(2, 2)] });
  const { configurationEntries } = openOn(disk).log.recovered;
  assert.deepEqual(plain(configurationEntries), plain([kept]));
});

test('a hard state alone is kept, with a vote and without', () => {
  const disk = new SimulatedDisk();
  openOn(disk).append({ hardState: hardStateOf(7, 0, 'n3') });
  const second = openOn(disk);
  assert.deepEqual(second.log.recovered.hardState, hardStateOf(7, 0, 'n3'));
  second.append({ hardState: hardStateOf(8) });
  assert.deepEqual(openOn(disk).log.recovered.hardState, hardStateOf(8));
});

test('behind a snapshot the log is empty, the hard state is kept and old segments go', () => {
  const disk = new SimulatedDisk();
  const { opened, lastIndex } = fill(disk, 3);
  opened.append({ snapshot: { index: logIndex(lastIndex + 100), term: term(5) } });
  assert.deepEqual(
    disk.list(folder).filter((name) => name.endsWith('.log')),
    [segmentNameOf(3)],
  );
  const again = openOn(disk);
  const { recovered } = again.log;
  assert.equal(recovered.lastIndex, lastIndex + 100);
  assert.equal(recovered.trimmedIndex, lastIndex + 100);
  assert.equal(recovered.trimmedTerm, 5);
  assert.deepEqual(recovered.terms, []);
  assert.deepEqual(recovered.hardState, hardStateOf(1, lastIndex - 1, 'n1'));
  assert.deepEqual(contentOf(again), []);
  again.append({ entries: [entryAt(lastIndex + 101, 5)] });
  assert.deepEqual(plain(contentOf(openOn(disk))), plain([entryAt(lastIndex + 101, 5)]));
});

test('a trim removes whole segments only, never an entry behind the index, and the beginning is known', () => {
  const disk = new SimulatedDisk();
  const { opened, lastIndex } = fill(disk, 4);
  const before = contentOf(opened);
  const asked = lastIndex - 3;
  opened.log.trim(logIndex(asked));
  const again = openOn(disk);
  const { trimmedIndex, trimmedTerm } = again.log.recovered;
  assert.ok(trimmedIndex > 0 && trimmedIndex <= asked, `trimmed to ${trimmedIndex}`);
  assert.equal(trimmedTerm, 1);
  assert.deepEqual(plain(contentOf(again)), plain(before.slice(trimmedIndex)));
  assert.deepEqual(opened.log.read(logIndex(trimmedIndex), 100), []);
});

test('a trim up to entries that were truncated later leaves the right beginning and term', () => {
  const disk = new SimulatedDisk();
  const opened = openOn(disk);
  let index = 1;
  for (; disk.status(pathOf(2)) === undefined; index++)
    opened.append({ entries: [entryAt(index)] });
  // Segment 2 says that it begins behind an entry which is truncated now.
  const from = index - 5;
  opened.append({ truncateFrom: logIndex(from), entries: [entryAt(from, 2)] });
  opened.append({ hardState: hardStateOf(2, from) });
  opened.log.trim(logIndex(from - 2));
  assert.equal(openOn(disk).log.recovered.trimmedIndex, 0, 'entry from - 1 is in the segment');
  opened.log.trim(logIndex(from - 1));
  assert.deepEqual(
    disk.list(folder).filter((name) => name.endsWith('.log')),
    [segmentNameOf(2)],
  );
  const again = openOn(disk);
  assert.equal(again.log.recovered.trimmedIndex, from - 1);
  assert.equal(again.log.recovered.trimmedTerm, 1);
  assert.deepEqual(plain(contentOf(again)), plain([entryAt(from, 2)]));
  assert.deepEqual(plain(opened.log.read(logIndex(from), 1)), plain([entryAt(from, 2)]));
});

test('a start with a log of no segment but leftover spares makes a new log', () => {
  const disk = new SimulatedDisk();
  disk.createFolder(folder);
  disk.replace(`${folder}/00000000000000000001.spare`, Buffer.alloc(segmentBytes, 1));
  disk.replace(`${folder}/00000000000000000002.spare`, Buffer.alloc(100));
  const opened = openOn(disk);
  opened.append({ entries: [entryAt(1)] });
  assert.deepEqual(disk.list(folder), [segmentNameOf(1)]);
  assert.equal(openOn(disk).log.recovered.lastIndex, 1);
});

test('a read near the end of a long segment does not read the segment from its beginning', () => {
  const disk = new SimulatedDisk();
  const opened = openOn(disk, { segmentBytes: 16 << 20 });
  const data = Buffer.alloc(256 * 1024);
  for (let index = 1; index <= 40; index++) opened.append({ entries: [entryAt(index, 1, data)] });
  for (const { log } of [opened, openOn(disk, { segmentBytes: 16 << 20, recentBytesMax: 0 })]) {
    const before = disk.bytesRead;
    assert.equal(log.read(logIndex(39), 1 << 30).length, 2);
    assert.ok(disk.bytesRead - before <= 2 << 20, 'a window or two of the ten MiB before it');
  }
});
