// Which tables a user may read and write, whatever form the statement has: through the whole front,
// with the real guard and the real SQLite behind it.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openTestFront, type TestFront, testUsers } from '../http/test-front.ts';

const { password } = testUsers[0] ?? assert.fail();
const perms = ['query', 'execute'];
const users = [
  ...testUsers,
  {
    username: 'clerk',
    password,
    perms,
    tables: { read: ['orders', 'Notes', 'open_view', 'search'], write: ['orders', 'plain'] },
  },
  { username: 'blind', password, perms, tables: {} },
  { username: 'everything', password, perms, tables: { read: ['*'], write: ['*'] } },
];

const schema = [
  'CREATE TABLE orders (id INTEGER PRIMARY KEY, a, b)',
  'CREATE TABLE notes (n)',
  'CREATE TABLE plain (p)',
  'CREATE TABLE secret (k INTEGER PRIMARY KEY, v)',
  'CREATE VIEW open_view AS SELECT v FROM secret',
  'CREATE VIEW fine AS SELECT n FROM notes',
  'CREATE TABLE trapped (t)',
  'CREATE TRIGGER trap AFTER INSERT ON trapped BEGIN INSERT INTO secret (v) VALUES (new.t); END',
  'CREATE VIRTUAL TABLE search USING fts5(x)',
  "INSERT INTO secret VALUES (1, 'the secret')",
  "INSERT INTO orders VALUES (1, 'a', 'b')",
];

const opened = async (context: TestContext): Promise<TestFront> => {
  const front = await openTestFront(context, { authFile: JSON.stringify(users) });
  const made = await front.send('POST', '/db/execute', {
    user: 'admin',
    body: JSON.stringify(schema),
  });
  assert.doesNotMatch(made.text, /error/);
  return front;
};

/** Statements that a clerk may not run: each touches the secret table or what is not listed. */
const forbidden = [
  'SELECT * FROM secret',
  'SELECT count(*) FROM secret',
  'SELECT 1 FROM main."SECRET" LIMIT 0',
  'SELECT rowid FROM secret',
  'SELECT v FROM open_view',
  'SELECT count(*) FROM open_view',
  'SELECT n FROM fine',
  'SELECT a FROM orders WHERE EXISTS (SELECT 1 FROM secret)',
  'SELECT (SELECT v FROM secret) FROM orders',
  'SELECT a FROM orders ORDER BY (SELECT v FROM secret)',
  'SELECT a FROM orders UNION SELECT v FROM secret',
  'SELECT a FROM orders NATURAL JOIN secret',
  'SELECT sum(a) OVER (ORDER BY (SELECT v FROM secret)) FROM orders',
  'WITH orders AS (SELECT v FROM secret) SELECT v FROM orders',
  'WITH RECURSIVE r (x) AS (SELECT v FROM secret UNION SELECT x FROM r) SELECT count(*) FROM r',
  'VALUES ((SELECT v FROM secret))',
  'EXPLAIN SELECT v FROM secret',
  'EXPLAIN QUERY PLAN SELECT v FROM secret',
  'EXPLAIN QUERY PLAN DELETE FROM secret',
  "SELECT * FROM pragma_table_info('secret')",
  "SELECT count(*) FROM pragma_table_info('secret')",
  'PRAGMA table_info(secret)',
  'PRAGMA main.table_info(secret)',
  'PRAGMA foreign_key_check',
  'SELECT sql FROM sqlite_schema',
  'SELECT count(*) FROM sqlite_master',
  'SELECT * FROM search_content',
  'SELECT p FROM plain',
  'SELECT 1; SELECT v FROM secret',
];
const forbiddenWrites = [
  "INSERT INTO secret (v) VALUES ('x')",
  "REPLACE INTO secret VALUES (1, 'x')",
  'DELETE FROM secret',
  'UPDATE secret SET v = 1',
  'INSERT INTO orders (a) SELECT v FROM secret',
  'INSERT INTO orders (a) VALUES ((SELECT v FROM secret))',
  'UPDATE orders SET a = (SELECT v FROM secret)',
  'UPDATE orders SET a = secret.v FROM secret',
  'DELETE FROM orders WHERE a IN (SELECT v FROM secret)',
  'INSERT INTO orders (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET a = (SELECT v FROM secret)',
  'INSERT INTO orders (a) VALUES (1) RETURNING (SELECT v FROM secret)',
  'WITH s AS (SELECT v FROM secret) INSERT INTO orders (a) SELECT v FROM s',
  "INSERT INTO trapped VALUES ('x')",
  'INSERT INTO plain VALUES (1) RETURNING p',
  'UPDATE plain SET p = p + 1',
  'DELETE FROM plain WHERE p = 1',
  "INSERT INTO notes VALUES ('x')",
  "INSERT INTO search (x) VALUES ('x')",
  'CREATE TABLE mine (a)',
  'CREATE TRIGGER t AFTER INSERT ON orders BEGIN DELETE FROM secret; END',
  'CREATE VIEW w AS SELECT v FROM secret',
  'CREATE INDEX i ON orders (a)',
  'CREATE VIRTUAL TABLE f USING fts5(v, content=secret)',
  'ALTER TABLE orders ADD COLUMN c',
  'DROP TABLE orders',
  'ANALYZE',
  'REINDEX',
  'CREATE TABLE c AS SELECT * FROM secret',
];

