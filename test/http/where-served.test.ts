// Where a request is served: here, at the leader, or nowhere; at each level of consistency.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { BackendRefusal } from '#http/backend.ts';
import { jsonOf, openTestFront, type TestFront, testUsers } from './test-front.ts';

const leader = { name: 'n2', apiUrl: 'https://127.0.0.1:4003', peerAddress: '127.0.0.1:4004' };
const user = 'admin';
const one = '/db/query?q=SELECT+1';
const oneResult = '{"results":[{"columns":["1"],"types":["integer"],"values":[[1]]}]}';

/** A follower, and the front of its leader, which has users of its own. */
const pair = async (
  context: TestContext,
  leaderUsers: readonly object[] = testUsers,
): Promise<{ readonly follower: TestFront; readonly leading: TestFront }> => {
  const follower = await openTestFront(context);
  const leading = await openTestFront(context, {
    authFile: JSON.stringify(leaderUsers),
    front: { peerAddress: leader.peerAddress },
  });
  follower.backend.assumed = { role: 'follower', leader, leaderContactMs: 15 };
  follower.backend.leaderFront = (bytes, done) => leading.front.serveForwarded(bytes, done);
  return { follower, leading };
};

const codeOf = (text: string): string => (JSON.parse(text) as { code: string }).code;

test('a write at a follower is done by the leader, and says who served it', async (context) => {
  const { follower, leading } = await pair(context);
  const made = await follower.send('POST', '/db/execute?raft_index', {
    user,
    body: '["CREATE TABLE t(a)",["INSERT INTO t VALUES(?)",9007199254740993]]',
  });
  assert.equal(made.text, '{"results":[{},{"last_insert_id":1,"rows_affected":1}],"raft_index":1}');
  assert.equal(made.headers['x-rqlite-served-by'], leader.peerAddress);
  const read = await follower.send('GET', '/db/query?pretty&q=SELECT+a+FROM+t', { user });
  assert.match(read.text, /9007199254740993/);
  assert.equal(read.headers['x-rqlite-served-by'], leader.peerAddress);
  assert.equal(follower.backend.calls.propose + follower.backend.calls.read, 0);
  assert.equal(leading.backend.calls.propose, 1);
});

test('a write whose LIMIT nothing orders is done and warned of, at the leader and through a follower', async (context) => {
  const { follower, leading } = await pair(context);
  const unordered = 'INSERT INTO t SELECT a FROM t LIMIT 1';
  await leading.send('POST', '/db/execute', {
    user,
    body: '["CREATE TABLE t(a)","INSERT INTO t VALUES(1)"]',
  });
  for (const front of [leading, follower]) {
    for (const path of ['/db/execute', '/db/request']) {
      const warned = await front.send('POST', path, { user, body: JSON.stringify([unordered]) });
      assert.equal(warned.status, 200, warned.text);
      assert.match(warned.text, /"rows_affected":1/);
      assert.match(String(warned.headers['x-stockade-warning']), /^limit_unordered: /);
    }
    const ordered = await front.send('POST', '/db/execute', {
      user,
      body: '["INSERT INTO t SELECT a FROM t ORDER BY rowid LIMIT 1"]',
    });
    assert.equal(ordered.headers['x-stockade-warning'], undefined);
    const read = await front.send('GET', '/db/query?q=SELECT+a+FROM+t+LIMIT+1', { user });
    assert.equal(read.headers['x-stockade-warning'], undefined);
  }
});

test('AZ-05 FRM-11 the leader decides by its own auth file what a forwarded name may do', async (context) => {
  const weaker = testUsers.map((entry) =>
    entry.username === 'reader-writer' ? { ...entry, perms: ['query'] } : entry,
  );
  const { follower, leading } = await pair(context, weaker);
  const sent = { user: 'reader-writer', body: '["CREATE TABLE t(a)"]' };
  for (const path of ['/db/execute', '/db/request']) {
    const answer = await follower.send('POST', path, sent);
    assert.equal(answer.status, 403);
    assert.deepEqual(codeOf(answer.text), 'permission_denied');
    const { requestId, applied } = jsonOf(answer) as { requestId: string; applied: string };
    assert.equal(requestId, answer.headers['x-request-id']);
    assert.equal(applied, 'no');
  }
  assert.equal(leading.backend.calls.propose, 0);
  const read = await follower.send('GET', one, { user: 'reader-writer' });
  assert.equal(read.text, oneResult);
});

