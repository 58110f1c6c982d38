// Client certificates as identity: real certificates of the client CA over real TLS.
import assert from 'node:assert/strict';
import { Agent, get } from 'node:https';
import { type TestContext, test } from 'node:test';
import { createAuthority } from '#certs-tool/authority.ts';
import { issueUser } from '#certs-tool/issue.ts';
import { userNameFrom } from '#identity/user-name.ts';
import { identifyUser } from '#tls/user-identity.ts';
import {
  openTestFront,
  type TestFront,
  testAuthority,
  testCertificate,
  testCluster,
} from './test-front.ts';

interface Identity {
  readonly cert: string;
  readonly key: string;
}

const identityOf = (name: string, authority = testAuthority): Identity => {
  const { certificate, key } = issueUser({
    authority,
    cluster: testCluster,
    name: userNameFrom(name),
  });
  return { cert: certificate, key };
};

const opened = (
  context: TestContext,
  wallMs = () => Date.now(),
  denied = (): boolean => false,
): Promise<TestFront> => {
  const { cert, key, ca } = testCertificate();
  return openTestFront(context, {
    front: {
      tls: { cert, key, ca, minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: false },
      certificates: { identify: (socket) => identifyUser(socket, testCluster), wallMs, denied },
    },
  });
};

test('a certificate names a user, who has the permissions of the auth file', async (context) => {
  const { send } = await opened(context);
  const identity = identityOf('only-query');
  const who = await send('GET', '/whoami', { identity });
  assert.equal(who.text, '{"user":"only-query","permissions":["query"]}');
  assert.equal((await send('GET', '/db/query?q=SELECT+1', { identity })).status, 200);
  const write = await send('POST', '/db/execute', { identity, body: '["SELECT 1"]' });
  assert.equal(write.status, 403);
});

test('a certificate whose user the auth file does not list opens nothing', async (context) => {
  const { send, denials } = await opened(context);
  assert.equal((await send('GET', '/whoami', { identity: identityOf('stranger') })).status, 401);
  assert.deepEqual(
    denials.map(({ user }) => user),
    ['stranger'],
  );
});

test('a certificate of another CA is refused, also beside a right password', async (context) => {
  const { send } = await opened(context);
  const foreign = createAuthority({ kind: 'client', cluster: testCluster });
  const identity = identityOf('admin', foreign);
  assert.equal((await send('GET', '/whoami', { identity })).status, 401);
  assert.equal((await send('GET', '/whoami', { identity, user: 'admin' })).status, 401);
});

test('without a certificate a password does, and with both the password says who it is', async (context) => {
  const { send } = await opened(context);
  assert.equal((await send('GET', '/whoami', { user: 'admin' })).status, 200);
  const both = await send('GET', '/whoami', { user: 'nothing', identity: identityOf('admin') });
  assert.match(both.text, /"user":"nothing"/);
  const wrong = { user: 'admin', password: 'wrong', identity: identityOf('admin') };
  assert.equal((await send('GET', '/whoami', wrong)).status, 401);
});

test('REV-01 a certificate that ends while its connection is open names nobody from then on', async (context) => {
  let wallMs = Date.now();
  const { send } = await opened(context, () => wallMs);
  const identity = identityOf('admin');
  assert.equal((await send('GET', '/whoami', { identity })).status, 200);
  wallMs += 10 * 365 * 86_400_000;
  assert.equal((await send('GET', '/whoami', { identity })).status, 401);
});

test('where the front is not told to read certificates they say nothing', async (context) => {
  const { send } = await openTestFront(context);
  assert.equal((await send('GET', '/whoami', { identity: identityOf('admin') })).status, 401);
});

test('REV-01 REV-02 a denied certificate names nobody, also beside a password, and its open connection is cut', async (context) => {
  let denied = false;
  const { front, port, certificate } = await opened(context, undefined, () => denied);
  const identity = identityOf('admin');
  const agent = new Agent({ ca: certificate.ca, ...identity, keepAlive: true });
  context.after(() => agent.destroy());
  const ask = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const asked = get(
        { agent, host: '127.0.0.1', servername: 'localhost', port, path: '/whoami' },
        (answer) => answer.resume().on('end', () => resolve(answer.statusCode ?? 0)),
      );
      asked.on('error', reject);
    });
  assert.equal(await ask(), 200);
  front.sweepCertificates();
  assert.equal(await ask(), 200, 'a sweep without a reason cuts nothing');
  const [idle] = Object.values(agent.freeSockets).flat();
  assert.ok(idle !== undefined);
  denied = true;
  const cut = new Promise((resolve) => idle.once('close', resolve));
  front.sweepCertificates();
  await cut;
  assert.equal(await ask(), 401);
  // The connection that was cut and the request that was refused.
  const refused = front
    .samples()
    .filter(({ name }) => name === 'stockade_connections_refused_total');
  assert.deepEqual(
    refused.map(({ labels, value }) => [labels['port'], labels['reason'], value]),
    [['api', 'certificate', 2]],
  );
});
