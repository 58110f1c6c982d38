// When a read is ended for the sake of the write-ahead log.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openWriter } from '#db/open-writer.ts';
import { systemEffects } from '#node/node-effects.ts';
import { WalWatch, walBytesIn } from '#node/wal-watch.ts';

test('a read is ended at each look that sees more than 256 MiB, and at no other', () => {
  let bytes: number | Error = 0;
  let ended = 0;
  const watch = new WalWatch(
    () => {
      if (bytes instanceof Error) throw bytes;
      return bytes;
    },
    () => {
      ended += 1;
    },
  );
  for (const [seen, expected] of [
    [0, 0],
    [256 * 2 ** 20, 0],
    [256 * 2 ** 20 + 1, 1],
    [300 * 2 ** 20, 2],
    [new Error('the folder is being replaced'), 2],
    [32 * 2 ** 20, 2],
  ] as const) {
    bytes = seen;
    watch.look();
    assert.equal(ended, expected);
  }
});

test('the size is that of the current database, and 0 before there is a log', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-wal-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const writer = openWriter({ dataFolder: folder, ...systemEffects });
  assert.ok(walBytesIn(folder, systemEffects.files) > 0);
  writer.close();
  assert.equal(walBytesIn(folder, systemEffects.files), 0);
});
