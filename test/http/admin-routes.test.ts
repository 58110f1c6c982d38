// Routes that are asked now and then: status, nodes, leader, readyz, whoami; and the headers of
// all.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { ClusterNode } from '#http/backend.ts';
import { jsonOf, openTestFront } from './test-front.ts';

const user = 'admin';

const node = (name: string, more: Partial<ClusterNode> = {}): ClusterNode => ({
  name,
  apiUrl: `https://${name}:4001`,
  peerAddress: `${name}:4002`,
  version: '9.9.9',
  voter: true,
  reachable: true,
  leader: false,
  seconds: 0.0001,
  error: '',
  ...more,
});

test('/nodes is a map by name, or a list with ver=2', async (context) => {
  const { send, backend } = await openTestFront(context);
  backend.cluster = [
    node('n2', { reachable: false, version: '', seconds: 0, error: 'connection refused' }),
    node('n1', { leader: true }),
  ];
  const n1 =
    '{"id":"n1","api_addr":"https://n1:4001","addr":"n1:4002","version":"9.9.9","voter":true,"reachable":true,"leader":true,"time":0.0001,"time_s":"100µs"}';
  const n2 =
    '{"id":"n2","api_addr":"https://n2:4001","addr":"n2:4002","version":"","voter":true,"reachable":false,"leader":false,"error":"connection refused"}';
  assert.equal((await send('GET', '/nodes', { user })).text, `{"n1":${n1},"n2":${n2}}`);
  assert.equal((await send('GET', '/nodes?ver=2', { user })).text, `{"nodes":[${n1},${n2}]}`);
  assert.equal((await send('GET', '/nodes?ver=3', { user })).text, `{"n1":${n1},"n2":${n2}}`);
  assert.equal((await send('GET', '/leader', { user })).text, n1);
});

test('/leader without a leader is 503', async (context) => {
  const { send, backend } = await openTestFront(context);
  backend.cluster = [node('n1')];
  const answer = await send('GET', '/leader', { user });
  assert.equal(answer.status, 503);
  assert.equal((jsonOf(answer) as { code: string }).code, 'no_leader');
});

