// Interactive transactions over HTTP: opened, run, committed, rolled back, refused; also through a
// follower. The node's own part is real, over the one writer of this process.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { hashPassword } from '#auth/password.ts';
import {
  transactionFailuresMax,
  transactionStatementsMax,
  transactionsPerUserMax,
} from '#limits.ts';
import {
  type Answer,
  openTestFront,
  type Sent,
  type TestFront,
  testPassword,
} from './test-front.ts';

const user = 'admin';
const json = { 'Content-Type': 'application/json' };

interface Steps extends TestFront {
  readonly open: (as?: string) => Promise<string>;
  readonly run: (id: string, body: unknown, query?: string, as?: string) => Promise<Answer>;
  readonly commit: (id: string, sent?: Sent) => Promise<Answer>;
  readonly execute: (...statements: readonly unknown[]) => Promise<Answer>;
  readonly rows: (text: string) => Promise<string>;
}

const stepsOf = (front: TestFront): Steps => {
  const { send } = front;
  return {
    ...front,
    open: async (as = user) => {
      const answer = await send('POST', '/db/transaction', { user: as });
      assert.equal(answer.status, 200, answer.text);
      return (JSON.parse(answer.text) as { readonly id: string }).id;
    },
    run: (id, body, query = '', as = user) =>
      send('POST', `/db/transaction/${id}${query}`, {
        user: as,
        body: JSON.stringify(body),
        headers: json,
      }),
    commit: (id, sent = {}) => send('POST', `/db/transaction/${id}/commit`, { user, ...sent }),
    execute: (...statements) =>
      send('POST', '/db/execute', { user, body: JSON.stringify(statements), headers: json }),
    rows: async (text) => {
      const path = `/db/query?q=${encodeURIComponent(text)}`;
      return (await send('GET', path, { user })).text.replace(/^.*"values":|\}\]\}$/g, '');
    },
  };
};

const openWithTable = async (context: TestContext): Promise<Steps> => {
  const steps = stepsOf(await openTestFront(context));
  await steps.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, v UNIQUE)');
  await steps.execute("INSERT INTO t(v) VALUES('first')");
  return steps;
};

const ended = (answer: Answer, code: string): void => {
  assert.equal(answer.status, 409, answer.text);
  assert.match(answer.text, new RegExp(`"code":"${code}".*"applied":"no"\\}$`));
};

test('a transaction sees its own writes, others see them from its commit on', async (context) => {
  const { open, run, commit, rows } = await openWithTable(context);
  const id = await open();
  const inserted = await run(id, [['INSERT INTO t(v) VALUES(?)', 'mine']]);
  assert.equal(inserted.text, '{"results":[{"last_insert_id":2,"rows_affected":1}]}');
  const seen = await run(id, ['SELECT v FROM t ORDER BY id', 'UPDATE t SET v = v RETURNING id']);
  assert.equal(
    seen.text,
    '{"results":[{"columns":["v"],"types":["text"],"values":[["first"],["mine"]]},{"columns":["id"],"types":["integer"],"values":[[1],[2]]}]}',
  );
  assert.equal(await rows('SELECT count(*) FROM t'), '[[1]]');
  const committed = await commit(id);
  assert.deepEqual(
    [committed.status, committed.text],
    [200, '{"state":"committed","raft_index":3}'],
  );
  assert.equal(await rows('SELECT v FROM t'), '[["first"],["mine"]]');
});

test('time and random values are those that its client saw', async (context) => {
  const { open, run, commit, rows } = await openWithTable(context);
  const id = await open();
  const step = "INSERT INTO t(v) VALUES(hex(randomblob(8)) || strftime('%f', 'now')) RETURNING v";
  const first = await run(id, [step]);
  const second = await run(id, ['SELECT 1', step]);
  await commit(id);
  const values = [first, second].map(
    ({ text }) => /"values":\[\[("\w[^\]]*")\]\]\}\]\}$/.exec(text)?.[1],
  );
  assert.equal(await rows('SELECT v FROM t WHERE id > 1'), `[[${values.join('],[')}]]`);
});

