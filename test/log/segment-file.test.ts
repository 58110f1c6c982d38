// The search for a frame where none should be: it skips pages of zeros, and nothing else.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { systemFiles } from '#io/file-system.ts';
import { crcSeedOf, encodeFrameHeader } from '#log/frame.ts';
import { windowBytes } from '#log/limits.ts';
import { SegmentReader, withOpenFile } from '#log/segment-file.ts';
import { temporaryFolder } from './log-fixtures.ts';

const salt = Buffer.from('a salt of a life');
const seed = crcSeedOf(salt);
const first = 4096;
const fileBytes = windowBytes + 3 * 4096;

/** A file of zeros with one header in it, searched behind its first page. */
const found = (path: string, at: number, scratch?: Buffer): number | undefined => {
  const bytes = Buffer.alloc(fileBytes);
  encodeFrameHeader(9, Buffer.from('payload'), seed).copy(bytes, at);
  writeFileSync(path, bytes);
  return withOpenFile(systemFiles, path, (file) =>
    new SegmentReader(file, { salt }, scratch).findLaterFrame(first, 5),
  );
};

test('a later frame is found wherever it lies among zeros: across pages, across windows, at the end', (t) => {
  const path = temporaryFolder(t);
  const scratch = Buffer.alloc(windowBytes);
  const searchFrom = first + 8;
  const edges = [searchFrom, searchFrom + 4096, 8192, searchFrom + windowBytes, fileBytes - 24];
  for (const edge of edges) {
    for (let at = edge - 32; at <= edge + 32; at += 8) {
      if (at < searchFrom || at + 20 > fileBytes) continue;
      assert.equal(found(path, at), at);
      assert.equal(found(path, at, scratch), at);
    }
  }
});

test('an earlier frame is none, and zeros alone hold none', (t) => {
  const path = temporaryFolder(t);
  assert.equal(found(path, 64), undefined);
});
