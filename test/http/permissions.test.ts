// Who may call what: generated from the table of routes, so that a new route cannot be forgotten.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Permission, permissionNames } from '#auth/permission.ts';
import type { Route } from '#http/route.ts';
import { methodsByPath, routes } from '#http/route-table.ts';
import { jsonOf, openTestFront, type Sent, testUsers } from './test-front.ts';

/** What each route needs, written down once more: the table of the routes must agree with it. */
const needed: Readonly<Record<string, readonly Permission[]>> = {
  '/db/execute': ['execute'],
  '/db/query': ['query'],
  '/db/request': ['query', 'execute'],
  '/db/sql': ['query'],
  '/db/transaction': ['transaction', 'query', 'execute'],
  '/db/transaction/:id': ['transaction', 'query', 'execute'],
  '/db/transaction/:id/commit': ['transaction', 'query', 'execute'],
  '/db/backup': ['backup'],
  '/db/changes': ['changes'],
  '/db/load': ['load'],
  '/boot': ['load'],
  '/snapshot': ['snapshot'],
  '/status': ['status'],
  '/nodes': ['status'],
  '/leader': ['leader-ops'],
  '/readyz': ['ready'],
  '/consistency': ['status'],
  '/whoami': [],
  '/licenses': ['status'],
  '/metrics': ['metrics'],
  '/remove': ['remove'],
  '/openapi.json': [],
  '/reap': ['snapshot'],
  '/auth/reload': ['admin'],
  '/queries': ['status'],
  '/queries/:id': ['kill'],
  '/': [],
  '/console': [],
  '/console/': ['ui'],
  '/console/:id': ['ui'],
};

/** Answered without credentials too, and how. */
const openPaths = new Map([
  ['/readyz', 200],
  ['/', 302],
  ['/console', 301],
]);

/** Where a path needs another permission for another method. */
const neededFor: Readonly<Record<string, readonly Permission[]>> = {
  'POST /consistency': ['admin'],
};

const bodyFor = (route: Route, method: string): Sent =>
  method === 'POST' && route.path.startsWith('/db/') ? { body: '["SELECT 1"]' } : {};

const isDenied = (status: number): boolean => status === 401 || status === 403;

test('every route is in the list of permissions, and the other way round', () => {
  assert.deepEqual([...methodsByPath.keys()].sort(), Object.keys(needed).sort());
});

test('AZ-01 every route opens to exactly the permissions it names', async (context) => {
  const { send, backend } = await openTestFront(context);
  backend.cluster = [
    {
      name: 'n1',
      apiUrl: '',
      peerAddress: '',
      version: '',
      voter: true,
      reachable: true,
      leader: true,
      seconds: 0,
      error: '',
    },
  ];
  for (const route of routes) {
    const permissions =
      neededFor[`${route.methods.join()} ${route.path}`] ?? needed[route.path] ?? [];
    for (const method of route.methods) {
      const what = `${method} ${route.path}`;
      const sent = bodyFor(route, method);
      const none = await send(method, route.path, sent);
      assert.equal(none.status, openPaths.get(route.path) ?? 401, `${what} by nobody`);
      const all = await send(method, route.path, { ...sent, user: 'admin' });
      assert.equal(isDenied(all.status), false, `${what} by admin: ${all.text}`);
      for (const name of permissionNames.filter((permission) => permission !== 'all')) {
        const answer = await send(method, route.path, { ...sent, user: `only-${name}` });
        const enough = permissions.every((permission) => permission === name);
        assert.equal(answer.status === 403, !enough, `${what} by only-${name}: ${answer.text}`);
        assert.equal(isDenied(answer.status), !enough, `${what} by only-${name}`);
      }
      const nothing = await send(method, route.path, { ...sent, user: 'nothing' });
      assert.equal(nothing.status === 403, permissions.length > 0, `${what} by nothing`);
    }
  }
});

test('AZ-01 a wrong password opens no route, not even one that nobody needs credentials for', async (context) => {
  const { send } = await openTestFront(context);
  for (const route of routes) {
    for (const method of route.methods) {
      const answer = await send(method, route.path, {
        ...bodyFor(route, method),
        user: 'admin',
        password: '',
      });
      assert.equal(answer.status, 401, `${method} ${route.path}`);
    }
  }
});

test('both permissions together open /db/request', async (context) => {
  const { send } = await openTestFront(context);
  const sent = { user: 'reader-writer', body: '["SELECT 1"]' };
  assert.equal((await send('POST', '/db/request', sent)).status, 200);
});

