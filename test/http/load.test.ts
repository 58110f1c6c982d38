// POST /db/load and /boot at one front: files and texts, and everything that is wrong with either.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CodedError } from '#errors.ts';
import { loadTextBytesMax } from '#limits.ts';
import { fileOf } from '../db/load/support.ts';
import { eventually } from '../e2e/cluster.ts';
import {
  type Answer,
  basic,
  jsonOf,
  openTestFront,
  type TestFront,
  testPassword,
  testUsers,
} from './test-front.ts';

const load = (front: TestFront, body: string | Buffer, user = 'only-load'): Promise<Answer> =>
  front.send('POST', '/db/load', { user, body });

const ask = async (front: TestFront, q: string): Promise<string> => {
  const path = `/db/query?level=none&q=${encodeURIComponent(q)}`;
  return JSON.stringify(
    (
      jsonOf(await front.send('GET', path, { user: 'admin' })) as {
        results: { values?: unknown }[];
      }
    ).results[0]?.values,
  );
};

const file = (t: TestContext, sql: string): Buffer => readFileSync(fileOf(t, sql));

const uploads = (front: TestFront): readonly string[] =>
  readdirSync(join(front.backend.folder, 'uploads'));

test('a file takes the place of the database; users of the old one get the new one', async (t) => {
  const front = await openTestFront(t);
  await front.send('POST', '/db/execute', { user: 'admin', body: '["CREATE TABLE old(x)"]' });
  const answer = await load(front, file(t, 'CREATE TABLE new(x); INSERT INTO new VALUES (1), (2)'));
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.text, '{"results":[]}');
  assert.equal(answer.headers['x-rqlite-served-by'], '127.0.0.1:4001');
  assert.equal(await ask(front, 'SELECT group_concat(name) FROM sqlite_schema'), '[["new"]]');
  assert.equal(await ask(front, 'SELECT count(*) FROM new'), '[[2]]');
  await eventually('nothing is left', async () => uploads(front).length === 0);
});

