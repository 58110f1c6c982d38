// Outcome chains of two nodes that are not at the same entry, and what is told of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outcomeMarkStride } from '#db/outcome-chain.ts';
import { endMarksMax, noteMarksMax, strideMarksMax } from '#node/agreement/bounds.ts';
import { OutcomeMarks } from '#node/agreement/marks.ts';
import { decodeNote, encodeNote } from '#node/agreement/note-codec.ts';

const chain = (byte: number): string => Buffer.alloc(32, byte).toString('hex');

const marksOf = (...marks: readonly (readonly [number, number])[]): OutcomeMarks => {
  const made = new OutcomeMarks();
  for (const [index, byte] of marks) made.add({ index, chain: chain(byte) });
  return made;
};

test('two nodes are compared at the last index that both know', () => {
  const leader = marksOf([256, 1], [300, 2], [512, 3], [600, 4]);
  assert.deepEqual(leader.compare(marksOf([256, 1], [512, 3], [590, 9])), {
    kind: 'same',
    index: 512,
  });
  assert.deepEqual(leader.compare(marksOf([256, 1], [512, 7])), { kind: 'different', index: 512 });
  // What was different once and is the same later was an image in between.
  assert.deepEqual(leader.compare(marksOf([256, 9], [600, 4])), { kind: 'same', index: 600 });
  assert.deepEqual(leader.compare(marksOf([255, 1], [601, 4])), { kind: 'unknown' });
  assert.deepEqual(leader.compare(new OutcomeMarks()), { kind: 'unknown' });
});

test('a lag of thousands of entries is bridged by every 256th, and memory stays bounded', () => {
  const [leader, follower] = [new OutcomeMarks(), new OutcomeMarks()];
  const last = outcomeMarkStride * 1000;
  for (let index = 1; index <= last; index++) leader.add({ index, chain: chain(index % 251) });
  const kept = Array.from({ length: last }, (_, at) => leader.at(at + 1)).filter(Boolean).length;
  assert.equal(kept, strideMarksMax + endMarksMax);
  const behind = last - outcomeMarkStride * (strideMarksMax - 1);
  follower.add({ index: behind, chain: chain(behind % 251) });
  assert.deepEqual(leader.compare(follower), { kind: 'same', index: behind });
  assert.equal(leader.told.length, noteMarksMax);
});

test('a database that went back forgets what lies behind it, and a mark replaces its like', () => {
  const marks = marksOf([256, 1], [300, 2], [512, 3]);
  marks.forgetBehind(300);
  assert.equal(marks.last?.index, 300);
  assert.equal(marks.at(512), undefined);
  marks.add({ index: 300, chain: chain(8) });
  assert.equal(marks.at(300), chain(8));
  marks.forget();
  assert.equal(marks.last, undefined);
});

test('a note is read as it was written; another version, a short chain or noise is no note', () => {
  const note = {
    appliedIndex: 700,
    marks: [
      { index: 700, chain: chain(5) },
      { index: 512, chain: chain(6) },
    ],
    quarantined: true,
  };
  assert.deepEqual(decodeNote(encodeNote(note)), note);
  const none = { appliedIndex: 0, marks: [], quarantined: false };
  assert.deepEqual(decodeNote(encodeNote(none)), none);
  const later = encodeNote(none);
  later[1] = 2;
  assert.equal(decodeNote(later), undefined);
  const short = encodeNote({ ...note, marks: [{ index: 1, chain: 'ab' }] });
  assert.equal(decodeNote(short), undefined);
  const many = Array.from({ length: noteMarksMax + 1 }, (_, at) => ({
    index: at,
    chain: chain(at),
  }));
  assert.equal(decodeNote(encodeNote({ ...note, marks: many })), undefined);
  assert.equal(decodeNote(Buffer.from([0xff, 0xff, 0xff])), undefined);
  assert.ok(encodeNote({ ...note, marks: many.slice(1) }).length < 400, 'a heartbeat has 1 KiB');
});
