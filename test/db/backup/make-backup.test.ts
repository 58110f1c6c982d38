// Backups as SQLite files: any SQLite opens them, they hold what users stored and nothing else.
import assert from 'node:assert/strict';
import { readdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { type MadeBackup, makeBackup } from '#db/backup/make-backup.ts';
import { CodedError } from '#errors.ts';
import { systemFiles } from '#io/file-system.ts';
import { effects, execute, executed, temporaryFolder } from '../support.ts';
import { assertSameContent, secretStore, writerWithEverything } from './support.ts';

const bytesOf = (backup: MadeBackup): Buffer => {
  const bytes = Buffer.alloc(backup.bytes);
  assert.equal(backup.read(bytes, 0), backup.bytes);
  backup.close();
  return bytes;
};

for (const vacuum of [false, true]) {
  test(`a backup ${vacuum ? 'with' : 'without'} vacuum opens anywhere and holds what users stored, nothing of ours`, async (t) => {
    const folder = temporaryFolder(t);
    const writer = writerWithEverything(t, folder);
    executed(writer, ['CREATE TABLE gone AS SELECT zeroblob(500000) AS b']);
    executed(writer, ['DROP TABLE gone']);
    const bytes = bytesOf(await makeBackup({ dataFolder: folder, ...effects }, vacuum));
    assert.deepEqual(readdirSync(join(folder, 'backups')), []);
    assert.equal(bytes.includes(secretStore), false);
    assert.equal(bytes.includes('_stockade_'), false);
    const path = join(temporaryFolder(t), 'backup.sqlite');
    writeFileSync(path, bytes);
    const database = new Database(path, { readonly: true });
    t.after(() => database.close());
    assertSameContent(folder, database);
    assert.equal(database.pragma('journal_mode', { simple: true }), 'delete');
    const free = Number(database.pragma('freelist_count', { simple: true }));
    if (vacuum) assert.equal(free, 0);
    else assert.ok(free > 100);
  });
}

test('what is written while a backup is made is not in it, whole commands are', async (t) => {
  const folder = temporaryFolder(t);
  const writer = writerWithEverything(t, folder);
  executed(writer, ['CREATE TABLE both(a)']);
  for (let at = 0; at < 20; at++) executed(writer, ['INSERT INTO both VALUES(zeroblob(400000))']);
  let made = false;
  const making = makeBackup({ dataFolder: folder, ...effects }, false).finally(() => {
    made = true;
  });
  let during = 0;
  while (!made) {
    const pair = ['INSERT INTO both VALUES(1)', 'INSERT INTO both VALUES(1)'];
    execute(writer, pair, { transaction: true });
    during += 2;
    await new Promise(setImmediate);
  }
  const path = join(temporaryFolder(t), 'backup.sqlite');
  writeFileSync(path, bytesOf(await making));
  const database = new Database(path, { readonly: true });
  t.after(() => database.close());
  const rows = Number(database.prepare('SELECT count(*) FROM both').pluck().get()) - 20;
  assert.ok(rows < during && rows % 2 === 0, `${rows} of ${during}`);
});

test('no backup is begun where the disk has no room for it', async (t) => {
  const folder = temporaryFolder(t);
  writerWithEverything(t, folder);
  const { bsize, blocks } = statfsSync(folder);
  const files = { ...systemFiles, space: () => ({ freeBytes: 1000, totalBytes: bsize * blocks }) };
  await assert.rejects(
    makeBackup({ dataFolder: folder, ...effects, files }, true),
    (error) => error instanceof CodedError && error.code === 'disk_full',
  );
  assert.deepEqual(readdirSync(join(folder, 'backups')), []);
});
