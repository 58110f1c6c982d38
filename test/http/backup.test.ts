// GET /db/backup: what comes is whole, is the users' data and nothing else, and costs no more than
// a few chunks of memory, whoever fetches it.
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { CodedError } from '#errors.ts';
import type { ByteSource } from '#http/backend.ts';
import { temporaryFolder } from '../db/support.ts';
import { eventually } from '../e2e/cluster.ts';
import { basic, jsonOf, openTestFront, type TestFront, testPassword } from './test-front.ts';

interface Fetched {
  readonly status: number;
  readonly type: string | undefined;
  readonly bytes: Buffer;
  /** The connection broke before the end. */
  readonly cut: boolean;
}

const optionsOf = (front: TestFront, path: string): RequestOptions => ({
  host: '127.0.0.1',
  servername: 'localhost',
  port: front.port,
  ca: front.certificate.ca,
  path,
  headers: { Authorization: basic('only-backup', testPassword) },
});

const fetched = (front: TestFront, path: string): Promise<Fetched> =>
  new Promise((resolve, reject) => {
    const outgoing = httpsRequest(optionsOf(front, path), (incoming) => {
      const chunks: Buffer[] = [];
      const { statusCode: status = 0, headers } = incoming;
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', () => undefined);
      incoming.on('close', () => {
        const bytes = Buffer.concat(chunks);
        resolve({ status, type: headers['content-type'], bytes, cut: !incoming.complete });
      });
    });
    outgoing.on('error', reject);
    outgoing.end();
  });

const opened = (context: TestContext, bytes: Buffer): Database.Database => {
  const path = join(temporaryFolder(context), 'backup.sqlite');
  writeFileSync(path, bytes);
  const database = new Database(path, { readonly: true });
  context.after(() => database.close());
  return database;
};

const filled = async (context: TestContext): Promise<TestFront> => {
  const front = await openTestFront(context);
  const body = JSON.stringify([
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT)',
    'CREATE TABLE u(b)',
    ['INSERT INTO t(a) VALUES(?), (?)', 'one', "it's"],
    'CREATE TABLE gone AS SELECT zeroblob(300000) AS z',
    'DROP TABLE gone',
  ]);
  const written = await front.send('POST', '/db/execute', { user: 'admin', body });
  assert.equal(written.status, 200);
  return front;
};

test('a backup opens in plain SQLite, is sound, and holds nothing of this program', async (context) => {
  const front = await filled(context);
  for (const path of [
    '/db/backup',
    '/db/backup?fmt=delete',
    '/db/backup?vacuum',
    '/db/backup?fmt=x',
  ]) {
    const { status, type, bytes } = await fetched(front, path);
    assert.equal(status, 200, path);
    assert.equal(type, 'application/octet-stream');
    const database = opened(context, bytes);
    assert.equal(database.pragma('integrity_check', { simple: true }), 'ok', path);
    const names = database.prepare('SELECT name FROM sqlite_schema ORDER BY 1').pluck().all();
    assert.deepEqual(names, ['t', 'u'], path);
    assert.deepEqual(database.prepare('SELECT a FROM t').pluck().all(), ['one', "it's"], path);
    assert.equal(bytes.includes('_stockade_'), false, path);
  }
  const plain = await fetched(front, '/db/backup');
  const compact = await fetched(front, '/db/backup?vacuum');
  assert.ok(compact.bytes.length < plain.bytes.length / 2);
});

test('compressed, as SQL and for some tables: each as it was asked for', async (context) => {
  const front = await filled(context);
  const packed = await fetched(front, '/db/backup?compress');
  assert.equal(packed.type, 'application/octet-stream');
  assert.equal(
    opened(context, gunzipSync(packed.bytes)).pragma('integrity_check', { simple: true }),
    'ok',
  );
  const sql = await fetched(front, '/db/backup?fmt=SQL&tables=%20T%20,,nope&compress');
  assert.equal(sql.type, 'application/sql');
  assert.equal(
    gunzipSync(sql.bytes).toString(),
    "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);\nINSERT INTO \"t\" VALUES(1,'one');\nINSERT INTO \"t\" VALUES(2,'it''s');\nCOMMIT;\n",
  );
});

test('a follower redirects when asked to, or catches up with the leader first; noleader asks nobody', async (context) => {
  const front = await filled(context);
  front.backend.assumed = {
    role: 'follower',
    leader: { name: 'n2', apiUrl: 'https://127.0.0.1:4011', peerAddress: '127.0.0.1:4012' },
  };
  const away = await front.send('GET', '/db/backup?fmt=sql&redirect', { user: 'only-backup' });
  assert.equal(away.status, 301);
  assert.equal(away.headers.location, 'https://127.0.0.1:4011/db/backup?fmt=sql&redirect');
  const before = front.backend.calls.readIndex;
  assert.equal((await fetched(front, '/db/backup?fmt=sql')).status, 200);
  assert.equal(front.backend.calls.readIndex, before + 1);
  assert.equal((await fetched(front, '/db/backup?fmt=sql&noleader')).status, 200);
  assert.equal(front.backend.calls.readIndex, before + 1);

  front.backend.assumed = { role: 'follower', leader: undefined };
  const lost = await front.send('GET', '/db/backup?timeout=10ms', { user: 'only-backup' });
  assert.equal(lost.status, 503);
  assert.match(lost.text, /leader not found/);
  assert.equal((await fetched(front, '/db/backup?noleader&fmt=sql')).status, 200);
});