test('AZ-05 a name that the leader does not know may do nothing there', async (context) => {
  const { follower } = await pair(
    context,
    testUsers.filter(({ username }) => username !== 'reader-writer'),
  );
  const answer = await follower.send('GET', one, { user: 'reader-writer' });
  assert.equal(answer.status, 403);
});

test('a forwarded request that meets no leader is not passed on', async (context) => {
  const { follower, leading } = await pair(context);
  leading.backend.assumed = { role: 'follower', leader };
  const answer = await follower.send('POST', '/db/execute', {
    user,
    body: '["CREATE TABLE t(a)"]',
  });
  assert.equal(answer.status, 503);
  assert.equal(codeOf(answer.text), 'not_leader');
  assert.equal(leading.backend.calls.forward, 0);
});

test('bytes that are no forwarded request are answered with an error, not with a crash', async (context) => {
  const { leading } = await pair(context);
  for (const bytes of [Buffer.alloc(0), Buffer.from('nonsense'), Buffer.alloc(100, 0xff)]) {
    const reply = await new Promise<Uint8Array>((resolve) => {
      leading.front.serveForwarded(bytes, resolve);
    });
    assert.match(Buffer.from(reply).toString('latin1'), /"code":"bad_request"/);
  }
});

test('with redirect a follower names the leader’s URL and does nothing', async (context) => {
  const { follower } = await pair(context);
  const answer = await follower.send('POST', '/db/execute?redirect&timings&q=%20', {
    user,
    body: '["CREATE TABLE t(a)"]',
  });
  assert.equal(answer.status, 301);
  assert.equal(answer.headers.location, 'https://127.0.0.1:4003/db/execute?redirect&timings&q=%20');
  assert.equal(answer.text, '');
  assert.equal(follower.backend.calls.forward, 0);
});

test('level none reads here without a leader; weak, linearizable and strong say there is none', async (context) => {
  const { send, backend } = await openTestFront(context);
  backend.assumed = { role: 'follower', leader: undefined };
  assert.equal((await send('GET', `${one}&level=none`, { user })).text, oneResult);
  for (const level of ['weak', 'linearizable', 'strong']) {
    const answer = await send('GET', `${one}&level=${level}&timeout=10ms`, { user });
    assert.equal(answer.status, 503, level);
    assert.equal(codeOf(answer.text), 'no_leader');
  }
  const write = await send('POST', '/db/execute?timeout=10ms', { user, body: '["SELECT 1"]' });
  assert.equal((jsonOf(write) as { applied: string }).applied, 'no');
});

test('a request that finds no leader waits for the next one', async (context) => {
  const { send, backend } = await openTestFront(context);
  backend.assumed = { role: 'follower', leader: undefined };
  const answer = send('GET', one, { user });
  await send('GET', '/readyz');
  backend.assumed = {};
  assert.equal((await answer).text, oneResult);
});

const changing: BackendRefusal = {
  kind: 'refused',
  code: 'no_leader',
  message: 'leadership is being handed over; try again',
  applied: 'no',
};

test('a write at a leader that is handing over is done by whoever leads then', async (context) => {
  const { follower: resigning, leading } = await pair(context);
  await leading.send('POST', '/db/execute', { user, body: '["CREATE TABLE t(a)"]' });
  const leaderThen = resigning.backend.assumed;
  resigning.backend.assumed = {};
  resigning.backend.refuseProposals = changing;
  const sent = { user, body: '["CREATE TABLE t(a)"]' };
  const answer = resigning.send('POST', '/db/execute', sent);
  while (resigning.backend.calls.propose < 2) await new Promise(setImmediate);
  resigning.backend.assumed = leaderThen;
  assert.match((await answer).text, /table t already exists/, 'the other node knows the table');
});

