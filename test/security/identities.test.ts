// Generated: every route times every permission times every kind of identity. What a route answers
// depends on the permissions of whoever is proved, and on nothing else about the proof.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { newToken } from '#auth/bearer-token.ts';
import { type Permission, permissionNames } from '#auth/permission.ts';
import { createAuthority } from '#certs-tool/authority.ts';
import { issueNode, issueUser } from '#certs-tool/issue.ts';
import type { Route } from '#http/route.ts';
import { routes } from '#http/route-table.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { userNameFrom } from '#identity/user-name.ts';
import { cryptoRandom } from '#io/random.ts';
import { identifyUser } from '#tls/user-identity.ts';
import {
  openTestFront,
  type Sent,
  type TestFront,
  testAuthority,
  testCertificate,
  testCluster,
  testUsers,
} from '../http/test-front.ts';

interface Identity {
  readonly kind: string;
  /** What a request of the user with this one permission carries. */
  readonly sent: (permission: Permission) => Sent;
  /** Whether it proves the user. */
  readonly proves: boolean;
}

const hourMs = 3_600_000;
const certificateOf = (user: string, authority = testAuthority): Sent => {
  const name = userNameFrom(user);
  const { certificate, key } = issueUser({ authority, cluster: testCluster, name });
  return { identity: { cert: certificate, key } };
};
/** The front below trusts it too, as a careless operator's would: the kind alone must do. */
const peerAuthority = createAuthority({ kind: 'peer', cluster: testCluster });
const nodeCertificate = (authority = peerAuthority): Sent => {
  const name = nodeNameFrom('n1');
  const hosts = ['127.0.0.1'];
  const { certificate, key } = issueNode({ authority, cluster: testCluster, name, hosts });
  return { identity: { cert: certificate, key } };
};

const nameOf = (permission: Permission): string => `only-${permission}`;
const bearer = (token: string): Sent => ({ headers: { Authorization: `Bearer ${token}` } });

/** A user of each permission, with a token that holds and one that has expired. */
const userOf = (permission: Permission) => {
  const [valid, expired, revoked] = [0, 1, 2].map(() => newToken(cryptoRandom));
  assert.ok(valid !== undefined && expired !== undefined && revoked !== undefined);
  const at = (ms: number): string => new Date(Date.now() + ms).toISOString();
  return {
    permission,
    tokens: { valid: valid.token, expired: expired.token, revoked: revoked.token },
    entry: {
      username: nameOf(permission),
      password: testUsers[0]?.password,
      perms: [permission],
      tokens: [
        { id: valid.id, sha256: valid.digest, expires: at(hourMs) },
        { id: expired.id, sha256: expired.digest, expires: at(-1) },
      ],
    },
  };
};
const made = permissionNames.map(userOf);
const tokensOf = (permission: Permission) =>
  made.find((user) => user.permission === permission)?.tokens ?? assert.fail();

const opened = (context: TestContext, entries: readonly object[]): Promise<TestFront> => {
  const { cert, key, ca: clientCa } = testCertificate();
  const ca = [clientCa, peerAuthority.certificate];
  return openTestFront(context, {
    authFile: JSON.stringify([testUsers[0], ...entries]),
    front: {
      tls: { cert, key, ca, minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: false },
      certificates: {
        identify: (socket) => identifyUser(socket, testCluster),
        wallMs: () => Date.now(),
      },
    },
  });
};

const bodyFor = (route: Route, method: string): Sent =>
  method === 'POST' && route.path.startsWith('/db/') ? { body: '["SELECT 1"]' } : {};

/** Walks the table and says what was not as it must be. */
const faultsOf = async (
  { send, backend }: TestFront,
  permissions: readonly Permission[],
  { kind, sent, proves }: Identity,
): Promise<readonly string[]> => {
  const member = { name: 'n1', apiUrl: '', peerAddress: '', version: '', error: '', seconds: 0 };
  backend.cluster = [{ ...member, voter: true, reachable: true, leader: true }];
  const faults: string[] = [];
  for (const permission of permissions) {
    const who = sent(permission);
    for (const route of routes) {
      for (const method of route.methods) {
        const answer = await send(method, route.path, { ...bodyFor(route, method), ...who });
        const may = route.permissions.every(
          (needed) => needed === permission || (permission === 'all' && needed !== 'heavy'),
        );
        const denied = [401, 403].includes(answer.status) ? answer.status : 0;
        const expected = proves ? (may ? 0 : 403) : 401;
        if (denied !== expected) {
          faults.push(`${kind} with ${permission}: ${method} ${route.path}: ${answer.status}`);
        }
      }
    }
  }
  return faults;
};