test('a file is told by its first bytes, in chunks of any size, and is taken by Content-Length or without', async (t) => {
  const front = await openTestFront(t);
  const bytes = file(t, 'CREATE TABLE n(x); INSERT INTO n VALUES (zeroblob(5000))');
  const outgoing = httpsRequest({
    host: '127.0.0.1',
    servername: 'localhost',
    port: front.port,
    ca: front.certificate.ca,
    method: 'POST',
    path: '/db/load',
    headers: { Authorization: basic('only-load', testPassword) },
  });
  const status = new Promise<number>((resolve, reject) => {
    outgoing.on('response', (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    outgoing.on('error', reject);
  });
  for (const end of [3, 13, 14, 100, bytes.length]) {
    outgoing.write(
      bytes.subarray([0, 3, 13, 14, 100][[3, 13, 14, 100, bytes.length].indexOf(end)], end),
    );
    await new Promise((resolve) => setImmediate(resolve));
  }
  outgoing.end();
  assert.equal(await status, 200);
  assert.equal(await ask(front, 'SELECT length(x) FROM n'), '[[5000]]');
});

test('LOAD-05 what is refused says why, changed nothing and leaves nothing on the disk', async (t) => {
  const front = await openTestFront(t);
  await load(front, 'CREATE TABLE old(x)');
  const { appliedIndex } = front.backend.view;
  const sound = file(t, 'CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(20000))');
  for (const [body, reason] of [
    [
      file(
        t,
        "CREATE TABLE t(a); CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT load_extension('x'); END",
      ),
      /load_extension/,
    ],
    [sound.subarray(0, 5000), /within a page/],
    [Buffer.from('SQLite format 2, which nobody reads'), /no database/],
    [
      Buffer.concat([Buffer.from([0xff, 0xfe, 0x13]), sound.subarray(3)]),
      /neither a database file nor text/,
    ],
  ] as const) {
    const answer = await load(front, body);
    assert.equal(answer.status, 400, answer.text);
    const said = jsonOf(answer) as { error: string; code: string; applied: string };
    assert.equal(said.code, 'bad_request');
    assert.equal(said.applied, 'no');
    assert.match(said.error, reason);
  }
  assert.equal(front.backend.view.appliedIndex, appliedIndex);
  await eventually('nothing is left', async () => uploads(front).length === 0);
});

test('a dump runs as one transaction; a large one comes in pieces and is as whole', async (t) => {
  const front = await openTestFront(t);
  const rows = Array.from(
    { length: 2000 },
    (_, at) => `INSERT INTO big VALUES(${at},'${'x'.repeat(400)}');`,
  ).join('\n');
  const dump = (last: string): string =>
    `PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE big(id INTEGER PRIMARY KEY AUTOINCREMENT, v);\n${rows}\n${last}\nINSERT INTO sqlite_sequence VALUES('big',70000);\nCOMMIT;\n`;
  const failed = await load(front, dump('INSERT INTO big VALUES(1, 2);'));
  assert.equal(failed.text, '{"results":[{"error":"UNIQUE constraint failed: big.id"}]}');
  assert.equal(await ask(front, 'SELECT count(*) FROM sqlite_schema'), '[[0]]');
  const before = front.backend.calls.propose;
  const done = await load(front, dump(''));
  assert.equal(done.text, '{"results":[{"last_insert_id":1,"rows_affected":1}]}');
  assert.ok(front.backend.calls.propose - before > 3);
  assert.equal(await ask(front, 'SELECT count(*), max(id) FROM big'), '[[2000,1999]]');
  await load(front, 'INSERT INTO big(v) VALUES(1)');
  assert.equal(await ask(front, 'SELECT max(id) FROM big'), '[[70001]]');
});

test('text without a transaction is done up to the first statement that fails', async (t) => {
  const front = await openTestFront(t);
  const rows = 'INSERT INTO t VALUES(1);'.repeat(3000);
  const answer = await load(
    front,
    `CREATE TABLE t(a); ${rows} INSERT INTO nope VALUES(1); INSERT INTO t VALUES(2);`,
  );
  assert.equal(answer.text, '{"results":[{"error":"no such table: nope"}]}');
  assert.equal(await ask(front, 'SELECT count(*), max(a) FROM t'), '[[3000,1]]');
});

test('SQL-01 the guard judges each statement of a text, also in one too long for one entry', async (t) => {
  const front = await openTestFront(t);
  const padding = `INSERT INTO t VALUES('${'x'.repeat(1000)}');`.repeat(400);
  for (const bad of [
    "ATTACH '/tmp/x' AS y;",
    'PRAGMA writable_schema=ON;',
    'SELECT * FROM _stockade_meta;',
    "SELECT load_extension('x');",
    'VACUUM;',
    'CREATE TABLE z AS WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c) SELECT x FROM c;',
    'CREATE TABLE q(a INTEGER PRIMARY KEY AUTOINCREMENT); UPDATE sqlite_sequence SET seq = 9223372036854775807;',
  ]) {
    for (const text of [bad, `BEGIN; CREATE TABLE t(a); ${padding} ${bad} COMMIT;`]) {
      const answer = await load(front, text);
      assert.ok(
        [400, 422].includes(answer.status),
        `${bad} ${answer.status} ${answer.text.slice(0, 200)}`,
      );
      assert.equal((jsonOf(answer) as { applied: string }).applied, 'no');
    }
  }
  assert.equal(await ask(front, 'SELECT count(*) FROM sqlite_schema'), '[[0]]');
});

test('a text beyond its bound is a 413, whatever the client still sends', async (t) => {
  const front = await openTestFront(t);
  const answer = await load(front, Buffer.alloc(loadTextBytesMax + 100_000, 0x20)).catch(
    () => undefined,
  );
  if (answer !== undefined) assert.equal(answer.status, 413);
  const { status } = await front.send('GET', '/whoami', { user: 'admin' });
  assert.equal(status, 200);
});

test('a client that goes away in the middle of a file costs nothing afterwards', async (t) => {
  const front = await openTestFront(t);
  const outgoing = httpsRequest({
    host: '127.0.0.1',
    servername: 'localhost',
    port: front.port,
    ca: front.certificate.ca,
    method: 'POST',
    path: '/db/load',
    headers: { Authorization: basic('only-load', testPassword), 'Content-Length': '1000000' },
  });
  outgoing.on('error', () => undefined);
  outgoing.write(file(t, 'CREATE TABLE t(a)'));
  await eventually('the file is begun', async () => {
    try {
      return uploads(front).length > 0;
    } catch {
      return false;
    }
  });
  outgoing.destroy();
  await eventually('nothing is left', async () => uploads(front).length === 0);
  assert.equal(front.faults.length, 0);
});

test('a second file at the same time is a 429', async (t) => {
  const front = await openTestFront(t);
  front.backend.openLoad = () =>
    Promise.reject(new CodedError('queue_full', 'another one', { applied: 'no' }));
  const answer = await load(front, file(t, 'CREATE TABLE t(a)'));
  assert.equal(answer.status, 429);
});

test('a follower sends the steps of a file, and a text, to the leader, which asks its own auth file', async (t) => {
  const leader = await openTestFront(t);
  const follower = await openTestFront(t);
  follower.backend.assumed = {
    role: 'follower',
    leader: { name: 'n2', apiUrl: 'https://127.0.0.1:4011', peerAddress: '127.0.0.1:4012' },
  };
  follower.backend.leaderFront = (bytes, done) => leader.front.serveForwarded(bytes, done);
  const bytes = file(t, 'CREATE TABLE new(x); INSERT INTO new VALUES (zeroblob(700000))');
  const away = await follower.send('POST', '/db/load?redirect', { user: 'only-load', body: bytes });
  assert.equal(away.status, 301);
  assert.equal(away.headers.location, 'https://127.0.0.1:4011/db/load?redirect');
  const answer = await load(follower, bytes);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers['x-rqlite-served-by'], '127.0.0.1:4002');
  assert.equal(await ask(leader, 'SELECT length(x) FROM new'), '[[700000]]');
  const text = `CREATE TABLE u(a);${"INSERT INTO u VALUES('🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀');".repeat(4000)}`;
  assert.equal(
    (await load(follower, text)).text,
    '{"results":[{"last_insert_id":4000,"rows_affected":1}]}',
  );
  assert.equal(
    await ask(leader, "SELECT count(*) FROM u WHERE a = '🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀'"),
    '[[4000]]',
  );

  const withoutLoad = testUsers.map((user) => ({
    ...user,
    perms: user.username === 'only-load' ? ['query', 'execute'] : user.perms,
  }));
  leader.writeAuthFile(JSON.stringify(withoutLoad));
  leader.auth.reload();
  for (const body of [bytes, 'SELECT 1']) {
    const refused = await load(follower, body);
    assert.equal(refused.status, 403, refused.text);
    assert.match(refused.text, /permission load/);
  }
});