test('a write that the leader refuses because it hands over is forwarded again, a read too', async (context) => {
  const { follower, leading } = await pair(context);
  const sent = { user, body: '["CREATE TABLE t(a)"]' };
  leading.backend.refuseProposals = changing;
  const answer = follower.send('POST', '/db/execute', sent);
  while (leading.backend.calls.propose < 2) await new Promise(setImmediate);
  leading.backend.refuseProposals = undefined;
  assert.equal((await answer).text, '{"results":[{}]}');
  leading.backend.refusal = { ...changing, code: 'not_leader' };
  leading.backend.onRefusal = () => {
    leading.backend.refusal = undefined;
  };
  const read = await follower.send('GET', `${one}&level=linearizable`, { user });
  assert.equal(read.text, oneResult);
});

test('a write of which it is not known whether it was applied is never sent again', async (context) => {
  const { follower, leading } = await pair(context);
  leading.backend.refuseProposals = { ...changing, code: 'leadership_lost', applied: 'unknown' };
  const answer = await follower.send('POST', '/db/execute', {
    user,
    body: '["CREATE TABLE t(a)"]',
  });
  assert.equal(answer.status, 503);
  assert.equal((jsonOf(answer) as { applied: string }).applied, 'unknown');
  assert.equal(leading.backend.calls.propose, 1);
});

test('linearizable confirms the leader first; strong has an entry of its own', async (context) => {
  const { send, backend } = await openTestFront(context);
  await send('POST', '/db/execute', { user, body: '["CREATE TABLE t(a)"]' });
  const linearizable = await send('GET', `${one}&level=linearizable&raft_index`, { user });
  assert.equal(linearizable.text, oneResult);
  const strong = await send('GET', `${one}&level=strong&raft_index`, { user });
  assert.equal(strong.text, oneResult.replace(/}$/, ',"raft_index":1}'));
  assert.equal(backend.calls.readIndex, 2);
  assert.equal(backend.calls.propose, 1);
});

test('auto is weak at a voter and none at a read replica, on both endpoints', async (context) => {
  const { follower } = await pair(context);
  const { backend, send } = follower;
  await send('GET', `${one}&level=auto`, { user });
  assert.equal(backend.calls.forward, 1);
  backend.assumed = { ...backend.assumed, voter: false };
  assert.equal((await send('GET', `${one}&level=auto`, { user })).text, oneResult);
  const sent = { user, body: '["SELECT 1"]' };
  assert.equal((await send('POST', '/db/request?level=auto', sent)).text, oneResult);
  assert.equal(backend.calls.forward, 1);
});

test('data older than freshness allows is refused at level none, except at the leader', async (context) => {
  const { follower } = await pair(context);
  const { send, backend } = follower;
  const stale = '{"results":[],"error":"stale read"}';
  const asked = async (query: string): Promise<string> =>
    (await send('GET', `${one}&level=none&${query}`, { user })).text;
  assert.equal(await asked('freshness=10ms'), stale);
  assert.equal(await asked('freshness=1s'), oneResult);
  assert.equal(await asked('freshness=0s'), oneResult);
  backend.assumed = { ...backend.assumed, commitIndex: 7 };
  assert.equal(await asked('freshness=1s'), oneResult);
  assert.equal(await asked('freshness=1s&freshness_strict'), stale);
  backend.assumed = { leaderContactMs: 1000 };
  assert.equal(await asked('freshness=10ms'), oneResult);
});

test('a request of reads alone makes no entry; with one write it is an entry at any level', async (context) => {
  const { send, backend } = await openTestFront(context);
  await send('POST', '/db/request?level=none', { user, body: '["SELECT 1","SELECT 2"]' });
  assert.deepEqual([backend.calls.propose, backend.calls.read], [0, 1]);
  await send('POST', '/db/request?level=none', { user, body: '["SELECT 1","CREATE TABLE t(a)"]' });
  assert.deepEqual([backend.calls.propose, backend.calls.read], [1, 1]);
});

