// Pages of allowed origins, and rqlite's status codes by setting.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTestFront } from './test-front.ts';

const page = 'https://app.example.com';

test('CORS-05 pages of an allowed origin may ask and write, exactly that origin and without cookies', async (context) => {
  const { send } = await openTestFront(context, { front: { allowOrigins: [page] } });
  const preflight = await send('OPTIONS', '/db/execute', { headers: { Origin: page } });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers['access-control-allow-origin'], page);
  assert.equal(preflight.headers['access-control-allow-methods'], 'POST');
  assert.equal(
    preflight.headers['access-control-allow-headers'],
    'Authorization, Content-Type, Idempotency-Key',
  );
  const write = await send('POST', '/db/execute', {
    user: 'admin',
    headers: { Origin: page, 'Sec-Fetch-Site': 'cross-site' },
    body: '["SELECT 1"]',
  });
  assert.equal(write.status, 200);
  assert.equal(write.headers['access-control-allow-origin'], page);
  assert.equal(write.headers.vary, 'Origin');
  assert.equal(write.headers['access-control-allow-credentials'], undefined);
  const denied = await send('GET', '/whoami', { headers: { Origin: page } });
  assert.equal(denied.headers['access-control-allow-origin'], page);
});

test('CORS-06 an origin that only resembles an allowed one gets nothing', async (context) => {
  const { send } = await openTestFront(context, { front: { allowOrigins: [page] } });
  for (const origin of [
    `${page}.evil.example`,
    'http://app.example.com',
    `${page}:8443`,
    'https://APP.example.com',
    'null',
  ]) {
    const preflight = await send('OPTIONS', '/db/execute', { headers: { Origin: origin } });
    assert.equal(preflight.status, 405, origin);
    const write = await send('POST', '/db/execute', {
      user: 'admin',
      headers: { Origin: origin },
      body: '["SELECT 1"]',
    });
    assert.equal(write.status, 403, origin);
    assert.equal(write.headers['access-control-allow-origin'], undefined, origin);
  }
  const unknown = await send('OPTIONS', '/nowhere', { headers: { Origin: page } });
  assert.equal(unknown.status, 404);
});

test('with rqlite’s status codes everything that is turned away for who sent it is 401', async (context) => {
  const { send } = await openTestFront(context, { front: { alwaysUnauthorized: true } });
  const denied = await send('GET', '/status', { user: 'only-query' });
  assert.equal(denied.status, 401);
  assert.match(denied.text, /"code":"permission_denied"/);
  for (let count = 0; count < 5; count++) {
    await send('GET', '/status', { user: 'admin', password: `wrong ${count}` });
  }
  const waiting = await send('GET', '/status', { user: 'admin', password: 'wrong' });
  assert.equal(waiting.status, 401);
  assert.match(waiting.text, /"code":"too_many_attempts"/);
});
