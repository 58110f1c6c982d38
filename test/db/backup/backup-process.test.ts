// Backups from a process of their own: whole or an error, nothing left on the disk, and no more in
// memory than a few chunks.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { CodedError } from '#errors.ts';
import { openBackup } from '#node/backups/open-backup.ts';
import { execute, executed, temporaryFolder, writerIn } from '../support.ts';
import { assertSameContent, writerWithEverything } from './support.ts';

const backupsIn = (folder: string): readonly string[] => readdirSync(join(folder, 'backups'));

test('a file and a dump arrive whole, chunk by chunk, and leave nothing behind', async (t) => {
  const folder = temporaryFolder(t);
  const writer = writerWithEverything(t, folder);
  // Longer than a chunk, every character a pair of surrogates, at odd places.
  const text = `x${'\u{1F980}'.repeat(600_000)}'`;
  executed(writer, [['INSERT INTO a(x, n) VALUES(?, zeroblob(3000000))', text]]);
  const chunks: Buffer[] = [];
  const file = await openBackup({
    folder,
    format: 'file',
    vacuum: true,
    tables: [],
    compress: false,
  });
  for await (const chunk of file.chunks) chunks.push(chunk);
  await file.ended;
  assert.ok(chunks.length > 2);
  const path = join(temporaryFolder(t), 'backup.sqlite');
  writeFileSync(path, Buffer.concat(chunks));
  assert.equal(file.bytes, readFileSync(path).length);
  const copy = new Database(path, { readonly: true });
  t.after(() => copy.close());
  assertSameContent(folder, copy);

  const parts: Buffer[] = [];
  const dump = await openBackup({
    folder,
    format: 'sql',
    vacuum: false,
    tables: [],
    compress: false,
  });
  for await (const chunk of dump.chunks) parts.push(chunk);
  await dump.ended;
  assert.ok(parts.every(({ length }) => length < 1_500_000));
  const loaded = new Database(':memory:');
  t.after(() => loaded.close());
  loaded.exec(Buffer.concat(parts).toString());
  assertSameContent(folder, loaded);
  assert.deepEqual(backupsIn(folder), []);
});

test('a dump that nobody takes any more is removed, with its process', async (t) => {
  const folder = temporaryFolder(t);
  writerWithEverything(t, folder);
  const dump = await openBackup({
    folder,
    format: 'sql',
    vacuum: false,
    tables: [],
    compress: false,
  });
  assert.equal(backupsIn(folder).length, 1);
  for await (const chunk of dump.chunks) {
    assert.ok(chunk.length > 0);
    break;
  }
  await dump.ended;
  assert.deepEqual(backupsIn(folder), []);
});

test('what cannot be made is an error with its code: no database, an index that keeps no text', async (t) => {
  const empty = temporaryFolder(t);
  await assert.rejects(
    openBackup({ folder: empty, format: 'file', vacuum: false, tables: [], compress: false }),
    (error) => error instanceof CodedError && error.code === 'data_folder_foreign',
  );
  const folder = temporaryFolder(t);
  execute(writerIn(t, folder), ["CREATE VIRTUAL TABLE f USING fts5(x, content='')"]);
  const dump = await openBackup({
    folder,
    format: 'sql',
    vacuum: false,
    tables: [],
    compress: false,
  });
  await assert.rejects(
    dump.chunks.next(),
    (error) => error instanceof CodedError && error.code === 'bad_request',
  );
  await dump.ended;
  assert.deepEqual(backupsIn(folder), []);
});

test('half a million rows come as SQL in small chunks', async (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, ['CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT)']);
  executed(writer, [
    `WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c WHERE x < 500000)
      INSERT INTO t SELECT x, 'some text that makes a row of a hundred bytes or so: ' || hex(x) || hex(x) FROM c`,
  ]);
  const dump = await openBackup({
    folder,
    format: 'sql',
    vacuum: false,
    tables: [],
    compress: false,
  });
  let bytes = 0;
  let largest = 0;
  for await (const chunk of dump.chunks) {
    bytes += chunk.length;
    largest = Math.max(largest, chunk.length);
  }
  assert.ok(bytes > 40_000_000, `${bytes} bytes`);
  assert.ok(largest < 500_000, `a chunk of ${largest} bytes`);
});
