// SQL dumps: loaded into an empty SQLite they give what was dumped, full-text indexes included.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { makeDump, type SqlDump } from '#db/backup/make-dump.ts';
import { CodedError } from '#errors.ts';
import { effects, execute, executed, temporaryFolder, writerIn } from '../support.ts';
import { assertSameContent, secretStore, writerWithEverything } from './support.ts';

const textOf = (dump: SqlDump): string => {
  const chunks: Buffer[] = [];
  for (let chunk = dump.next(); chunk !== undefined; chunk = dump.next()) chunks.push(chunk);
  dump.close();
  return Buffer.concat(chunks).toString('utf8');
};

const dumped = async (folder: string, only: readonly string[] = []): Promise<string> =>
  textOf(await makeDump({ dataFolder: folder, ...effects }, only));

const loaded = (t: TestContext, text: string): Database.Database => {
  const database = new Database(':memory:');
  t.after(() => database.close());
  database.exec(text);
  return database;
};

test('a dump loads into an empty SQLite and gives the same content, whatever there is', async (t) => {
  const folder = temporaryFolder(t);
  writerWithEverything(t, folder);
  const text = await dumped(folder);
  assert.deepEqual(readdirSync(join(folder, 'backups')), []);
  assert.equal(text.includes('stockade'), false);
  assert.equal(text.includes(secretStore), false);
  assertSameContent(folder, loaded(t, text));
});

test("a dump has rqlite's shape: tables by name with their rows, then the rest as it was made", async (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, [
    'CREATE TABLE b(id INTEGER PRIMARY KEY AUTOINCREMENT, x)',
    'CREATE VIEW v AS SELECT 1',
    'CREATE INDEX i ON b(x)',
    'CREATE TABLE a(x TEXT)',
    "INSERT INTO b(x) VALUES(1.0), (x'00ff')",
    "INSERT INTO a VALUES('it''s')",
  ]);
  assert.equal(
    await dumped(folder),
    `PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE a(x TEXT);
INSERT INTO "a" VALUES('it''s');
CREATE TABLE b(id INTEGER PRIMARY KEY AUTOINCREMENT, x);
INSERT INTO "b" VALUES(1,1.0);
INSERT INTO "b" VALUES(2,X'00FF');
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('b',2);
CREATE VIEW v AS SELECT 1;
CREATE INDEX i ON b(x);
COMMIT;
`,
  );
  assert.equal(
    await dumped(folder, ['A']),
    `PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE a(x TEXT);
INSERT INTO "a" VALUES('it''s');
COMMIT;
`,
  );
});

test('a dump shows the moment it was begun, comes in bounded chunks and holds up no checkpoint', async (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, ['CREATE TABLE t(a)']);
  executed(writer, ['INSERT INTO t VALUES(zeroblob(3000000)), (1)']);
  const dump = await makeDump({ dataFolder: folder, ...effects }, []);
  executed(writer, ['DELETE FROM t']);
  const database = new Database(join(folder, 'db', '00000001', 'state.sqlite'));
  const [checkpoint] = database.pragma('wal_checkpoint(RESTART)') as { busy: number }[];
  assert.equal(checkpoint?.busy, 0, 'no reader holds the write-ahead log');
  database.close();
  const chunks: Buffer[] = [];
  for (let chunk = dump.next(); chunk !== undefined; chunk = dump.next()) chunks.push(chunk);
  dump.close();
  assert.ok(chunks.length > 10 && chunks.every(({ length }) => length < 500_000));
  const copy = loaded(t, Buffer.concat(chunks).toString());
  assert.deepEqual(copy.prepare('SELECT length(a) FROM t').pluck().all(), [3_000_000, 1]);
});

test('a full-text index that keeps no text is an error before the first byte, not a dump without it', async (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, ['CREATE TABLE t(a)', "CREATE VIRTUAL TABLE f USING fts5(x, content='')"]);
  execute(writer, ["INSERT INTO f(rowid, x) VALUES(1, 'gone')"]);
  const dump = await makeDump({ dataFolder: folder, ...effects }, []);
  assert.throws(
    () => dump.next(),
    (error) => error instanceof CodedError && /f keeps no text/.test(error.message),
  );
  dump.close();
  assert.deepEqual(readdirSync(join(folder, 'backups')), []);
  assert.match(await dumped(folder, ['t']), /CREATE TABLE t/);
});