test('what is rolled back, or never committed, leaves nothing', async (context) => {
  const { open, run, commit, rows, send } = await openWithTable(context);
  const id = await open();
  await run(id, ["INSERT INTO t(v) VALUES('gone')"]);
  const answer = await send('DELETE', `/db/transaction/${id}`, { user });
  assert.deepEqual([answer.status, answer.text], [200, '{"state":"rolled_back"}']);
  ended(await run(id, ['SELECT 1']), 'transaction_ended');
  ended(await commit(id), 'transaction_ended');
  assert.equal(await rows('SELECT count(*) FROM t'), '[[1]]');
});

test('a write by another between what it saw and its commit is a conflict, found at the next step or the commit', async (context) => {
  const { open, run, commit, execute, rows } = await openWithTable(context);
  const [one, other] = [await open(), await open()];
  for (const id of [one, other]) {
    await run(id, ['SELECT count(*) FROM t']);
    await run(id, [['INSERT INTO t(v) VALUES(?)', id]]);
  }
  await execute("INSERT INTO t(v) VALUES('between')");
  ended(await run(one, ['SELECT 1']), 'transaction_conflict');
  ended(await commit(other), 'transaction_conflict');
  ended(await commit(other), 'transaction_ended');
  assert.equal(await rows('SELECT count(*) FROM t'), '[[2]]');
});

test('a write by another that changes nothing it saw is no conflict', async (context) => {
  const { open, run, commit, execute, rows } = await openWithTable(context);
  await execute('CREATE TABLE other(a)');
  const id = await open();
  await run(id, ["UPDATE t SET v = 'changed' WHERE id = 1"]);
  await execute('INSERT INTO other VALUES(1)');
  assert.equal((await commit(id)).status, 200);
  assert.equal(await rows('SELECT v FROM t'), '[["changed"]]');
});

test('a request that fails is undone alone, and that it failed is part of what was seen', async (context) => {
  const { open, run, commit, execute, rows } = await openWithTable(context);
  const [id, other] = [await open(), await open()];
  const failing = [
    "INSERT INTO t(v) VALUES('second')",
    "INSERT INTO t(v) VALUES('first')",
    'SELECT 1',
  ];
  for (const one of [id, other]) {
    const failed = await run(one, failing);
    assert.equal(
      failed.text,
      '{"results":[{"last_insert_id":2,"rows_affected":1},{"error":"UNIQUE constraint failed: t.v"}]}',
    );
    assert.match((await run(one, ['SELECT count(*) FROM t'])).text, /\[\[1\]\]/);
  }
  const third = await run(id, ["INSERT INTO t(v) VALUES('third')"]);
  assert.match(third.text, /"last_insert_id":2,/);
  assert.equal((await commit(id)).status, 200);
  assert.equal(await rows('SELECT v FROM t'), '[["first"],["third"]]');
  // For the other one `first` would not be in the way any longer: everything else looks the same.
  await execute("DELETE FROM t WHERE v = 'third'", "UPDATE t SET v = 'last'");
  ended(await commit(other), 'transaction_conflict');
});

test('a commit that is sent again is answered as the first time, with and without a key', async (context) => {
  const { open, run, commit, rows } = await openWithTable(context);
  const keyed = { headers: { 'Idempotency-Key': 'k-1' } };
  const [plain, withKey, another] = [await open(), await open(), await open()];
  await run(plain, ["INSERT INTO t(v) VALUES('plain')"]);
  const first = await commit(plain);
  assert.equal((await commit(plain)).text, first.text);
  await run(withKey, ["INSERT INTO t(v) VALUES('key')"]);
  const second = await commit(withKey, keyed);
  assert.equal(second.status, 200);
  assert.equal((await commit(withKey, keyed)).text, second.text);
  assert.equal((await commit(withKey)).text, second.text);
  await run(another, ["INSERT INTO t(v) VALUES('another')"]);
  const reused = await commit(another, keyed);
  assert.equal(reused.status, 422);
  assert.match(reused.text, /"code":"key_reused".*"applied":"no"\}$/);
  assert.equal(await rows('SELECT v FROM t'), '[["first"],["plain"],["key"]]');
});

