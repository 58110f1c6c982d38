// Loading a file of SQL into a server over its API.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import Database from 'better-sqlite3';
import { root } from '../source-text.ts';
import { runTool } from './run-tool.ts';
import { serveSqlite } from './sqlite-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'stockade-load-sql-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const fileOf = (sql: string): string => {
  const path = join(folder, 'input.sql');
  writeFileSync(path, sql);
  return path;
};

const load = (...parameters: string[]) => runTool('tools/load-sql.ts', ...parameters);

test('Chinook is loaded whole and counted', async () => {
  const database = new Database(':memory:');
  await using server = await serveSqlite(database);
  const chinook = join(root, 'test', 'data', 'chinook', 'Chinook_Sqlite.sql');
  const run = await load(chinook, '--url', server.url);
  assert.equal(run.problems, '');
  assert.match(run.out, /^\d+ statements, 15607 rows, 0 left out\n$/);
  assert.equal(run.code, 0);
  assert.equal(database.prepare('SELECT count(*) FROM Track').pluck().get(), 3503);
  const name = database.prepare('SELECT Name FROM Artist WHERE ArtistId = 6').pluck().get();
  assert.equal(name, 'Antônio Carlos Jobim');
  database.close();
});

test('transaction control and pragmas of the file are left out with a note', async () => {
  const database = new Database(':memory:');
  await using server = await serveSqlite(database);
  const file = fileOf(
    'PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t(a);\nINSERT INTO t VALUES(1),(2);\nCOMMIT;',
  );
  const run = await load(file, '--url', server.url, '--bulk', '1', '--transaction');
  assert.equal(run.out, '2 statements, 2 rows, 3 left out\n');
  assert.match(run.problems, /line 1: PRAGMA is left out\n.*line 2: BEGIN.*\n.*line 5: COMMIT/);
  assert.deepEqual(server.asked, ['/db/execute?transaction', '/db/execute?transaction']);
  assert.equal(database.inTransaction, false);
  database.close();
});

test('a statement that fails ends the load with its line and exit code 1', async () => {
  const database = new Database(':memory:');
  await using server = await serveSqlite(database);
  const run = await load(
    fileOf('CREATE TABLE t(a);\n\nINSERT INTO u VALUES(1);'),
    '--url',
    server.url,
  );
  assert.equal(run.code, 1);
  assert.match(run.problems, /line 3: .*no such table: u/);
  database.close();
});

test('without a server it ends with exit code 4, without arguments with 2', async () => {
  const unused = createServer().listen(0, '127.0.0.1');
  await new Promise((listening) => unused.once('listening', listening));
  const address = unused.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await new Promise((closed) => unused.close(closed));
  const run = await load(fileOf('SELECT 1;'), '--url', `http://127.0.0.1:${port}`);
  assert.equal(run.code, 4);
  assert.equal((await load()).code, 2);
  assert.equal((await load('--help')).code, 0);
});