test('AZ-01 a password, a token and a certificate open exactly the routes of their user', async (context) => {
  const front = await opened(
    context,
    made.map(({ entry }) => entry),
  );
  for (const identity of [
    {
      kind: 'password',
      proves: true,
      sent: (permission: Permission): Sent => ({ user: nameOf(permission) }),
    },
    {
      kind: 'token',
      proves: true,
      sent: (permission: Permission): Sent => bearer(tokensOf(permission).valid),
    },
    {
      kind: 'certificate',
      proves: true,
      sent: (permission: Permission): Sent => certificateOf(nameOf(permission)),
    },
  ]) {
    assert.deepEqual(await faultsOf(front, permissionNames, identity), []);
  }
});

test('AZ-01 ID-08 an expired or revoked token, a node, a stranger open no route at all', async (context) => {
  const front = await opened(
    context,
    made.map(({ entry }) => entry),
  );
  const foreign = createAuthority({ kind: 'client', cluster: testCluster });
  const strangers = createAuthority({ kind: 'peer', cluster: testCluster });
  const other = newToken(cryptoRandom).token;
  for (const identity of [
    { kind: 'expired token', sent: (name: Permission): Sent => bearer(tokensOf(name).expired) },
    { kind: 'revoked token', sent: (name: Permission): Sent => bearer(tokensOf(name).revoked) },
    {
      kind: 'token with another secret',
      sent: (name: Permission): Sent => bearer(tokensOf(name).valid.slice(0, 21) + other.slice(21)),
    },
    { kind: 'empty token', sent: (): Sent => ({ headers: { Authorization: 'Bearer ' } }) },
    {
      kind: 'password as token',
      sent: (name: Permission): Sent => bearer(`${nameOf(name)}:password`),
    },
    { kind: 'unknown certificate user', sent: (): Sent => certificateOf('stranger') },
  ]) {
    assert.deepEqual(await faultsOf(front, permissionNames, { ...identity, proves: false }), []);
  }
  for (const [kind, who] of [
    ['node certificate of a trusted CA', nodeCertificate()],
    ['node certificate of another peer CA', nodeCertificate(strangers)],
    ['certificate of a foreign CA', certificateOf('only-all', foreign)],
    ['node certificate beside a right password', { ...nodeCertificate(), user: 'admin' }],
  ] as const) {
    const identity = { kind, sent: () => who, proves: false };
    assert.deepEqual(await faultsOf(front, ['all'], identity), []);
  }
});

test('AZ-01 whatever proves a user proves nobody from an address that is not allowed', async (context) => {
  const elsewhere = made.map(({ entry }) => ({ ...entry, allow_from: ['192.0.2.0/24', '::1'] }));
  const front = await opened(context, elsewhere);
  for (const [kind, who] of [
    ['token', bearer(tokensOf('all').valid)],
    ['certificate', certificateOf('only-all')],
  ] as const) {
    const identity = { kind: `${kind} from elsewhere`, sent: () => who, proves: false };
    assert.deepEqual(await faultsOf(front, ['all'], identity), []);
  }
  // A password counts as wrong: five are free.
  for (const path of ['/status', '/db/query?q=SELECT+1', '/whoami']) {
    assert.equal((await front.send('GET', path, { user: 'only-all' })).status, 401, path);
  }
  assert.equal((await front.send('GET', '/status', { user: 'admin' })).status, 200);
});

/** What a stranger gets: whether the node is ready, and where a console would be. */
const strangersGet: Readonly<Record<string, number>> = {
  '/readyz': 200,
  '/': 302,
  '/console': 301,
};

test('AZ-01 no credentials open /readyz only, and there only whether; two paths lead to the console, which stays shut', async (context) => {
  const front = await opened(context, []);
  for (const route of routes) {
    for (const method of route.methods) {
      const answer = await front.send(method, route.path, bodyFor(route, method));
      assert.equal(answer.status, strangersGet[route.path] ?? 401, route.path);
      if (answer.status > 300 && answer.status < 400)
        assert.match(answer.text, /^(<a href="\/console\/">[A-Za-z ]+<\/a>\.\n\n)?$/);
    }
  }
});

test('AUTH-09 a token and Basic credentials at once, or two of one kind, are no credentials', async (context) => {
  const front = await opened(
    context,
    made.map(({ entry }) => entry),
  );
  const { valid } = tokensOf('all');
  const { Authorization = '' } = bearer(valid).headers ?? {};
  for (const value of [`${Authorization}, ${Authorization}`, `Basic ${valid}`, `bearer${valid}`]) {
    const answer = await front.send('GET', '/whoami', { headers: { Authorization: value } });
    assert.equal(answer.status, 401, value);
  }
  const lower = await front.send('GET', '/whoami', {
    headers: { Authorization: `bearer  ${valid}` },
  });
  assert.equal(lower.status, 200, 'the case of the scheme does not count');
});
