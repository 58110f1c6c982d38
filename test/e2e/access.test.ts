// Who may do what on a running cluster: every route, wrong passwords, missing permissions; also for
// requests that a follower forwards.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { hashPassword } from '#auth/password.ts';
import type { AskOptions } from './ask.ts';
import { Cluster, eventually } from './cluster.ts';

const password = 'a password of the tests';
const users = ['query', 'execute', 'status', 'ready', 'leader-ops'] as const;
let cluster: Cluster;

before(async () => {
  cluster = await Cluster.start(3);
  const hash = hashPassword(password, 10);
  const file = JSON.parse(readFileSync(cluster.file.auth, 'utf8')) as unknown[];
  for (const name of users) file.push({ username: name, password: hash, perms: [name] });
  writeFileSync(cluster.file.auth, JSON.stringify(file));
  for (const { pid } of cluster.file.nodes) process.kill(pid, 'SIGHUP');
  for (let at = 0; at < 3; at++) {
    await eventually('the users are known', async () => {
      const answer = await cluster.ask(at, '/whoami', { user: { name: 'query', password } });
      return answer.status === 200;
    });
  }
  await cluster.execute(0, ['CREATE TABLE t (a)']);
});
after(() => cluster.remove());

const json = JSON.stringify;
const routes: readonly {
  readonly path: string;
  readonly options: AskOptions;
  readonly needs: readonly (typeof users)[number][];
}[] = [
  { path: '/db/query?q=SELECT%201', options: {}, needs: ['query'] },
  { path: '/db/query', options: { body: json(['SELECT 1']) }, needs: ['query'] },
  {
    path: '/db/execute',
    options: { body: json(['INSERT INTO t VALUES (1)']) },
    needs: ['execute'],
  },
  { path: '/db/request', options: { body: json(['SELECT 1']) }, needs: ['query', 'execute'] },
  { path: '/status', options: {}, needs: ['status'] },
  { path: '/nodes', options: {}, needs: ['status'] },
  { path: '/leader', options: {}, needs: ['leader-ops'] },
];

test('AZ-01 nothing without credentials, nothing with a wrong password, on every route and node', async () => {
  for (let at = 0; at < 3; at++) {
    for (const { path, options } of routes) {
      const none = await cluster.ask(at, path, { ...options, user: undefined });
      assert.equal(none.status, 401, path);
      assert.match(none.text, /"code":"unauthenticated"/);
      assert.equal(none.headers['x-rqlite-version'], undefined);
    }
  }
  for (const { path, options } of routes) {
    const user = { name: 'admin', password: 'wrong' };
    const wrong = await cluster.ask(0, path, { ...options, user });
    assert.ok(wrong.status === 401 || wrong.status === 429, `${path}: ${wrong.status}`);
  }
});

test('AZ-01 with one permission each: exactly the routes that need no other, on every node', async () => {
  for (let at = 0; at < 3; at++) {
    for (const { path, options, needs } of routes) {
      for (const name of users) {
        const answer = await cluster.ask(at, path, { ...options, user: { name, password } });
        const allowed = needs.length === 1 && needs[0] === name;
        assert.equal(
          answer.status,
          allowed ? 200 : 403,
          `${name} ${path} on ${at}: ${answer.text}`,
        );
        if (!allowed) assert.match(answer.text, /"code":"permission_denied"/);
      }
    }
  }
});

test('/readyz without credentials says whether, and nothing else', async () => {
  const bare = await cluster.ask(0, '/readyz', { user: undefined });
  assert.equal(bare.status, 200);
  assert.equal(bare.text, 'ready');
  const known = await cluster.ask(0, '/readyz');
  assert.match(known.text, /^\[\+\]node ok\n\[\+\]leader ok\n\[\+\]store ok\n/);
});

test('the exact bytes come back: 64-bit integers, blobs, nulls, Unicode, through any node', async () => {
  await cluster.execute(1, ['CREATE TABLE v (i INTEGER, b BLOB, n, t TEXT, r REAL)']);
  const body =
    '[["INSERT INTO v VALUES (?, ?, ?, ?, ?)", 9223372036854775807, [0, 255, 16], null, "né \\u0000 🚀 \\"", 1.0]]';
  const written = await cluster.ask(2, '/db/execute', { body });
  assert.equal(written.text, '{"results":[{"last_insert_id":1,"rows_affected":1}]}');
  for (let at = 0; at < 3; at++) {
    const answer = await cluster.ask(at, '/db/query?level=strong&q=SELECT%20*%20FROM%20v');
    assert.equal(
      answer.text,
      '{"results":[{"columns":["i","b","n","t","r"],"types":["integer","blob","","text","real"],' +
        '"values":[[9223372036854775807,"AP8Q",null,"né \\u0000 🚀 \\"",1]]}]}',
    );
  }
});

test('a statement error is a result, a bad request a 400 with a code, and nothing crashes', async () => {
  const wrong = await cluster.ask(0, '/db/execute', {
    body: json(['INSERT INTO nowhere VALUES (1)']),
  });
  assert.equal(wrong.text, '{"results":[{"error":"no such table: nowhere"}]}');
  for (const body of ['', '{', '[]', '[1]', '{"a":1}', '[["SELECT ?", {"a":{}}]]', '"x"']) {
    const answer = await cluster.ask(0, '/db/execute', { body });
    assert.equal(answer.status, 400, body);
    assert.match(answer.text, /"code":"bad_request","requestId":"[^"]+","applied":"no"/);
  }
  const forbidden = await cluster.ask(1, '/db/execute', { body: json(["ATTACH 'x' AS y"]) });
  assert.equal(forbidden.status, 400);
  assert.match(forbidden.text, /"code":"statement_refused"/);
});

test('/status tells the engine and how large the database and its log are', async () => {
  const part = (await cluster.ask(0, '/status?key=store.sqlite3')).json as Record<string, unknown>;
  const { version, size, wal_size: walSize } = part;
  assert.match(String(version), /^3\.\d+\.\d+$/);
  assert.ok(Number(size) >= 4096 && Number(walSize) >= 0, JSON.stringify(part));
});

test('AUD-01 how the audit log stands is in /status and /metrics, and its lines grow', async () => {
  const linesOf = async (): Promise<number> => {
    const { text } = await cluster.ask(0, '/metrics');
    assert.match(text, /^stockade_audit_failing 0$/m);
    return Number(/^stockade_audit_lines_total (\d+)$/m.exec(text)?.[1]);
  };
  const before = await linesOf();
  await cluster.ask(0, '/auth/reload', { method: 'POST' });
  assert.ok((await linesOf()) > before);
  const { audit } = (await cluster.ask(0, '/status')).json as {
    readonly audit: Readonly<Record<string, unknown>>;
  };
  assert.deepEqual(Object.keys(audit), ['state', 'on_failure', 'lines', 'hash', 'waiting', 'lost']);
  assert.equal(audit['state'], 'kept');
  assert.match(String(audit['hash']), /^[0-9a-f]{64}$/);
});
