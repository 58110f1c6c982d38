// What of requests is in the audit log, and what happens while it cannot be written.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTestFront, testUsers } from '../http/test-front.ts';

test('AUD-01 denials, logins and administration have a line each, with request, user and address', async (context) => {
  const { send, audited } = await openTestFront(context);
  const denied = await send('POST', '/db/execute', { user: 'only-query', body: '["SELECT 1"]' });
  await send('GET', '/status');
  await send('POST', '/leader', { user: 'admin' });
  await send('POST', '/leader', { user: 'admin', body: '{"bad":1}' });
  const shown = audited.map(
    ({ event, user = '-', action = '-', by = '-', code = '-', status = 0 }) =>
      [event, user, by, action, code, status].join(' '),
  );
  assert.deepEqual(shown, [
    'denied only-query - POST /db/execute permission_denied 0',
    'denied - - GET /status unauthenticated 0',
    'login admin password - - 0',
    'administration admin password POST /leader - 0',
    'administered admin - POST /leader - 200',
    'administration admin password POST /leader - 0',
    'administered admin - POST /leader bad_request 400',
  ]);
  assert.equal(audited[0]?.requestId, denied.headers['x-request-id']);
  assert.equal(audited[0]?.address, '127.0.0.1');
});

test('AUD-01 backups and loads have lines too: done, failed and denied', async (context) => {
  const { send, audited } = await openTestFront(context);
  await send('GET', '/db/backup?fmt=sql', { user: 'only-backup' });
  await send('GET', '/db/backup', { user: 'only-load' });
  await send('POST', '/db/load', { user: 'only-load', body: 'CREATE TABLE t(a)' });
  await send('POST', '/db/load', { user: 'only-execute', body: 'CREATE TABLE u(a)' });
  await send('POST', '/boot', { user: 'only-load', body: 'no database' });
  const shown = audited
    .filter(({ event }) => event !== 'login')
    .map(({ event, user, action, code = '-', status = 0 }) =>
      [event, user, action, code, status].join(' '),
    );
  assert.deepEqual(shown, [
    'administration only-backup GET /db/backup - 0',
    'administered only-backup GET /db/backup - 200',
    'denied only-load GET /db/backup permission_denied 0',
    'administration only-load POST /db/load - 0',
    'administered only-load POST /db/load - 200',
    'denied only-execute POST /db/load permission_denied 0',
    'administration only-load POST /boot - 0',
    'administered only-load POST /boot bad_request 400',
  ]);
});

test('AUD-01 data itself has no lines: it is in the Raft log with user and request', async (context) => {
  const { send, audited } = await openTestFront(context);
  const user = 'reader-writer';
  await send('POST', '/db/execute', { user, body: '["CREATE TABLE t (a)"]' });
  await send('POST', '/db/query', { user, body: '["SELECT * FROM t"]' });
  await send('GET', '/db/query?q=SELECT+1', { user });
  assert.deepEqual(
    audited.map(({ event }) => event),
    ['login'],
  );
});

test('AUD-05 under `refuse` nothing is administered that cannot be kept; reads and data go on', async (context) => {
  let fails = true;
  const { send, backend } = await openTestFront(context, { auditFails: () => fails });
  const leader = await send('POST', '/leader', { user: 'admin' });
  assert.equal(leader.status, 503);
  assert.match(leader.text, /"code":"audit_failed".*"applied":"no"/);
  assert.equal(backend.stepDowns.length, 0, 'nothing was done');
  assert.equal((await send('GET', '/status', { user: 'admin' })).status, 200);
  const write = { user: 'admin', body: '["CREATE TABLE t (a)"]' };
  assert.equal((await send('POST', '/db/execute', write)).status, 200);
  // Whoever comes new changes nothing while nobody could say that it was there.
  const fresh = { user: 'reader-writer', body: '["INSERT INTO t VALUES (1)"]' };
  assert.equal((await send('POST', '/db/execute', fresh)).status, 503);
  fails = false;
  assert.equal((await send('POST', '/leader', { user: 'admin' })).status, 200);
  assert.equal(backend.stepDowns.length, 1);
});

test('AUD-05 under `alarm` everything goes on', async (context) => {
  const { send, backend } = await openTestFront(context, {
    front: { audit: { refuse: false, record: (_event, done) => setImmediate(done, false) } },
  });
  assert.equal((await send('POST', '/leader', { user: 'admin' })).status, 200);
  assert.equal(backend.stepDowns.length, 1);
});

test('AUD-02 a flood of denials is a line and a number, whatever names and paths it tries', async (context) => {
  const { send, audited, front } = await openTestFront(context);
  for (let count = 0; count < 60; count++) {
    await send('GET', `/status?${count}`, { user: `guess-${count}`, password: '' });
    await send('GET', '/nodes');
  }
  const before = audited.length;
  // Each name is another one; without any it is always the same.
  assert.equal(audited.filter(({ user }) => user === undefined).length, 1);
  await front.close(0);
  const counted = audited.slice(before).find(({ user }) => user === undefined);
  assert.equal(counted?.repeated, 59);
});

test('AUD-03 what the rules of a user forbid is in the audit log too', async (context) => {
  const [admin] = testUsers;
  const clerk = { ...admin, username: 'clerk', perms: ['query'], tables: { read: ['orders'] } };
  const { send, audited } = await openTestFront(context, {
    authFile: JSON.stringify([admin, clerk]),
  });
  const body = '["SELECT sql FROM sqlite_schema"]';
  assert.equal((await send('POST', '/db/query', { user: 'clerk', body })).status, 403);
  assert.deepEqual(
    audited.map(({ event, user, code }) => [event, user, code]),
    [
      ['login', 'clerk', undefined],
      ['denied', 'clerk', 'permission_denied'],
    ],
  );
});

test('LEAK-06 no line holds a password, a token, a statement or a parameter', async (context) => {
  const { send, audited } = await openTestFront(context);
  const body = '[["INSERT INTO secretive VALUES (?)", "the parameter"]]';
  await send('POST', '/db/execute', { user: 'admin', body });
  await send('POST', '/db/execute', { user: 'only-query', body });
  await send('GET', '/db/query?q=SELECT+secretive', { user: 'nothing' });
  await send('GET', '/status', { user: 'admin', password: 'a wrong password' });
  await send('GET', '/status', { headers: { Authorization: 'Bearer stk_not_a_token' } });
  const text = JSON.stringify(audited);
  assert.doesNotMatch(text, /password of the tests|a wrong password|secretive|the parameter|stk_/);
});
