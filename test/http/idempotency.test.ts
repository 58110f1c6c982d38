// Idempotency-Key: a write is applied once, however often it is sent; also through a follower.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openTestFront, type Sent, type TestFront } from './test-front.ts';

const user = 'admin';
const json = { 'Content-Type': 'application/json' };

const keyed = (body: string, key = 'k-1', more: Sent = {}): Sent => ({
  user,
  body,
  ...more,
  headers: { ...json, 'Idempotency-Key': key },
});

const insert = '[["INSERT INTO t(v) VALUES(?) RETURNING id", "a"]]';

const openWithTable = async (context: TestContext): Promise<TestFront> => {
  const front = await openTestFront(context);
  await front.send('POST', '/db/execute', {
    user,
    body: '["CREATE TABLE t(id INTEGER PRIMARY KEY, v)"]',
  });
  return front;
};

const count = async ({ send }: TestFront): Promise<string> =>
  (await send('GET', '/db/query?q=SELECT+count(*)+FROM+t', { user })).text;

const one = /"values":\[\[1\]\]/;

test('a write sent again under its key is answered as the first time and applied once', async (context) => {
  const front = await openWithTable(context);
  const path = '/db/execute?raft_index';
  const first = await front.send('POST', path, keyed(insert));
  assert.match(first.text, /"values":\[\[1\]\]\}\],"raft_index":2\}$/);
  const second = await front.send('POST', path, keyed(insert));
  assert.deepEqual([second.status, second.text], [200, first.text]);
  // How long it may take and how the answer is laid out are no part of what is asked.
  const pretty = await front.send('POST', '/db/execute?timeout=1s&pretty', keyed(insert));
  assert.match(pretty.text, /"values": \[\n/);
  assert.match(await count(front), one);
});

test('two that are under way at once are one write', async (context) => {
  const front = await openWithTable(context);
  const sent = Array.from({ length: 20 }, () => front.send('POST', '/db/execute', keyed(insert)));
  const answers = new Set((await Promise.all(sent)).map(({ text }) => text));
  assert.equal(answers.size, 1);
  assert.match(await count(front), one);
});

test('another body, route or form of results under the same key is 422 and applies nothing', async (context) => {
  const front = await openWithTable(context);
  await front.send('POST', '/db/execute', keyed(insert));
  for (const [path, body] of [
    ['/db/execute', insert.replace('"a"', '"b"')],
    ['/db/execute?transaction', insert],
    ['/db/execute?associative', insert],
    ['/db/request', insert],
  ] as const) {
    const answer = await front.send('POST', path, keyed(body));
    assert.equal(answer.status, 422, path);
    assert.match(answer.text, /"code":"key_reused".*"applied":"no"\}$/, path);
  }
  assert.match(await count(front), one);
});

test('each user has keys of its own', async (context) => {
  const front = await openWithTable(context);
  await front.send('POST', '/db/execute', keyed(insert));
  const other = await front.send(
    'POST',
    '/db/execute',
    keyed(insert, 'k-1', { user: 'reader-writer' }),
  );
  assert.match(other.text, /"values":\[\[2\]\]/);
});

test('a key that is none is 400, and so is one for a queued write', async (context) => {
  const front = await openWithTable(context);
  for (const key of ['', 'a b', 'x'.repeat(129), '\u00e9']) {
    const answer = await front.send('POST', '/db/execute', keyed(insert, key));
    assert.equal(answer.status, 400, key);
    assert.match(answer.text, /"code":"bad_request".*"applied":"no"\}$/, key);
  }
  for (const query of ['queue', 'queue&wait', 'queue&noleader']) {
    const queued = await front.send('POST', `/db/execute?${query}`, keyed(insert));
    assert.equal(queued.status, 400);
    assert.match(queued.text, /has no verdict of its own/);
  }
  assert.match(await count(front), /"values":\[\[0\]\]/);
});

test('reads take no key: nothing is remembered of them', async (context) => {
  const front = await openWithTable(context);
  const read = '["SELECT count(*) FROM t"]';
  for (const path of ['/db/query', '/db/request']) {
    const before = await front.send('POST', path, keyed(read));
    await front.send('POST', '/db/execute', { user, body: insert });
    assert.notEqual((await front.send('POST', path, keyed(read))).text, before.text, path);
  }
});

test('a write whose table is gone by now is still answered as the first time', async (context) => {
  const front = await openWithTable(context);
  const first = await front.send('POST', '/db/execute', keyed(insert));
  await front.send('POST', '/db/execute', { user, body: '["DROP TABLE t"]' });
  assert.equal((await front.send('POST', '/db/execute', keyed(insert))).text, first.text);
});

test('results that were not kept are a success that says so', async (context) => {
  const front = await openWithTable(context);
  const long = `[["INSERT INTO t(v) VALUES(?) RETURNING v", "${'x'.repeat(300)}"]]`;
  await front.send('POST', '/db/execute', keyed(long));
  const again = await front.send('POST', '/db/execute', keyed(long));
  assert.equal(again.status, 200);
  assert.match(
    again.text,
    /^\{"results":\[\],"error":"The write was carried out .* as entry 2; .*"code":"result_lost".*"applied":"yes"\}$/,
  );
});

test('what is not known of a write can be asked again with its key, and only then is that said', async (context) => {
  const front = await openWithTable(context);
  front.backend.refuseProposals = {
    kind: 'refused',
    code: 'leadership_lost',
    message: 'the leader lost its office',
    applied: 'unknown',
  };
  const answer = await front.send('POST', '/db/execute', keyed(insert));
  assert.match(
    answer.text,
    /"error":"the leader lost its office; send it again with the same Idempotency-Key.*"applied":"unknown"/,
  );
  const without = await front.send('POST', '/db/execute', { user, body: insert });
  assert.doesNotMatch(without.text, /Idempotency-Key/);
});

test('a follower passes the key on: the leader knows what went through another node', async (context) => {
  const leader = await openWithTable(context);
  const follower = await openTestFront(context);
  follower.backend.assumed = { role: 'follower' };
  follower.backend.leaderFront = (bytes, done) => leader.front.serveForwarded(bytes, done);
  const first = await leader.send('POST', '/db/execute', keyed(insert));
  const second = await follower.send('POST', '/db/execute', keyed(insert));
  assert.equal(second.text, first.text);
  const other = await follower.send('POST', '/db/execute', keyed('["DELETE FROM t"]'));
  assert.deepEqual([other.status, other.text.includes('"code":"key_reused"')], [422, true]);
  assert.match(await count(leader), one);
});
