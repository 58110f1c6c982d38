// What a reload of the auth file takes away is gone at once, also on connections that are open and
// for answers that are on their way; and a reload is taken as a whole or not at all.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { newToken } from '#auth/bearer-token.ts';
import { hashPassword } from '#auth/password.ts';
import { cryptoRandom } from '#io/random.ts';
import {
  basic,
  jsonOf,
  openTestFront,
  type TestFront,
  testPassword,
  testUsers,
} from '../http/test-front.ts';

const [admin = assert.fail()] = testUsers;
const { password } = admin;
const expires = '2999-01-01T00:00:00Z';
const [one, two] = [newToken(cryptoRandom), newToken(cryptoRandom)];
const listed = ({ id, digest }: typeof one) => ({ id, sha256: digest, expires });
const bot = {
  username: 'bot',
  password: null,
  perms: ['query'],
  tokens: [listed(one), listed(two)],
};
const ada = { username: 'ada', password, perms: ['query'] };
const fileOf = (...users: readonly object[]): string => JSON.stringify([admin, ...users]);

/** A connection that has been answered once and stays open. */
const connected = async (
  context: TestContext,
  { port, certificate }: TestFront,
  authorization: string,
): Promise<{ readonly socket: TLSSocket; readonly closed: Promise<void> }> => {
  const socket = connect({ host: '127.0.0.1', port, ca: certificate.ca, servername: 'localhost' });
  context.after(() => socket.destroy());
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => {});
  const answered = new Promise<string>((resolve) =>
    socket.once('data', (data) => resolve(String(data))),
  );
  socket.write(
    `GET /whoami HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n\r\n`,
  );
  assert.match(await answered, /^HTTP\/1\.1 200/);
  return { socket, closed };
};

const cutBy = async (front: TestFront, text: string): Promise<number> => {
  front.writeAuthFile(text);
  const answer = await front.send('POST', '/auth/reload', { user: 'admin' });
  assert.equal(answer.status, 200, answer.text);
  const { connections_cut: cut } = jsonOf(answer) as { connections_cut: number };
  return cut;
};

test('AZ-04 a removed user loses its open connections at once', async (context) => {
  const front = await openTestFront(context, { authFile: fileOf(ada, bot) });
  const { closed } = await connected(context, front, basic('ada', testPassword));
  assert.equal(await cutBy(front, fileOf(bot)), 1);
  await closed;
});

test('AZ-04 a new password ends the connections that the old one opened', async (context) => {
  const front = await openTestFront(context, { authFile: fileOf(ada, bot) });
  const { closed } = await connected(context, front, basic('ada', testPassword));
  const other = { ...ada, password: hashPassword('another password', 10) };
  assert.equal(await cutBy(front, fileOf(other, bot)), 1);
  await closed;
});

test('one token is taken away: its connection ends, that of the other token goes on', async (context) => {
  const front = await openTestFront(context, { authFile: fileOf(ada, bot) });
  const gone = await connected(context, front, `Bearer ${one.token}`);
  const stays = await connected(context, front, `Bearer ${two.token}`);
  assert.equal(await cutBy(front, fileOf(ada, { ...bot, tokens: [listed(two)] })), 1);
  await gone.closed;
  assert.equal(stays.socket.destroyed, false);
  const headers = { Authorization: `Bearer ${one.token}` };
  assert.equal((await front.send('GET', '/whoami', { headers })).status, 401);
  const still = { Authorization: `Bearer ${two.token}` };
  assert.equal((await front.send('GET', '/whoami', { headers: still })).status, 200);
});

test('a change of permissions or an added token ends nobody’s connection', async (context) => {
  const front = await openTestFront(context, { authFile: fileOf(ada) });
  const { socket } = await connected(context, front, basic('ada', testPassword));
  assert.equal(await cutBy(front, fileOf({ ...ada, perms: [], tokens: [listed(one)] })), 0);
  assert.equal(socket.destroyed, false);
});

test('AUTH-10 POST /auth/reload of a file that is refused changes nothing and says the line', async (context) => {
  const front = await openTestFront(context, { authFile: fileOf(ada) });
  const { socket } = await connected(context, front, basic('ada', testPassword));
  for (const text of ['[]', '[{"username": "eve"}]', fileOf(ada).slice(0, -5), fileOf(ada, ada)]) {
    front.writeAuthFile(text);
    const answer = await front.send('POST', '/auth/reload', { user: 'admin' });
    assert.equal(answer.status, 422, text);
    assert.match(answer.text, /"error":"line \d+: .*"code":"auth_file_invalid".*"applied":"no"/);
  }
  assert.equal(socket.destroyed, false);
  assert.equal((await front.send('GET', '/whoami', { user: 'ada' })).status, 200);
});

test('a token that expires while its connection is open proves nothing from then on', async (context) => {
  const soon = { ...listed(one), expires: new Date(Date.now() + 1500).toISOString() };
  const authFile = fileOf({ ...bot, tokens: [soon] });
  const { send } = await openTestFront(context, { authFile });
  const headers = { Authorization: `Bearer ${one.token}` };
  assert.equal((await send('GET', '/whoami', { headers })).status, 200);
  const until = Date.parse(soon.expires);
  let last = 200;
  while (last === 200) {
    const before = Date.now();
    last = (await send('GET', '/whoami', { headers })).status;
    if (last === 200) assert.ok(before < until, 'it was answered after its end');
  }
  assert.equal(last, 401);
});
