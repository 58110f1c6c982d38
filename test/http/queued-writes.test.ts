// Queued writes over HTTP: numbers, order, waiting, faults, whose statements they are, the end.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { BackendRefusal } from '#http/backend.ts';
import type { QueueFailure, QueueSettings } from '#http/queue/write-queue.ts';
import { queueStandard } from '#http/queue/write-queue.ts';
import { jsonOf, openTestFront, type TestFront, testUsers } from './test-front.ts';

const user = 'admin';
const first = 1_700_000_000_000_000_001n;

interface QueueFront extends TestFront {
  readonly failed: readonly QueueFailure[];
  /** Queues statements; the answer's text. */
  readonly queue: (body: string, query?: string) => Promise<string>;
  readonly rows: () => Promise<string>;
}

/** A front with a table `t(v)` and other settings of the queue. */
const queueFront = async (
  context: TestContext,
  settings: Partial<QueueSettings> = {},
): Promise<QueueFront> => {
  const failed: QueueFailure[] = [];
  const front = await openTestFront(context, {
    front: {
      queue: { ...queueStandard, ...settings },
      onQueueFailure: (failure) => failed.push(failure),
    },
  });
  await front.send('POST', '/db/execute', { user, body: '["CREATE TABLE t(v UNIQUE)"]' });
  return {
    ...front,
    failed,
    queue: async (body, query = '') =>
      (await front.send('POST', `/db/execute?queue${query}`, { user, body })).text,
    rows: async () =>
      (await front.send('GET', '/db/query?q=SELECT+group_concat(v)+FROM+t', { user })).text,
  };
};

const values = (list: string): string =>
  `{"results":[{"columns":["group_concat(v)"],"types":["text"],"values":[["${list}"]]}]}`;

const refusal = (code: BackendRefusal['code']): BackendRefusal => ({
  kind: 'refused',
  code,
  message: 'refused by the test',
  applied: 'no',
});

test('a queued write is answered with its number, in digits, before it is done', async (context) => {
  const { queue, rows, backend, send } = await queueFront(context, { timeoutMs: 60_000, batch: 3 });
  assert.equal(
    await queue('["INSERT INTO t VALUES(1)"]'),
    `{"results":[],"sequence_number":${first}}`,
  );
  const answer = await send('POST', '/db/execute?queue', {
    user,
    body: '["INSERT INTO t VALUES(2)"]',
  });
  assert.equal(answer.text, `{"results":[],"sequence_number":${first + 1n}}`);
  assert.equal(answer.headers['x-rqlite-served-by'], undefined);
  assert.equal(backend.calls.propose, 1);
  const third = await queue('[["INSERT INTO t VALUES(?)",3]]', '&wait&raft_index&transaction');
  assert.equal(third, `{"results":[],"sequence_number":${first + 2n}}`);
  assert.equal(backend.calls.propose, 2);
  assert.equal(await rows(), values('1,2,3'));
});

test('a batch is written when its time is over, however small it is', async (context) => {
  const { queue, rows } = await queueFront(context, { timeoutMs: 10 });
  const answer = await queue('["INSERT INTO t VALUES(1)"]', '&wait&timings');
  assert.match(answer, /^\{"results":\[\],"time":[\d.e-]+,"sequence_number":\d{19}\}$/);
  assert.equal(await rows(), values('1'));
});

test('bodies that cannot be read are 400 and not swallowed; none at all only marks with wait', async (context) => {
  const { send, rows, queue } = await queueFront(context);
  for (const body of ['bad', '[]', '', '[1]', '{"a":1}', '["SELECT 1"] x']) {
    const answer = await send('POST', '/db/execute?queue', { user, body });
    assert.equal(answer.status, 400, body);
    assert.equal((jsonOf(answer) as { applied: string }).applied, 'no');
  }
  await queue('["INSERT INTO t VALUES(1)"]');
  assert.equal(await queue('[]', '&wait'), `{"results":[],"sequence_number":${first + 1n}}`);
  assert.equal(await rows(), values('1'));
});

test('a text/plain body is queued and not dropped', async (context) => {
  const { send, rows } = await queueFront(context);
  await send('POST', '/db/execute?queue&wait', {
    user,
    headers: { 'Content-Type': 'text/plain' },
    body: "INSERT INTO t VALUES('text')",
  });
  assert.equal(await rows(), values('text'));
});