test('a backup of a node that cannot reach its leader, or not in time, is none', async (context) => {
  const front = await filled(context);
  front.backend.readIndex = (_kind, _ms, done) =>
    done({ kind: 'refused', code: 'unreachable', message: 'it is away', applied: 'no' });
  const away = await front.send('GET', '/db/backup', { user: 'only-backup' });
  assert.equal(away.status, 503);
  front.backend.readIndex = (_kind, _ms, done) => done({ kind: 'index', index: 1e9 });
  const late = await front.send('GET', '/db/backup', { user: 'only-backup' });
  assert.equal(late.status, 504);
});

test('vacuum goes with a file only, and a full house is a 429', async (context) => {
  const front = await filled(context);
  for (const path of ['/db/backup?fmt=sql&vacuum', '/db/backup?fmt=delete&vacuum']) {
    const answer = await front.send('GET', path, { user: 'only-backup' });
    assert.equal(answer.status, 400);
    assert.match(answer.text, /invalid backup format/);
  }
  front.backend.backup = () => Promise.reject(new CodedError('queue_full', 'enough'));
  const full = await front.send('GET', '/db/backup', { user: 'only-backup' });
  assert.equal(full.status, 429);
  assert.equal(full.headers['retry-after'], '1');
  assert.equal((jsonOf(full) as { code: string }).code, 'queue_full');
});

/** A source of chunks that never ends by itself. */
const endless = (): { readonly source: ByteSource; made: number; released: boolean } => {
  const state = { made: 0, released: false };
  async function* chunks(): AsyncGenerator<Buffer> {
    for (;;) {
      state.made += 1;
      yield Buffer.alloc(1024 * 1024);
      await new Promise(setImmediate);
    }
  }
  const release = (): void => {
    state.released = true;
  };
  return Object.assign(state, { source: { bytes: undefined, chunks: chunks(), release } });
};

test('DOS-30 a client that takes nothing gets no more than a few chunks, and gone it costs nothing', async (context) => {
  const front = await openTestFront(context);
  const state = endless();
  front.backend.backup = () => Promise.resolve(state.source);
  const outgoing = httpsRequest(optionsOf(front, '/db/backup'));
  outgoing.on('error', () => undefined);
  outgoing.end();
  const incoming = await new Promise<{ readonly destroy: () => void }>((resolve) => {
    outgoing.once('response', (answer) => {
      answer.on('error', () => undefined);
      answer.pause();
      resolve(answer);
    });
  });
  let seen = -1;
  await eventually('the source rests', async () => {
    const rests = seen === state.made;
    seen = state.made;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return rests;
  });
  // What sockets and their ends hold between them on loopback, not what is in the database.
  assert.ok(state.made < 24, `${state.made} MiB were made`);
  assert.equal(state.released, false);
  incoming.destroy();
  outgoing.destroy();
  await eventually('the source is released', async () => state.released);
});

test('a backup that breaks on the way ends in a broken connection, never in a shorter file', async (context) => {
  const front = await openTestFront(context);
  for (const bytes of [undefined, 3 * 1024 * 1024]) {
    let released = false;
    async function* chunks(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(1024 * 1024);
      await new Promise(setImmediate);
      throw new CodedError('storage_failed', 'the process that makes the backup ended');
    }
    front.backend.backup = async () => ({
      bytes,
      chunks: chunks(),
      release: () => {
        released = true;
      },
    });
    const { status, cut } = await fetched(front, '/db/backup');
    assert.equal(status, 200);
    assert.equal(cut, true);
    await eventually('it is released', async () => released);
  }
  assert.equal(front.faults.length, 2);
});

test('a client that goes away leaves no file behind', async (context) => {
  const front = await filled(context);
  const body = JSON.stringify([
    'WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c WHERE x < 400) INSERT INTO u SELECT zeroblob(50000) FROM c',
  ]);
  await front.send('POST', '/db/execute', { user: 'heavy-writer', body });
  const outgoing = httpsRequest(optionsOf(front, '/db/backup?fmt=sql'));
  outgoing.on('error', () => undefined);
  outgoing.end();
  await new Promise((resolve) => {
    outgoing.once('response', (answer) => {
      answer.on('error', () => undefined);
      answer.once('data', resolve);
    });
  });
  outgoing.destroy();
  await eventually('nothing is left', async () => {
    return readdirSync(join(front.backend.folder, 'backups')).length === 0;
  });
});
