// The three routes for data over real HTTPS, real SQLite behind them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTestFront } from './test-front.ts';

const json = { 'Content-Type': 'application/json' };

test('a write and a read come back with the keys of rqlite in their order', async (context) => {
  const { send } = await openTestFront(context);
  const user = 'admin';
  const made = await send('POST', '/db/execute', {
    user,
    headers: json,
    body: '["CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)", ["INSERT INTO t(name) VALUES(?)", "ada"]]',
  });
  assert.equal(made.text, '{"results":[{},{"last_insert_id":1,"rows_affected":1}]}');
  assert.equal(made.headers['content-type'], 'application/json; charset=utf-8');
  assert.equal(made.headers['x-rqlite-served-by'], '127.0.0.1:4001');
  const read = await send('GET', '/db/query?q=SELECT%20*%20FROM%20t', { user });
  assert.equal(
    read.text,
    '{"results":[{"columns":["id","name"],"types":["integer","text"],"values":[[1,"ada"]]}]}',
  );
  const both = await send('POST', '/db/request?associative', {
    user,
    body: '[["INSERT INTO t(name) VALUES(?)","bob"],["SELECT * FROM t WHERE id=2"],["SELECT * FROM nope"]]',
  });
  assert.equal(
    both.text,
    '{"results":[{"last_insert_id":2,"rows_affected":1,"rows":null},{"types":{"id":"integer","name":"text"},"rows":[{"id":2,"name":"bob"}]},{"error":"no such table: nope"}]}',
  );
});

test('requests without valid credentials reach neither database nor route', async (context) => {
  const { send, backend } = await openTestFront(context);
  for (const sent of [{}, { user: 'admin', password: 'wrong' }, { user: 'nobody' }]) {
    const answer = await send('POST', '/db/execute', { ...sent, body: '["CREATE TABLE t(a)"]' });
    assert.equal(answer.status, 401);
    assert.equal(answer.headers['www-authenticate'], 'Basic realm="rqlite"');
    assert.equal(answer.headers['x-rqlite-version'], undefined);
  }
  assert.deepEqual(backend.calls, {
    propose: 0,
    transact: 0,
    judge: 0,
    read: 0,
    forward: 0,
    readIndex: 0,
  });
});

test('/db/sql shows statements as they stand, runs none, and names what can never run', async (context) => {
  const { send, backend } = await openTestFront(context);
  const sql = async (body: string, query = ''): Promise<string> =>
    (await send('POST', `/db/sql${query}`, { user: 'only-query', body })).text;
  assert.equal(
    await sql('["select  random() from t -- <x>",["INSERT INTO t VALUES(?)",1]]'),
    '{"results":[{"original":"select  random() from t -- \\u003cx\\u003e","rewritten":"select  random() from t -- \\u003cx\\u003e"},{"original":"INSERT INTO t VALUES(?)","rewritten":"INSERT INTO t VALUES(?)"}]}',
  );
  assert.equal(
    await sql('["nonsense"]'),
    '{"results":[{"original":"nonsense","error":"near \\"nonsense\\": syntax error"}]}',
  );
  assert.match(
    await sql('["ATTACH \'x\' AS y"]'),
    /"original":"ATTACH 'x' AS y","error":"[^"]+"\}\]/,
  );
  assert.match(await sql('["SELECT 1"]', '?timings'), /^\{"results":\[.*\],"time":[\d.e-]+\}$/);
  assert.deepEqual(backend.calls, { ...backend.calls, propose: 0, read: 0 });
});

test('GET /db/sql takes its statement from q, and without one is 400', async (context) => {
  const { send } = await openTestFront(context);
  const answer = await send('GET', '/db/sql?q=SELECT+1', { user: 'admin' });
  assert.equal(answer.text, '{"results":[{"original":"SELECT 1","rewritten":"SELECT 1"}]}');
  assert.equal(answer.headers['x-rqlite-served-by'], undefined);
  const none = await send('GET', '/db/sql', { user: 'admin' });
  assert.equal(none.status, 400);
  assert.match(none.text, /"error":"query not specified"/);
});