test('AZ-02 paths that only look like a route are no route, and methods it has not are refused', async (context) => {
  const { send, backend } = await openTestFront(context);
  for (const path of [
    '//db/query?q=SELECT+1',
    '/DB/query?q=SELECT+1',
    '/db/query/?q=SELECT+1',
    '/db%2fquery?q=SELECT+1',
    '/%64b/query?q=SELECT+1',
    '/db/quer%79?q=SELECT+1',
    '/db/query;x?q=SELECT+1',
    '/x/../db/query?q=SELECT+1',
    '/db/queryx?q=SELECT+1',
    '/./db/query?q=SELECT+1',
    '/db/query%00?q=SELECT+1',
    '/statusfoo',
    '/constructor',
    '/__proto__',
  ]) {
    const answer = await send('GET', path, { user: 'admin' });
    assert.equal(answer.status, 404, path);
  }
  for (const route of routes) {
    for (const method of ['HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'POST', 'GET']) {
      const methods = methodsByPath.get(route.path) ?? '';
      if (methods.split(', ').includes(method)) continue;
      const answer = await send(method, route.path, { user: 'admin' });
      assert.ok([404, 405].includes(answer.status), `${method} ${route.path}: ${answer.status}`);
      if (answer.status === 405) assert.equal(answer.headers.allow, methods);
    }
  }
  assert.equal(backend.calls.read, 0);
});

test('AZ-03 who may only query neither copies, loads nor administers, and each attempt is told and audited', async (context) => {
  const { send, audited, denials, backend } = await openTestFront(context);
  const attempts = [
    ['GET', '/db/backup'],
    ['POST', '/db/load'],
    ['POST', '/boot'],
    ['POST', '/snapshot'],
    ['POST', '/reap'],
    ['DELETE', '/remove'],
    ['POST', '/leader'],
  ] as const;
  for (const [method, path] of attempts) {
    const answer = await send(method, path, {
      user: 'only-query',
      ...(method === 'GET' ? {} : { body: '{"id":"n2"}' }),
    });
    assert.equal(answer.status, 403, `${method} ${path}: ${answer.text}`);
  }
  assert.deepEqual(
    denials.map(({ method, path, user }) => `${user} ${method} ${path}`),
    attempts.map(([method, path]) => `only-query ${method} ${path}`),
  );
  // Repeats of one kind become one line with a number.
  assert.ok(audited.some(({ user }) => user === 'only-query'));
  assert.equal(backend.calls.propose, 0);
});

test('AZ-04 what a reload takes away is gone at the next request of an open connection', async (context) => {
  const { send, auth, writeAuthFile } = await openTestFront(context);
  const sent = { user: 'reader-writer', body: '["SELECT 1"]' };
  assert.equal((await send('POST', '/db/request', sent)).status, 200);
  writeAuthFile(
    JSON.stringify(
      testUsers.map((user) =>
        user.username === 'reader-writer' ? { ...user, perms: ['query'] } : user,
      ),
    ),
  );
  auth.reload();
  const answer = await send('POST', '/db/request', sent);
  assert.equal(answer.status, 403);
  assert.deepEqual(Object.keys(jsonOf(answer) as object), [
    'error',
    'code',
    'requestId',
    'applied',
  ]);
});

test('AZ-06 anonymous requests get what the user * was given, and no more', async (context) => {
  const users = [...testUsers, { username: '*', perms: ['query'] }];
  const { send } = await openTestFront(context, {
    authFile: JSON.stringify(users),
    anonymousPermissions: ['query'],
  });
  assert.equal((await send('GET', '/db/query?q=SELECT+1')).status, 200);
  assert.equal((await send('POST', '/db/execute', { body: '["SELECT 1"]' })).status, 401);
  assert.equal((await send('GET', '/whoami')).status, 401);
  const wrong = { user: 'admin', password: 'wrong' };
  assert.equal((await send('GET', '/db/query?q=SELECT+1', wrong)).status, 401);
});

test('AUD-01 whoever is turned away is reported with name, address, route and reason', async (context) => {
  const { send, denials } = await openTestFront(context);
  await send('POST', '/db/execute', { user: 'only-query', body: '["SELECT 1"]' });
  await send('GET', '/status?key=x', { user: 'nobody' });
  await send('GET', '/status');
  const seen = denials.map(({ method, path, user, code, address }) =>
    [method, path, user, code, address].join(' '),
  );
  assert.deepEqual(seen, [
    'POST /db/execute only-query permission_denied 127.0.0.1',
    'GET /status nobody unauthenticated 127.0.0.1',
    'GET /status  unauthenticated 127.0.0.1',
  ]);
});

test('BF-01 a guesser is told to wait, and for how long', async (context) => {
  const { send } = await openTestFront(context);
  for (let count = 0; count < 5; count++) {
    await send('GET', '/whoami', { user: 'admin', password: `wrong ${count}` });
  }
  const answer = await send('GET', '/whoami', { user: 'admin', password: 'wrong again' });
  assert.equal(answer.status, 429);
  assert.equal(answer.headers['retry-after'], '1');
});

test('BF-06 unknown users and wrong passwords are answered alike', async (context) => {
  const { send } = await openTestFront(context);
  const answers = [
    await send('GET', '/whoami', { user: 'admin', password: 'wrong' }),
    await send('GET', '/whoami', { user: 'nobody', password: 'wrong' }),
    await send('GET', '/whoami'),
  ];
  const shapes = answers.map(({ status, headers, text }) => {
    const { date: _date, 'x-request-id': _id, ...others } = headers;
    return { status, others, text: text.replace(/"requestId":"[^"]*"/, '') };
  });
  assert.deepEqual(shapes[1], shapes[0]);
  assert.deepEqual(shapes[2], shapes[0]);
});