test('/status holds the node’s part and the front’s own behind `store`', async (context) => {
  const { send, backend, port } = await openTestFront(context);
  backend.statusPart = { os: {}, store: { raft: { state: 'Leader' }, b: 1, a: [1] }, build: {} };
  const whole = jsonOf(await send('GET', '/status', { user })) as Record<string, unknown>;
  assert.deepEqual(Object.keys(whole), ['os', 'store', 'http', 'build']);
  const part = async (key: string): Promise<string> =>
    (await send('GET', `/status?key=${key}`, { user })).text;
  assert.equal(await part('store.raft.state'), '"Leader"');
  assert.equal(await part('store'), '{"a":[1],"b":1,"raft":{"state":"Leader"}}');
  assert.equal(await part('store.raft.state.deeper'), '"Leader"');
  assert.equal(await part('nope.nope'), '{}');
  assert.equal(await part('constructor'), '{}');
  assert.equal(await part('http.auth'), '"enabled"');
  assert.equal(await part('http.bind_addr'), `"127.0.0.1:${port}"`);
  assert.equal(await part('http&pretty'), await part('http'));
  assert.match((await send('GET', '/status?pretty', { user })).text, /^\{\n {4}"os": \{\},\n/);
});

test('/readyz has rqlite’s lines for those who may know, and one word for strangers', async (context) => {
  const { send, backend } = await openTestFront(context);
  const ready = async (query = ''): Promise<readonly [number, string, string]> => {
    const known = await send('GET', `/readyz${query}`, { user: 'only-ready' });
    const stranger = await send('GET', `/readyz${query}`);
    assert.equal(stranger.status, known.status);
    assert.equal(known.headers['content-type'], 'text/plain; charset=utf-8');
    return [known.status, known.text, stranger.text];
  };
  const all = '[+]node ok\n[+]leader ok\n[+]store ok\n[+]db ok';
  assert.deepEqual(await ready(), [200, all, 'ready']);
  assert.deepEqual(await ready('?sync'), [200, all.replace('[+]db', '[+]sync ok\n[+]db'), 'ready']);
  backend.assumed = { role: 'follower', leader: undefined };
  assert.deepEqual(await ready(), [503, '[+]node ok\n[+]leader does not exist', 'not ready']);
  assert.deepEqual(await ready('?noleader'), [200, '[+]node ok', 'ready']);
  backend.assumed = { ready: false };
  assert.deepEqual(await ready(), [
    503,
    '[+]node ok\n[+]leader ok\n[+]store not ready',
    'not ready',
  ]);
  backend.assumed = { appliedIndex: -1 };
  const behind = await send('GET', '/readyz?sync', { user: 'only-ready' });
  assert.deepEqual([behind.status, behind.text.split('\n').at(-1)], [503, '[+]sync timeout']);
  const rounds = backend.calls.readIndex;
  assert.equal((await send('GET', '/readyz?sync')).text, 'ready');
  assert.equal(backend.calls.readIndex, rounds);
});

test('/whoami tells a user its name and permissions', async (context) => {
  const { send } = await openTestFront(context);
  const answer = await send('GET', '/whoami', { user: 'reader-writer' });
  assert.equal(answer.text, '{"user":"reader-writer","permissions":["execute","query"]}');
});

test('answers of data and of ordinary routes carry the same headers', async (context) => {
  const { send } = await openTestFront(context);
  const names = async (path: string): Promise<readonly string[]> => {
    const answer = await send('GET', path, { user });
    return answer.rawHeaders.filter((_value, at) => at % 2 === 0).map((name) => name.toLowerCase());
  };
  const data = await names('/db/query?q=SELECT+1');
  const ordinary = await names('/whoami');
  assert.deepEqual(
    data.filter((name) => name !== 'x-rqlite-served-by').sort(),
    ordinary.toSorted(),
  );
});

test('every answer carries the security headers and an id of its own', async (context) => {
  const { send } = await openTestFront(context);
  const ids = new Set<string>();
  for (const [method, path] of [
    ['GET', '/db/query?q=SELECT+1'],
    ['GET', '/whoami'],
    ['GET', '/nowhere'],
    ['PUT', '/whoami'],
    ['GET', '/db/query?q='],
    ['GET', '/%zz'],
  ] as const) {
    const { headers } = await send(method, path, { user });
    const what = `${method} ${path}`;
    assert.match(String(headers['strict-transport-security']), /^max-age=63072000/, what);
    assert.equal(
      headers['content-security-policy'],
      "default-src 'none';frame-ancestors 'none'",
      what,
    );
    assert.equal(headers['x-content-type-options'], 'nosniff', what);
    assert.equal(headers['cache-control'], 'no-store', what);
    ids.add(String(headers['x-request-id']));
  }
  assert.equal(ids.size, 6);
});

test('POST /leader hands the office to the named node, or to any, and may wait for it', async (context) => {
  const { send, backend } = await openTestFront(context);
  for (const [query, body, to, waitMs] of [
    ['', undefined, '', 0],
    ['?wait', '{"id":"n2"}', 'n2', 30_000],
    ['?wait&timeout=2s', '{"id":null}', '', 2000],
    ['', '{}', '', 0],
  ] as const) {
    const answer = await send(
      'POST',
      `/leader${query}`,
      body === undefined ? { user } : { user, body },
    );
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.text, '');
    assert.equal(answer.headers['x-rqlite-served-by'], '127.0.0.1:4001');
    assert.deepEqual(backend.stepDowns.at(-1), { to, waitMs });
  }
});