test('a full queue is 429 with Retry-After after a bounded wait, and nothing of it is written', async (context) => {
  const { send, queue, backend, rows } = await queueFront(context, { depth: 2, batch: 1 });
  backend.refusal = refusal('not_ready');
  await queue('["INSERT INTO t VALUES(1)"]');
  await queue('["INSERT INTO t VALUES(2)"]');
  const full = await send('POST', '/db/execute?queue', {
    user,
    body: '["INSERT INTO t VALUES(3)"]',
  });
  assert.equal(full.status, 429);
  assert.equal(full.headers['retry-after'], '1');
  const { code, applied } = jsonOf(full) as Record<string, string>;
  assert.deepEqual([code, applied], ['queue_full', 'no']);
  const late = queue('["INSERT INTO t VALUES(4)"]', '&wait');
  backend.refusal = undefined;
  assert.equal(await late, `{"results":[],"sequence_number":${first + 2n}}`);
  assert.equal(await rows(), values('1,2,4'));
});

test('a wait that is over is 408 with rqlite’s words, and the write stays in the queue', async (context) => {
  const { send, backend, queue, rows } = await queueFront(context);
  backend.refusal = refusal('not_ready');
  const answer = await send('POST', '/db/execute?queue&wait&timeout=20ms', {
    user,
    body: '["INSERT INTO t VALUES(1)"]',
  });
  assert.equal(answer.status, 408);
  const { error, applied } = jsonOf(answer) as Record<string, string>;
  assert.deepEqual([error, applied], ['queue wait timeout', 'unknown']);
  backend.refusal = undefined;
  await queue('[]', '&wait');
  assert.equal(await rows(), values('1'));
});

test('a refused statement fails its own write only, is in the status, and the queue goes on', async (context) => {
  const { send, queue, failed, rows } = await queueFront(context, { batch: 3, timeoutMs: 60_000 });
  await queue('["INSERT INTO t VALUES(1)"]');
  await queue('["PRAGMA journal_mode=DELETE"]');
  await queue('["INSERT INTO t VALUES(2)"]', '&wait');
  assert.equal(await rows(), values('1,2'));
  assert.deepEqual(
    failed.map(({ sequence, code, applied }) => [sequence, code, applied]),
    [[first + 1n, 'statement_refused', 'no']],
  );
  const status = await send('GET', '/status?key=http.queue', { user });
  assert.match(
    status.text,
    new RegExp(
      `^\\{"_default":\\{"batch_size":3,"max_size":1024,"sequence_number":${first + 2n},"timeout":"1m0s"\\},"failures":\\[\\{"applied":"no","code":"statement_refused","error":"[^"]+","sequence_number":${first + 1n}\\}\\],"waiting":0\\}$`,
    ),
  );
});

test('who waits for a write that is refused gets the refusal', async (context) => {
  const { send } = await queueFront(context);
  const answer = await send('POST', '/db/execute?queue&wait', {
    user,
    body: '["ATTACH \'x\' AS y"]',
  });
  assert.equal(answer.status, 400);
  assert.equal((jsonOf(answer) as { code: string }).code, 'statement_refused');
});

