// A front's pool of readers, with real reader processes on a real database: deadlines kill, others
// go on, a user never holds the last reader.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { encodeCommand } from '#command/command-codec.ts';
import { renderBits } from '#command/outcome.ts';
import { openWriter } from '#db/open-writer.ts';
import { createLogger } from '#node/logger.ts';
import { systemEffects } from '#node/node-effects.ts';
import { ReaderPool } from '#node/reader-pool.ts';
import type { ReaderRows } from '#node/seams/reader-seam.ts';

const endless =
  'WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c';
const patienceMs = 60_000;

const openPool = (t: TestContext, readersMax: number): ReaderPool => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-pool-'));
  openWriter({ dataFolder: folder, ...systemEffects }).close();
  const pool = new ReaderPool({
    folder,
    readersMax,
    now: () => performance.now(),
    log: createLogger('error', 'json', { node: 'test', part: 'front' }),
  });
  t.after(() => {
    pool.close();
    rmSync(folder, { recursive: true });
  });
  return pool;
};

const ask = (
  pool: ReaderPool,
  user: string,
  sql: string,
  deadlineMs = patienceMs,
  requestId = 'r',
) =>
  new Promise<ReaderRows | { readonly code: string }>((resolve) => {
    const command = encodeCommand({
      texts: [sql],
      statements: [{ text: 0, positional: [], named: [] }],
      transaction: false,
      schemaIndex: 0,
      changesSchema: false,
      user,
      requestId: 'r',
    });
    const render = renderBits.wanted | renderBits.rows;
    const request = { render, rowsMax: 1000, bytesMax: 1_000_000, command };
    pool.read({ user, requestId }, request, deadlineMs, resolve);
  });

const rowsOf = (reply: ReaderRows | { readonly code: string }): string =>
  'json' in reply ? reply.json.toString() : reply.code;

const one = '{"columns":["1"],"types":["integer"],"values":[[1]]}';

test('an endless read is killed at its deadline, and its reader is replaced', async (t) => {
  const pool = openPool(t, 1);
  assert.equal(rowsOf(await ask(pool, 'ada', 'SELECT 1')), one);
  assert.equal(rowsOf(await ask(pool, 'ada', endless, 300)), 'timeout');
  assert.equal(pool.killed, 1);
  assert.equal(rowsOf(await ask(pool, 'ada', 'SELECT 1')), one);
});

test('of the reads that hold up the write-ahead log the oldest is ended, and none that has just begun', async (t) => {
  const pool = openPool(t, 2);
  await ask(pool, 'ada', 'SELECT 1');
  assert.equal(pool.endOldest(0), false, 'nobody reads');
  const ended: string[] = [];
  const first = ask(pool, 'ada', endless).then((reply) => ended.push(`first ${rowsOf(reply)}`));
  assert.equal(pool.endOldest(patienceMs), false);
  // The second one needs a second reader, which starts because the first is held up.
  const second = ask(pool, 'bea', endless).then((reply) => ended.push(`second ${rowsOf(reply)}`));
  assert.equal(rowsOf(await ask(pool, 'eve', 'SELECT 1', 2000)), 'timeout');
  while (!pool.endOldest(100)) await new Promise((resolve) => setTimeout(resolve, 20));
  await first;
  assert.deepEqual(ended, ['first timeout']);
  // It may have begun only when the first one was gone.
  while (!pool.endOldest(100)) await new Promise((resolve) => setTimeout(resolve, 10));
  await second;
  assert.equal(rowsOf(await ask(pool, 'eve', 'SELECT 1')), one);
});

test('a read that is ended is ended at once, whether it runs or waits, and no other', async (t) => {
  const pool = openPool(t, 1);
  await ask(pool, 'ada', 'SELECT 1');
  const running = ask(pool, 'ada', endless, patienceMs, 'endless');
  // Under way to the same reader, behind the endless one.
  const behind = ask(pool, 'bea', endless, patienceMs, 'behind');
  const other = ask(pool, 'eve', 'SELECT 1', patienceMs, 'other');
  assert.equal(pool.cancel('nobody'), false);
  assert.equal(pool.cancel('behind'), true);
  assert.equal(rowsOf(await behind), 'killed');
  assert.equal(pool.killed, 0, 'the reader is at another one');
  assert.equal(pool.cancel('endless'), true);
  assert.equal(rowsOf(await running), 'killed');
  assert.equal(pool.cancel('endless'), false, 'it is over');
  assert.equal(rowsOf(await other), one);
});

test('what was ended before its turn does not hold up its reader when its turn comes', async (t) => {
  const pool = openPool(t, 1);
  await ask(pool, 'ada', 'SELECT 1');
  const slow =
    'WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c LIMIT 200000) SELECT 1 FROM c WHERE x = 1';
  const first = ask(pool, 'ada', slow, patienceMs, 'first');
  const behind = ask(pool, 'bea', endless, patienceMs, 'behind');
  pool.cancel('behind');
  assert.equal(rowsOf(await behind), 'killed');
  assert.equal(rowsOf(await first), one);
  // The reader is at what nobody wants: it is replaced.
  assert.equal(rowsOf(await ask(pool, 'eve', 'SELECT 1')), one);
});

test('what waits behind a slow read is answered by another reader before the slow one ends', async (t) => {
  const pool = openPool(t, 2);
  await ask(pool, 'ada', 'SELECT 1');
  let slowIsOver = false;
  const slow = ask(pool, 'ada', endless, 5000).then((reply) => {
    slowIsOver = true;
    return reply;
  });
  const others = await Promise.all(Array.from({ length: 20 }, () => ask(pool, 'bea', 'SELECT 1')));
  assert.deepEqual(new Set(others.map(rowsOf)), new Set([one]));
  assert.equal(slowIsOver, false);
  assert.equal(rowsOf(await slow), 'timeout');
});

test('the answer to a quick read does not wait for an endless one that came with it', async (t) => {
  const pool = openPool(t, 1);
  await ask(pool, 'ada', 'SELECT 1');
  const together = [ask(pool, 'ada', 'SELECT 1'), ask(pool, 'eve', endless, 4000)];
  assert.deepEqual((await Promise.all(together)).map(rowsOf), [one, 'timeout']);
});

test('one user with many endless reads never holds the last reader', async (t) => {
  const pool = openPool(t, 2);
  await ask(pool, 'eve', 'SELECT 1');
  let over = 0;
  const greedy = Array.from({ length: 6 }, () =>
    ask(pool, 'eve', endless, 4000).finally(() => {
      over += 1;
    }),
  );
  assert.equal(rowsOf(await ask(pool, 'bob', 'SELECT 1')), one);
  assert.equal(over, 0);
  assert.deepEqual(new Set((await Promise.all(greedy)).map(rowsOf)), new Set(['timeout']));
});

test('users take turns, each in the order of its own requests', async (t) => {
  const pool = openPool(t, 1);
  const answered: string[] = [];
  // No reader runs yet: all of these wait for it.
  const asked = ['a1', 'a2', 'a3', 'b1', 'c1', 'c2'].map((name) =>
    ask(pool, name.slice(0, 1), `SELECT '${name}'`).then(() => answered.push(name)),
  );
  pool.warm();
  await Promise.all(asked);
  assert.deepEqual(answered, ['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
});

test('a pool that closes refuses what waits and what comes', async (t) => {
  const pool = openPool(t, 1);
  const waiting = ask(pool, 'ada', 'SELECT 1');
  pool.close();
  assert.equal(rowsOf(await waiting), 'shutting_down');
  assert.equal(rowsOf(await ask(pool, 'ada', 'SELECT 1')), 'queue_full');
});