test('POST /leader with a body that is no wish for a node is 400 and hands nothing over', async (context) => {
  const { send, backend } = await openTestFront(context);
  for (const body of [
    '{bad',
    '{"id":5}',
    '[]',
    '{"id":"a","x":1}',
    '{"id":"a","id":"b"}',
    '[[[1]]]',
  ]) {
    const answer = await send('POST', '/leader', { user, body });
    assert.equal(answer.status, 400, body);
    assert.match(answer.text, /"error":"invalid JSON: .*"applied":"no"\}$/);
  }
  assert.equal(backend.stepDowns.length, 0);
});

test('POST /leader says why there is no other leader; a node that does not lead names who does', async (context) => {
  const { send, backend } = await openTestFront(context);
  backend.refusal = {
    kind: 'refused',
    code: 'unreachable',
    message: 'cannot find peer',
    applied: 'no',
  };
  const alone = await send('POST', '/leader?wait', { user });
  assert.equal(alone.status, 503);
  assert.match(alone.text, /"error":"stepdown: cannot find peer","code":"unreachable"/);
  const leader = { name: 'n2', apiUrl: 'https://127.0.0.1:4003', peerAddress: '127.0.0.1:4004' };
  backend.assumed = { role: 'follower', leader };
  const follower = await send('POST', '/leader', { user });
  assert.equal(follower.status, 503);
  assert.match(follower.text, /ask https:\/\/127\.0\.0\.1:4003","code":"not_leader"/);
  const redirected = await send('POST', '/leader?redirect&wait', { user });
  assert.equal(redirected.status, 301);
  assert.equal(redirected.headers.location, 'https://127.0.0.1:4003/leader?redirect&wait');
  backend.assumed = { role: 'follower', leader: undefined };
  assert.match((await send('POST', '/leader', { user })).text, /"code":"no_leader"/);
});

test('CORS-07 a page of another site can ask who leads but not change it', async (context) => {
  const { send, backend } = await openTestFront(context);
  const headers = { Origin: 'https://evil.example' };
  assert.equal((await send('POST', '/leader', { user, headers })).status, 403);
  assert.notEqual((await send('GET', '/leader', { user, headers })).status, 403);
  assert.equal(backend.stepDowns.length, 0);
});

interface LockFile {
  readonly packages: Readonly<
    Record<string, { readonly license?: string; readonly dev?: true; readonly devOptional?: true }>
  >;
}

test('/licenses names every package that a server holds, as the lock file has them', async (context) => {
  const { send } = await openTestFront(context);
  const lock = JSON.parse(
    readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'),
  ) as LockFile;
  const held = Object.entries(lock.packages).filter(
    ([path, { dev, devOptional }]) => path !== '' && dev !== true && devOptional !== true,
  );
  const expected = held.map(([path, { license }]) => {
    const name = path.split('node_modules/').at(-1) ?? '';
    return `${name}: ${license}`;
  });
  const answer = await send('GET', '/licenses', { user });
  assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
  const lines = answer.text.split('\n').filter((line) => /^[\w@./-]+: \S/.test(line));
  assert.deepEqual(lines.sort(), [...new Set(expected)].sort());
});

test('/status names the origins that are allowed, when there are any', async (context) => {
  const origins = ['https://a.example', 'https://b.example:8443'];
  const { send } = await openTestFront(context, { front: { allowOrigins: origins } });
  const answer = await send('GET', '/status?key=http.allow_origin', { user });
  assert.equal(answer.text, '"https://a.example,https://b.example:8443"');
});

test('/consistency: GET tells what is known, POST checks first and is for administrators', async (context) => {
  const { send, backend } = await openTestFront(context);
  const known = await send('GET', '/consistency', { user: 'only-status' });
  assert.equal(known.text, '{"leader":"n1"}');
  assert.match(String(known.headers['content-type']), /^application\/json/);
  assert.equal((await send('POST', '/consistency', { user: 'only-status' })).status, 403);
  await send('POST', '/consistency?timeout=3s', { user });
  assert.deepEqual(backend.consistencyAsked, [
    { check: false, waitMs: 30_000 },
    { check: true, waitMs: 3000 },
  ]);
  const applied = 'no';
  const message = 'no node leads';
  backend.consistency = () =>
    Promise.resolve({ kind: 'refused', code: 'no_leader', message, applied });
  assert.equal((await send('GET', '/consistency', { user })).status, 503);
});

test('DELETE /remove removes the named member, with an empty answer as rqlite gives it', async (context) => {
  const { send, backend } = await openTestFront(context);
  const answer = await send('DELETE', '/remove', { user, body: '{"id":"n3"}' });
  assert.deepEqual([answer.status, answer.text], [200, '']);
  assert.equal(answer.headers['x-rqlite-served-by'], '127.0.0.1:4001');
  assert.deepEqual(backend.removed, ['n3']);
});

test('DELETE /remove reads what curl sends when it is told no content type', async (context) => {
  const { send, backend } = await openTestFront(context);
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const body = '{"id":"n3"}';
  assert.equal((await send('DELETE', '/remove', { user, body, headers })).status, 200);
  assert.deepEqual(backend.removed, ['n3']);
  const text = { 'content-type': 'text/plain' };
  assert.equal((await send('DELETE', '/remove', { user, body, headers: text })).status, 415);
});

test('DELETE /remove with a body that names no node is 400 and removes nothing', async (context) => {
  const { send, backend } = await openTestFront(context);
  const bodies = ['', '{}', '{"id":null}', '{"id":""}', '{"id":5}', '{"id":"a","x":1}', '["a"]'];
  for (const body of bodies) {
    const answer = await send('DELETE', '/remove', { user, body });
    assert.equal(answer.status, 400, body);
    assert.match(answer.text, /"code":"bad_request".*"applied":"no"\}$/, body);
  }
  assert.deepEqual(backend.removed, []);
});

test('DELETE /remove says what the cluster refused; with redirect a follower names the leader', async (context) => {
  const { send, backend } = await openTestFront(context);
  const body = '{"id":"n3"}';
  backend.refusal = {
    kind: 'refused',
    code: 'timeout',
    message: 'whether the change was made is not known',
    applied: 'unknown',
  };
  const unsure = await send('DELETE', '/remove', { user, body });
  assert.equal(unsure.status, 504);
  assert.match(unsure.text, /"error":"remove: whether .*"code":"timeout".*"applied":"unknown"/);
  const asked = backend.removed.length;
  const leader = { name: 'n2', apiUrl: 'https://127.0.0.1:4003', peerAddress: '127.0.0.1:4004' };
  backend.assumed = { role: 'follower', leader };
  const moved = await send('DELETE', '/remove?redirect', { user, body });
  assert.deepEqual(
    [moved.status, moved.headers.location],
    [301, 'https://127.0.0.1:4003/remove?redirect'],
  );
  backend.assumed = { role: 'follower', leader: undefined };
  const alone = await send('DELETE', '/remove?redirect', { user, body });
  assert.match(alone.text, /"code":"no_leader"/);
  assert.equal(backend.removed.length, asked);
});

test('POST /reap writes back the WAL once and says so, and a second one finds nothing', async (context) => {
  const { send } = await openTestFront(context);
  await send('POST', '/db/execute', { user, body: '["CREATE TABLE t(a)"]' });
  const first = await send('POST', '/reap', { user });
  assert.equal(first.text, '{"snapshots_reaped":0,"wals_checkpointed":1}\n');
  const second = await send('POST', '/reap?pretty', { user });
  assert.equal(second.text, '{"snapshots_reaped":0,"wals_checkpointed":0}\n');
});

test('CORS-07 a page of another site removes no member', async (context) => {
  const { send, backend } = await openTestFront(context);
  const headers = { Origin: 'https://evil.example' };
  const sent = { user, headers, body: '{"id":"n3"}' };
  assert.equal((await send('DELETE', '/remove', sent)).status, 403);
  assert.deepEqual(backend.removed, []);
});
