// What binds a user beyond its permissions: a token that opens less than its user may do, and a
// deadline for its reads. Neither is got round by asking another node.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { newToken } from '#auth/bearer-token.ts';
import { cryptoRandom } from '#io/random.ts';
import { type Answer, jsonOf, openTestFront, type TestFront, testUsers } from './test-front.ts';

const expires = '2099-01-01T00:00:00Z';

/** A user with one token, and the header that shows it. */
const withToken = (username: string, perms: readonly string[], own?: readonly string[]) => {
  const { id, token, digest } = newToken(cryptoRandom);
  const listed = { id, sha256: digest, expires, ...(own === undefined ? {} : { perms: own }) };
  const user = { username, password: null, perms, tokens: [listed] };
  return { user, headers: { Authorization: `Bearer ${token}` } };
};

const codeOf = ({ text }: Answer): unknown => (JSON.parse(text) as { code?: unknown }).code;

/** A follower and its leader, with the same users. */
const pair = async (
  context: TestContext,
  users: readonly object[],
): Promise<{ readonly follower: TestFront; readonly leading: TestFront }> => {
  const authFile = JSON.stringify([...testUsers, ...users]);
  const follower = await openTestFront(context, { authFile });
  const leading = await openTestFront(context, { authFile });
  const leader = { name: 'n2', apiUrl: 'https://127.0.0.1:4003', peerAddress: '127.0.0.1:4004' };
  follower.backend.assumed = { role: 'follower', leader };
  follower.backend.leaderFront = (bytes, done) => leading.front.serveForwarded(bytes, done);
  return { follower, leading };
};

test('AZ-04 a token opens what both it and its user hold, and nothing that only one of them holds', async (context) => {
  const narrow = withToken('app', ['query', 'execute', 'status'], ['query', 'admin']);
  const whole = withToken('whole', ['all'], ['status', 'all']);
  const part = withToken('part', ['all'], ['status']);
  const users = [...testUsers, narrow.user, whole.user, part.user];
  const { send } = await openTestFront(context, { authFile: JSON.stringify(users) });
  const { headers } = narrow;
  assert.equal((await send('GET', '/db/query?q=SELECT+1', { headers })).status, 200);
  const body = '["CREATE TABLE t(a)"]';
  assert.equal(codeOf(await send('POST', '/db/execute', { headers, body })), 'permission_denied');
  assert.equal(codeOf(await send('GET', '/status', { headers })), 'permission_denied');
  assert.equal(codeOf(await send('POST', '/auth/reload', { headers })), 'permission_denied');
  const shown = jsonOf(await send('GET', '/whoami', { headers }));
  assert.deepEqual(shown, { user: 'app', permissions: ['query'] });
  assert.equal((await send('GET', '/metrics', { headers: whole.headers })).status, 200);
  assert.equal((await send('GET', '/status', { headers: part.headers })).status, 200);
  assert.equal(
    codeOf(await send('GET', '/metrics', { headers: part.headers })),
    'permission_denied',
  );
});

test('AZ-05 a token without heavy writes nothing without a bound, not through a follower either', async (context) => {
  const light = withToken('light', ['query', 'execute', 'heavy'], ['query', 'execute']);
  const heavy = withToken('heavy', ['query', 'execute', 'heavy']);
  const { follower, leading } = await pair(context, [light.user, heavy.user]);
  await leading.send('POST', '/db/execute', { user: 'admin', body: '["CREATE TABLE t(a)"]' });
  const endless =
    'INSERT INTO t WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c LIMIT 3) SELECT x FROM c';
  const body = JSON.stringify([endless]);
  for (const front of [leading, follower]) {
    const refused = await front.send('POST', '/db/execute', { headers: light.headers, body });
    assert.equal(codeOf(refused), 'statement_too_expensive', refused.text);
    const done = await front.send('POST', '/db/execute', { headers: heavy.headers, body });
    assert.match(done.text, /"rows_affected":3/);
  }
});

test('LIM-01 the reads of a user with a deadline run no longer, whatever they ask for, at any node', async (context) => {
  const [tight] = testUsers.filter(({ username }) => username === 'only-query');
  const user = 'tight';
  const { follower, leading } = await pair(context, [
    { ...tight, username: user, statement_deadline_ms: 200 },
  ]);
  const deadlines: number[] = [];
  for (const { backend } of [follower, leading]) {
    const { read } = backend;
    backend.read = (request, done) => {
      deadlines.push(request.deadlineMs);
      read(request, done);
    };
  }
  await leading.send('GET', '/db/query?q=SELECT+1', { user });
  await leading.send('GET', '/db/query?q=SELECT+1&db_timeout=10s', { user });
  await leading.send('GET', '/db/query?q=SELECT+1&db_timeout=50ms', { user });
  await follower.send('GET', '/db/query?q=SELECT+1', { user });
  await follower.send('GET', '/db/query?level=none&q=SELECT+1', { user });
  await leading.send('GET', '/db/query?q=SELECT+1', { user: 'only-query' });
  assert.deepEqual(deadlines, [200, 200, 50, 200, 200, 30_000]);
  leading.writeAuthFile(JSON.stringify(testUsers.concat({ ...tight, username: user } as never)));
  leading.auth.reload();
  await leading.send('GET', '/db/query?q=SELECT+1', { user });
  assert.equal(deadlines.at(-1), 30_000);
});