test('whoever did not open it has no transaction of that id, and can neither use nor end it', async (context) => {
  const password = hashPassword(testPassword, 10);
  const authFile = JSON.stringify([
    { username: 'ada', password, perms: ['all'] },
    { username: 'eve', password, perms: ['all'] },
  ]);
  const front = stepsOf(await openTestFront(context, { authFile }));
  const { send, open, run, commit } = front;
  await send('POST', '/db/execute', { user: 'ada', body: '["CREATE TABLE t(v)"]', headers: json });
  const id = await open('ada');
  await run(id, ['INSERT INTO t VALUES(1)'], '', 'ada');
  ended(await run(id, ['SELECT * FROM t'], '', 'eve'), 'transaction_ended');
  ended(await commit(id, { user: 'eve' }), 'transaction_ended');
  ended(await send('DELETE', `/db/transaction/${id}`, { user: 'eve' }), 'transaction_ended');
  assert.equal((await commit(id, { user: 'ada' })).status, 200);
  ended(await commit(id, { user: 'eve' }), 'transaction_ended');
});

test('transaction control, schema changes, pragmas, what has no bound and what cannot be an id are refused', async (context) => {
  const { open, run, send } = await openWithTable(context);
  const id = await open();
  const endless =
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n';
  for (const [statement, code] of [
    ['BEGIN', 'statement_refused'],
    ['COMMIT', 'statement_refused'],
    ['SAVEPOINT s', 'statement_refused'],
    ["ATTACH 'x' AS x", 'statement_refused'],
    ['PRAGMA journal_mode = DELETE', 'statement_refused'],
    ['CREATE TABLE u(a)', 'statement_refused'],
    ['DROP TABLE t', 'statement_refused'],
    ['ANALYZE', 'statement_refused'],
    ['SELECT * FROM _stockade_meta', 'statement_refused'],
    [endless, 'statement_too_expensive'],
  ] as const) {
    const answer = await run(id, [statement]);
    assert.match(answer.text, new RegExp(`"code":"${code}".*"applied":"no"`), statement);
  }
  for (const path of ['x', '..', `${id}x`, id.toUpperCase()]) {
    assert.match(
      (await send('POST', `/db/transaction/${path}/commit`, { user })).text,
      /no such|There is no/i,
    );
  }
  assert.match((await run(id, ['SELECT count(*) FROM t'])).text, /\[\[1\]\]/);
});

test('AZ-01 the table rules of a user hold in a transaction as in every request', async (context) => {
  const password = hashPassword(testPassword, 10);
  const perms = ['transaction', 'query', 'execute'];
  const authFile = JSON.stringify([
    { username: user, password, perms: ['all'] },
    { username: 'clerk', password, perms, tables: { read: ['t', 'log'], write: ['log'] } },
  ]);
  const { open, run, execute } = stepsOf(await openTestFront(context, { authFile }));
  await execute('CREATE TABLE t(v)', 'CREATE TABLE log(v)', 'CREATE TABLE secret(v)');
  const id = await open('clerk');
  const asClerk = (text: string): Promise<Answer> => run(id, [text], '', 'clerk');
  assert.equal((await asClerk('INSERT INTO log SELECT count(*) FROM t')).status, 200);
  for (const text of [
    'INSERT INTO t VALUES(1)',
    'SELECT * FROM secret',
    'INSERT INTO log SELECT v FROM secret RETURNING v',
    'DELETE FROM log WHERE v IN (SELECT v FROM secret)',
  ]) {
    const answer = await asClerk(text);
    assert.equal(answer.status, 403, text);
    assert.match(answer.text, /"code":"permission_denied".*"applied":"no"/, text);
  }
});