test('a read that outlives its deadline is rqlite’s error at each of its statements', async (context) => {
  const { send, backend } = await openTestFront(context);
  backend.readsTimeOut = true;
  const sent = { user, body: '["SELECT 1","SELECT 2"]' };
  assert.equal(
    (await send('POST', '/db/query?associative', sent)).text,
    '{"results":[{"rows":[],"error":"query timeout"},{"rows":[],"error":"query timeout"}]}',
  );
});

test('a statement that the guard refuses refuses the whole request, and nothing is done', async (context) => {
  const { send, backend } = await openTestFront(context);
  const answer = await send('POST', '/db/execute', {
    user,
    body: '["CREATE TABLE t(a)","ATTACH \'x\' AS y"]',
  });
  assert.equal(answer.status, 400);
  const body = jsonOf(answer) as { code: string; applied: string };
  assert.equal(body.code, 'statement_refused');
  assert.equal(body.applied, 'no');
  assert.equal(backend.calls.propose, 0);
});

test('a statement that cannot be prepared is an error at its place; the others run', async (context) => {
  const { send } = await openTestFront(context);
  const body = '["CREATE TABLE t(a)","INSERT INTO nope VALUES(1)","INSERT INTO t VALUES(1)"]';
  const answer = await send('POST', '/db/execute', { user, body });
  assert.equal(
    answer.text,
    '{"results":[{},{"error":"no such table: nope"},{"last_insert_id":1,"rows_affected":1}]}',
  );
});

test('a query without a bound runs in a reader, but goes into the log for users with heavy only', async (context) => {
  const { send, backend } = await openTestFront(context);
  const text =
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<3) SELECT sum(i) FROM n';
  const read = await send('POST', '/db/query', {
    user: 'reader-writer',
    body: JSON.stringify([text]),
  });
  assert.match(read.text, /"values":\[\[6\]\]/);
  const body = JSON.stringify(['CREATE TABLE t(a)', text]);
  const written = await send('POST', '/db/request', { user: 'reader-writer', body });
  assert.equal(codeOf(written.text), 'statement_too_expensive');
  const inLog = await send('POST', '/db/execute', { user: 'reader-writer', body });
  assert.equal(codeOf(inLog.text), 'statement_too_expensive');
  assert.equal(backend.calls.propose, 0);
  const admin = await send('POST', '/db/request', { user: 'admin', body });
  assert.equal(codeOf(admin.text), 'statement_too_expensive', '`all` does not hold heavy');
  assert.equal((await send('POST', '/db/request', { user: 'heavy-writer', body })).status, 200);
});

test('known texts are judged once, and anew when the schema has changed', async (context) => {
  const { send, backend } = await openTestFront(context);
  await send('POST', '/db/execute', { user, body: '["CREATE TABLE t(a)"]' });
  const insert = { user, body: '[["INSERT INTO t VALUES(?)",1]]' };
  const before = backend.calls.judge;
  for (let count = 0; count < 3; count++) await send('POST', '/db/execute', insert);
  assert.equal(backend.calls.judge, before + 1);
  await send('POST', '/db/execute', { user, body: '["CREATE TABLE u(a)"]' });
  await send('POST', '/db/execute', insert);
  assert.equal(backend.calls.judge, before + 3);
});

test('a schema that changes between verdict and apply is judged again, and the write is done', async (context) => {
  const { send, backend } = await openTestFront(context);
  await send('POST', '/db/execute', { user, body: '["CREATE TABLE t(a)"]' });
  const insert = { user, body: '[["INSERT INTO t VALUES(?)",1]]' };
  await send('POST', '/db/execute', insert);
  // Another front's DDL: this one still holds verdicts for the schema before.
  backend.assumed = { schemaIndex: 1 };
  await send('POST', '/db/execute', { user, body: '["CREATE TABLE u(a)"]' });
  const answer = await send('POST', '/db/execute', insert);
  assert.equal(answer.text, '{"results":[{"last_insert_id":2,"rows_affected":1}]}');
});