test('AZ-01 no form of query reaches a table that the rules of its user do not list', async (context) => {
  const { send, backend } = await opened(context);
  const readsBefore = backend.calls.read;
  for (const text of forbidden) {
    for (const user of ['clerk', 'blind']) {
      const body = JSON.stringify([text]);
      const answer = await send('POST', '/db/query', { user, body });
      assert.equal(answer.status, 403, `${user}: ${text}: ${answer.text}`);
      assert.match(answer.text, /"code":"permission_denied"/);
      const unified = await send('POST', '/db/request', { user, body });
      assert.equal(unified.status, 403, `${user}, unified: ${text}`);
    }
  }
  assert.equal(backend.calls.read, readsBefore, 'nothing of it was run');
});

test('AZ-01 no form of write reaches a table that the rules of its user do not list', async (context) => {
  const { send, backend } = await opened(context);
  const before = backend.calls.propose;
  for (const text of [...forbiddenWrites, 'SELECT v FROM secret']) {
    for (const user of ['clerk', 'blind']) {
      for (const path of ['/db/execute', '/db/request', '/db/execute?queue&wait']) {
        const answer = await send('POST', path, { user, body: JSON.stringify([text]) });
        assert.equal(answer.status, 403, `${user} ${path}: ${text}: ${answer.text}`);
      }
    }
  }
  assert.equal(backend.calls.propose, before, 'nothing of it was proposed');
});

test('what the rules list can be read and written, and names of subqueries are no tables', async (context) => {
  const { send } = await opened(context);
  for (const [path, text] of [
    ['/db/query', 'SELECT * FROM orders'],
    ['/db/query', 'SELECT * FROM "ORDERS", notes'],
    ['/db/query', 'WITH x AS (SELECT 1) SELECT count(*) FROM x'],
    [
      '/db/query',
      'WITH RECURSIVE r (x) AS (SELECT 1 UNION SELECT x + 1 FROM r WHERE x < 3) SELECT count(*) FROM r',
    ],
    ['/db/query', "SELECT value FROM json_each('[1]')"],
    ['/db/query', "SELECT x FROM search WHERE search MATCH 'x'"],
    ['/db/execute', 'INSERT INTO orders (a) VALUES (1) RETURNING id'],
    ['/db/execute', 'UPDATE orders SET b = 2 WHERE a = 1'],
    ['/db/execute', 'INSERT INTO plain VALUES (1)'],
    ['/db/execute', 'DELETE FROM plain'],
    ['/db/execute?queue&wait', 'INSERT INTO plain VALUES (2)'],
    ['/db/request', 'SELECT * FROM orders'],
  ] as const) {
    const answer = await send('POST', path, { user: 'clerk', body: JSON.stringify([text]) });
    assert.equal(answer.status, 200, `${text}: ${answer.text}`);
    assert.doesNotMatch(answer.text, /error/, text);
  }
});

test('one verdict serves all users: what one may is not what another may', async (context) => {
  const { send, backend } = await opened(context);
  const body = '["SELECT v FROM secret"]';
  const sent = (user: string): Promise<number> =>
    send('POST', '/db/query', { user, body }).then(({ status }) => status);
  assert.equal(await sent('admin'), 200);
  const judged = backend.calls.judge;
  assert.equal(await sent('clerk'), 403);
  assert.equal(await sent('everything'), 200);
  assert.equal(await sent('clerk'), 403);
  assert.equal(backend.calls.judge, judged, 'the verdict was remembered');
});

test('AZ-04 rules that a reload tightens hold for the next request, remembered verdicts or not', async (context) => {
  const { send, auth, writeAuthFile } = await opened(context);
  const sent = { user: 'clerk', body: '["SELECT a FROM orders"]' };
  assert.equal((await send('POST', '/db/query', sent)).status, 200);
  writeAuthFile(
    JSON.stringify(
      users.map((user) => (user.username === 'clerk' ? { ...user, tables: {} } : user)),
    ),
  );
  auth.reload();
  assert.equal((await send('POST', '/db/query', sent)).status, 403);
});

test('rows read under another schema than the judged one are not given out', async (context) => {
  const { send, backend } = await opened(context);
  const sent = { user: 'clerk', body: '["SELECT a FROM orders"]' };
  // The node is slow to say so, but the readers see a newer schema at every read.
  const { schemaIndex } = backend.view;
  backend.readsInSchema = (index) => index + 1;
  const answer = await send('POST', '/db/query', sent);
  assert.equal(answer.status, 409);
  assert.match(answer.text, /"code":"schema_changed"/);
  assert.equal((await send('POST', '/db/query', { ...sent, user: 'admin' })).status, 200);
  backend.readsInSchema = undefined;
  assert.equal(backend.view.schemaIndex, schemaIndex);
});