test('a step whose results are too large says so, and the transaction goes on', async (context) => {
  const { open, run, commit, rows } = await openWithTable(context);
  const id = await open();
  const large = await run(id, ["INSERT INTO t(v) VALUES('kept')", 'SELECT hex(zeroblob(600000))']);
  assert.match(large.text, /"last_insert_id":2.*"error":"result too large/);
  assert.equal((await run(id, ['SELECT 1'])).status, 200);
  assert.equal((await commit(id)).status, 200);
  assert.equal(await rows('SELECT count(*) FROM t'), '[[2]]');
});

test('a change of the schema ends the transactions that were judged by the one before', async (context) => {
  const { open, run, commit, execute } = await openWithTable(context);
  const [one, other, fresh] = [await open(), await open(), await open()];
  await run(one, ["INSERT INTO t(v) VALUES('one')"]);
  await run(other, ["INSERT INTO t(v) VALUES('other')"]);
  await execute('CREATE TABLE u(a)');
  ended(await commit(one), 'transaction_conflict');
  ended(await run(other, ['SELECT 1']), 'transaction_conflict');
  assert.equal((await run(fresh, ['INSERT INTO u VALUES(1)'])).status, 200);
  assert.equal((await commit(fresh)).status, 200);
});

test('a deferred constraint that fails at COMMIT is said, and nothing is applied', async (context) => {
  const steps = stepsOf(await openTestFront(context, { foreignKeys: true }));
  const { open, run, commit, execute, rows } = steps;
  await execute(
    'CREATE TABLE p(id INTEGER PRIMARY KEY)',
    'CREATE TABLE c(p REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)',
  );
  const id = await open();
  assert.match((await run(id, ['INSERT INTO c VALUES(7)'])).text, /"rows_affected":1/);
  const answer = await commit(id);
  ended(answer, 'transaction_ended');
  assert.match(answer.text, /FOREIGN KEY constraint failed/);
  assert.equal(
    (await commit(id)).text.replace(/"requestId":"[^"]*"/, ''),
    answer.text.replace(/"requestId":"[^"]*"/, ''),
  );
  assert.equal(await rows('SELECT count(*) FROM c'), '[[0]]');
});

test('results come in every form that a request knows', async (context) => {
  const { open, run, commit, execute } = await openWithTable(context);
  await execute('CREATE TABLE bin(b BLOB, id)');
  const id = await open();
  const timed = await run(id, ["INSERT INTO t(v) VALUES('a')", 'SELECT * FROM t'], '?timings');
  assert.match(timed.text, /"rows_affected":1,"time":[\d.e-]+\}.*\],"time":[\d.e-]+\}$/);
  await run(id, ["INSERT INTO bin VALUES(x'ff01', 1)"]);
  const forms = await run(id, ['SELECT b, id FROM bin'], '?associative&blob_array');
  assert.match(forms.text, /"rows":\[\{"b":\[255,1\],"id":1\}\]/);
  assert.match((await run(id, ['SELECT 1'], '?pretty')).text, /^\{\n/);
  // Times differ from run to run, and are no part of what is compared.
  assert.equal((await commit(id)).status, 200);
});

test('caps: statements, failures, transactions of a user', async (context) => {
  const { open, run, commit, send } = await openWithTable(context);
  const id = await open();
  const many = Array.from({ length: transactionStatementsMax }, () => 'SELECT 1');
  assert.equal((await run(id, many)).status, 200);
  const more = await run(id, ['SELECT 1']);
  assert.equal(more.status, 400);
  assert.match(more.text, /at most 100 statements.*"applied":"no"/);
  assert.equal((await commit(id)).status, 200);
  const failing = await open();
  for (let at = 0; at < transactionFailuresMax; at++) await run(failing, ['SELECT nothing']);
  assert.equal((await run(failing, ['SELECT 1'])).status, 400);
  for (let at = 1; at < transactionsPerUserMax; at++) await open();
  const full = await send('POST', '/db/transaction', { user });
  assert.equal(full.status, 429);
  assert.match(full.text, /"code":"queue_full".*"applied":"no"/);
});

test('through a follower every step goes to the leader, and its refusals come back', async (context) => {
  const leader = await openWithTable(context);
  const follower = stepsOf(await openTestFront(context));
  follower.backend.assumed = { role: 'follower' };
  follower.backend.leaderFront = (bytes, done) => leader.front.serveForwarded(bytes, done);
  const { open, run, commit, backend } = follower;
  const id = await open();
  assert.match((await run(id, ['INSERT INTO t(v) VALUES(1) RETURNING v'])).text, /\[\[1\]\]/);
  const committed = await commit(id);
  assert.match(committed.text, /^\{"state":"committed","raft_index":3\}$/);
  assert.equal((await commit(id)).text, committed.text);
  ended(await run(id, ['SELECT 1']), 'transaction_ended');
  assert.equal(leader.backend.calls.transact, 5);
  assert.equal(backend.calls.transact, 0);
});