test('a schema that never stops changing ends in 409 with nothing applied', async (context) => {
  const { send, backend } = await openTestFront(context);
  await send('POST', '/db/execute', { user, body: '["CREATE TABLE t(a)"]' });
  backend.schemaMovesOn = true;
  const before = backend.calls.propose;
  const answer = await send('POST', '/db/execute', { user, body: '["INSERT INTO t VALUES(1)"]' });
  assert.equal(answer.status, 409);
  const body = jsonOf(answer) as { code: string; applied: string };
  assert.deepEqual([body.code, body.applied], ['schema_changed', 'no']);
  assert.equal(backend.calls.propose - before, 4);
  backend.schemaMovesOn = false;
  const count = await send('GET', '/db/query?q=SELECT+count(*)+FROM+t', { user });
  assert.match(count.text, /"values":\[\[0\]\]/);
});

test('what the node refuses comes back with its code and with what became of the data', async (context) => {
  const { send, backend } = await openTestFront(context);
  const cases: readonly (readonly [BackendRefusal['code'], BackendRefusal['applied'], number])[] = [
    ['queue_full', 'no', 429],
    ['leadership_lost', 'unknown', 503],
    ['timeout', 'unknown', 504],
    ['disk_full', 'no', 507],
    ['shutting_down', 'no', 503],
  ];
  await send('POST', '/db/execute', { user, body: '["SELECT 1"]' });
  for (const [code, applied, status] of cases) {
    backend.refusal = { kind: 'refused', code, message: 'so it is', applied };
    const answer = await send('POST', '/db/execute', { user, body: '["SELECT 1"]' });
    assert.equal(answer.status, status, code);
    const body = jsonOf(answer) as { code: string; applied: string };
    assert.deepEqual([body.code, body.applied], [code, applied]);
  }
});

test('a write that meets a leader who has just resigned goes to the successor', async (context) => {
  const { follower, leading } = await pair(context);
  const resigned = follower.backend.assumed;
  follower.backend.assumed = {};
  await follower.send('POST', '/db/execute', { user, body: '["SELECT 1"]' });
  follower.backend.refusal = {
    kind: 'refused',
    code: 'not_leader',
    message: 'no longer',
    applied: 'no',
  };
  follower.backend.onRefusal = () => {
    follower.backend.refusal = undefined;
    follower.backend.assumed = resigned;
  };
  const answer = await follower.send('POST', '/db/execute', { user, body: '["SELECT 1"]' });
  assert.equal(answer.status, 200);
  assert.equal(leading.backend.calls.propose, 1);
});

test('a write that is done but has no result is a success with an error, also when forwarded', async (context) => {
  const { follower, leading } = await pair(context);
  await leading.send('POST', '/db/execute', { user, body: '["SELECT 1"]' });
  leading.backend.refusal = {
    kind: 'refused',
    code: 'result_lost',
    message: 'so it is',
    applied: 'yes',
  };
  for (const { send } of [leading, follower]) {
    const answer = await send('POST', '/db/execute', { user, body: '["SELECT 1"]' });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['x-rqlite-served-by'], undefined);
    const { requestId: _id, ...others } = jsonOf(answer) as Record<string, unknown>;
    assert.deepEqual(others, {
      results: [],
      error: 'so it is',
      code: 'result_lost',
      applied: 'yes',
    });
  }
});

test('a node whose data differs reads nothing at any level, and still passes on to its leader', async (context) => {
  const { follower } = await pair(context);
  await follower.send('POST', '/db/execute', { user, body: '["CREATE TABLE t(a)"]' });
  follower.backend.assumed = { ...follower.backend.assumed, quarantined: true };
  const refusal = await follower.send('GET', `${one}&level=none`, { user });
  assert.equal(refusal.status, 503);
  assert.equal(codeOf(refusal.text), 'replica_differs');
  assert.equal((await follower.send('GET', one, { user })).text, oneResult);
  assert.equal(follower.backend.calls.read, 0);
  // As a leader that found no heir yet.
  follower.backend.assumed = { quarantined: true };
  for (const level of ['weak', 'linearizable', 'strong', 'none']) {
    const answer = await follower.send('GET', `${one}&level=${level}`, { user });
    assert.equal(codeOf(answer.text), 'replica_differs', level);
  }
  const backup = await follower.send('GET', '/db/backup?noleader', { user });
  assert.equal(codeOf(backup.text), 'replica_differs');
});