test('an error of a statement is told to its own write, and other writes of the batch are done', async (context) => {
  const { queue, failed, rows } = await queueFront(context, { batch: 3, timeoutMs: 60_000 });
  await queue('["INSERT INTO t VALUES(1)"]');
  const bad = queue('["INSERT INTO t VALUES(1)","INSERT INTO t VALUES(2)"]', '&wait');
  const good = queue('["INSERT INTO t VALUES(3)"]', '&wait');
  assert.match(
    await bad,
    /^\{"results":\[\],"error":"UNIQUE constraint failed: t.v","sequence_number"/,
  );
  assert.doesNotMatch(await good, /error/);
  assert.equal(await rows(), values('1,2,3'));
  assert.deepEqual(
    failed.map(({ code, applied }) => [code, applied]),
    [['statement_failed', 'yes']],
  );
});

test('with queue.transaction a write is done as a whole or not at all, others are not lost', async (context) => {
  const settings = { batch: 3, timeoutMs: 60_000, transaction: true };
  const { queue, failed, rows } = await queueFront(context, settings);
  await queue('["INSERT INTO t VALUES(1)"]');
  const bad = queue('["INSERT INTO t VALUES(2)","INSERT INTO t VALUES(1)"]', '&wait');
  const good = queue('["INSERT INTO t VALUES(3)"]', '&wait');
  assert.match(await bad, /"error":"UNIQUE constraint failed: t.v"/);
  assert.doesNotMatch(await good, /error/);
  assert.equal(await rows(), values('1,3'));
  assert.equal(failed[0]?.applied, 'no');
});

test('a refusal that leaves it open whether the write was applied is never tried again', async (context) => {
  const { send, backend, failed } = await queueFront(context);
  const before = backend.calls.propose;
  backend.refuseProposals = { ...refusal('leadership_lost'), applied: 'unknown' };
  const answer = await send('POST', '/db/execute?queue&wait', {
    user,
    body: '["INSERT INTO t VALUES(1)"]',
  });
  assert.equal(answer.status, 503);
  assert.equal((jsonOf(answer) as { applied: string }).applied, 'unknown');
  assert.equal(backend.calls.propose, before + 1);
  assert.equal(failed[0]?.code, 'leadership_lost');
});

test('a queued write without a leader is 503, with noleader it is taken', async (context) => {
  const { send, backend, queue, rows } = await queueFront(context);
  backend.assumed = { role: 'follower', leader: undefined };
  const body = '["INSERT INTO t VALUES(1)"]';
  const answer = await send('POST', '/db/execute?queue&timeout=10ms', { user, body });
  assert.equal(answer.status, 503);
  assert.match(answer.text, /"error":"leader not found","code":"no_leader"/);
  const taken = queue(body, '&noleader&wait');
  backend.assumed = {};
  assert.equal(await taken, `{"results":[],"sequence_number":${first}}`);
  assert.equal(await rows(), values('1'));
});

test('AZ-05 a follower’s batches hold one user each, and the leader decides what each may do', async (context) => {
  const follower = await openTestFront(context, {
    front: { queue: { ...queueStandard, timeoutMs: 60_000, batch: 3 } },
  });
  const weaker = testUsers.map((entry) =>
    entry.username === 'reader-writer' ? { ...entry, perms: ['query'] } : entry,
  );
  const leading = await openTestFront(context, { authFile: JSON.stringify(weaker) });
  const leader = { name: 'n2', apiUrl: 'https://127.0.0.1:4003', peerAddress: '127.0.0.1:4004' };
  follower.backend.assumed = { role: 'follower', leader };
  follower.backend.leaderFront = (bytes, done) => leading.front.serveForwarded(bytes, done);
  await leading.send('POST', '/db/execute', { user, body: '["CREATE TABLE t(v)"]' });
  const queue = async (name: string, value: number, query = ''): Promise<number> => {
    const body = `["INSERT INTO t VALUES(${value})"]`;
    return (await follower.send('POST', `/db/execute?queue${query}`, { user: name, body })).status;
  };
  assert.equal(await queue('only-execute', 1), 200);
  const [second, third] = await Promise.all([
    queue('reader-writer', 2, '&wait'),
    queue('only-execute', 3, '&wait'),
  ]);
  assert.deepEqual([second, third], [403, 200]);
  const rows = await leading.send('GET', '/db/query?q=SELECT+v+FROM+t', { user });
  assert.match(rows.text, /"values":\[\[1\],\[3\]\]/);
});

test('what is queued is written when the front closes, and nothing new is taken', async (context) => {
  const { front, queue, backend } = await queueFront(context, { timeoutMs: 60_000 });
  await queue('["INSERT INTO t VALUES(1)"]');
  await queue('["INSERT INTO t VALUES(2)"]');
  const before = backend.view.appliedIndex;
  await front.close(5000);
  assert.equal(backend.view.appliedIndex, before + 1);
});

test('a queue that cannot be emptied before the grace is over says what was lost', async (context) => {
  const { front, queue, backend, failed } = await queueFront(context, { batch: 1 });
  backend.refusal = refusal('not_ready');
  await queue('["INSERT INTO t VALUES(1)"]');
  await queue('["INSERT INTO t VALUES(2)"]');
  await front.close(20);
  assert.deepEqual(
    failed.map(({ sequence, code }) => [sequence, code]),
    [
      [first + 1n, 'shutting_down'],
      [first, 'not_ready'],
    ],
  );
});
