// Authentication as a whole: real bcrypt in the real thread, real reloads.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Auth, type AuthDecision, openAuth } from '#auth/open-auth.ts';
import { hashPassword } from '#auth/password.ts';
import { CodedError } from '#errors.ts';

const password = 'correct horse';
const hash = hashPassword(password, 10);

interface Opened {
  readonly auth: Auth;
  /** Replaces the file's text. */
  readonly write: (text: string) => void;
  /** Moves the clock. */
  readonly advance: (ms: number) => void;
}

const fileOf = (...users: readonly object[]): string => JSON.stringify(users);
const root = { username: 'root', password: hash, perms: ['all'] };
const ada = { username: 'ada', password: hash, perms: ['query'] };

const opened = async (context: TestContext, first = fileOf(root, ada)): Promise<Opened> => {
  let text = first;
  let nowMs = 0;
  const auth = openAuth({
    readText: () => text,
    plaintextPasswords: true,
    anonymousPermissions: ['ready'],
    wallMs: () => Date.now(),
    nowMs: () => nowMs,
    processKey: 'a key',
  });
  context.after(() => auth.close());
  return {
    auth,
    write: (next) => {
      text = next;
    },
    advance: (ms) => {
      nowMs += ms;
    },
  };
};

const basic = (user: string, secret: string): string =>
  `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;

const prove = (auth: Auth, header: string, address = '192.0.2.1'): Promise<AuthDecision> =>
  new Promise((resolve) => auth.prove(header, address, resolve));

const kindOf = async (auth: Auth, header: string, address?: string): Promise<string> =>
  (await prove(auth, header, address)).kind;

test('a right password proves the user and is remembered until a reload', async (context) => {
  const { auth } = await opened(context);
  const header = basic('ada', password);
  assert.equal(auth.remembered(header, '192.0.2.1'), undefined);
  const decision = await prove(auth, header);
  assert.ok(decision.kind === 'proved' && decision.login.principal.name === 'ada');
  assert.equal(auth.remembered(header, '192.0.2.1')?.principal.may('query'), true);
  assert.equal(auth.remembered(header, '192.0.2.1')?.principal.may('execute'), false);
  auth.reload();
  assert.equal(auth.remembered(header, '192.0.2.1'), undefined);
});

test('a proof is forgotten after a minute unused, and after a quarter of an hour in any case', async (context) => {
  const { auth, advance } = await opened(context);
  const header = basic('ada', password);
  await prove(auth, header);
  for (let minute = 0; minute < 15; minute++) {
    advance(59_000);
    assert.notEqual(auth.remembered(header, '192.0.2.1'), undefined);
  }
  advance(59_000);
  assert.equal(auth.remembered(header, '192.0.2.1'), undefined);
  await prove(auth, header);
  advance(60_001);
  assert.equal(auth.remembered(header, '192.0.2.1'), undefined);
});

test('AUTH-01..09 headers that are not exactly credentials are turned away', async (context) => {
  const { auth } = await opened(context);
  const good = Buffer.from(`ada:${password}`).toString('base64');
  for (const header of [
    '',
    'Basic',
    'Basic ',
    `Bearer ${good}`,
    `Digest ${good}`,
    good,
    'Basic !!!!',
    `Basic ${good.slice(0, -1)}*`,
    `Basic ${good} ${good}`,
    `Basic ${good}, Basic ${good}`,
    `Basic ${Buffer.from('no colon').toString('base64')}`,
    `Basic ${Buffer.from([0x61, 0x3a, 0xff]).toString('base64')}`,
    `Basic ${'A'.repeat(1_000_000)}`,
  ]) {
    assert.equal(await kindOf(auth, header), 'rejected', header.slice(0, 40));
  }
  assert.equal(await kindOf(auth, `bAsIc ${good}`), 'proved');
});

test('AUTH-05 a password of 73 bytes is refused and not cut to 72', async (context) => {
  const long = 'a'.repeat(72);
  const user = { username: 'long', password: hashPassword(long, 10), perms: [] };
  const { auth } = await opened(context, fileOf(root, user));
  assert.equal(await kindOf(auth, basic('long', `${long}X`)), 'rejected');
  assert.equal(await kindOf(auth, basic('long', long)), 'proved');
  assert.throws(
    () => hashPassword(`${long}X`, 10),
    (error) => error instanceof CodedError && error.code === 'usage',
  );
});

test('AUTH-06 an empty password and one with a NUL prove nothing and cannot be made', async (context) => {
  const { auth } = await opened(context);
  assert.equal(await kindOf(auth, basic('ada', '')), 'rejected');
  assert.equal(await kindOf(auth, basic('ada', `${password}\0x`)), 'rejected');
  assert.throws(() => hashPassword('', 10));
  assert.throws(() => hashPassword('a\0b', 10));
});

test('AUTH-07 a password is the same password in either form of Unicode', async (context) => {
  const user = { username: 'uni', password: hashPassword('caf\u00e9', 10), perms: [] };
  const { auth } = await opened(context, fileOf(root, user));
  assert.equal(await kindOf(auth, basic('uni', 'cafe\u0301')), 'proved');
  assert.equal(await kindOf(auth, basic('uni', 'caf\u00e9')), 'proved');
});

test('the user * cannot be logged in as, with any password', async (context) => {
  const { auth } = await opened(context, fileOf(root, { username: '*', perms: ['ready'] }));
  assert.equal(await kindOf(auth, basic('*', 'x')), 'rejected');
  assert.equal(auth.principal('*'), undefined);
  assert.equal(auth.anonymous?.may('ready'), true);
});

test('BF-01 past five failures the same source waits, another address does not', async (context) => {
  const { auth } = await opened(context);
  for (let count = 0; count < 5; count++) {
    assert.equal(await kindOf(auth, basic('ada', `wrong ${count}`)), 'rejected');
  }
  const decision = await prove(auth, basic('ada', password));
  assert.deepEqual(decision, { kind: 'wait', seconds: 1, user: 'ada' });
  assert.equal(await kindOf(auth, basic('ada', password), '192.0.2.2'), 'proved');
});

test('BF-01 a user who was proved is served while others fail in the same name and place', async (context) => {
  const { auth } = await opened(context);
  const header = basic('ada', password);
  await prove(auth, header);
  for (let count = 0; count < 6; count++) await prove(auth, basic('ada', `wrong ${count}`));
  assert.equal(auth.remembered(header, '192.0.2.1')?.principal.name, 'ada');
});

test('one address that floods the hasher is told to wait; another is served after at most one job', async (context) => {
  const { auth } = await opened(context);
  const order: string[] = [];
  const flood = Array.from({ length: 12 }, async (_none, count) => {
    const kind = await kindOf(auth, basic(`user${count}`, 'wrong'));
    order.push(kind);
    return kind;
  });
  const good = kindOf(auth, basic('ada', password), '192.0.2.2').then((kind) => order.push(kind));
  const kinds = await Promise.all(flood);
  await good;
  // One runs, eight wait, the others are turned away at once.
  assert.equal(kinds.filter((kind) => kind === 'wait').length, 3);
  const hashed = order.filter((kind) => kind !== 'wait');
  assert.ok(hashed.indexOf('proved') <= 2, hashed.join());
});

test('many requests with the same new credentials cost one hash', async (context) => {
  const { auth } = await opened(context);
  const header = basic('ada', password);
  const kinds = await Promise.all(Array.from({ length: 100 }, () => kindOf(auth, header)));
  assert.deepEqual(new Set(kinds), new Set(['proved']));
});

test('AUTH-10 a file that is refused leaves the users of the last good one', async (context) => {
  const { auth, write } = await opened(context);
  write('[{"username":"eve"}]');
  assert.throws(() => auth.reload(), /a user has no "perms"/);
  assert.equal(auth.principal('ada')?.name, 'ada');
  assert.equal(auth.principal('eve'), undefined);
  assert.equal(await kindOf(auth, basic('ada', password)), 'proved');
});

test('a reload says which users came, went and changed', async (context) => {
  const { auth, write } = await opened(context, fileOf(root, ada, { ...ada, username: 'same' }));
  write(
    fileOf(
      { ...root, perms: ['all', 'admin'] },
      { ...ada, username: 'same' },
      { ...ada, username: 'bob' },
    ),
  );
  assert.deepEqual(auth.reload(), {
    added: ['bob'],
    removed: ['ada'],
    changed: ['root'],
    revoked: [],
    newPasswords: [],
  });
});

test('a password changed while it is being proved proves nothing', async (context) => {
  const { auth, write } = await opened(context);
  const decision = prove(auth, basic('ada', password));
  write(fileOf(root, { ...ada, password: hashPassword('another', 10) }));
  auth.reload();
  assert.equal((await decision).kind, 'rejected');
  assert.equal(auth.remembered(basic('ada', password), '192.0.2.1'), undefined);
});

test('plain-text passwords work where they are allowed, and only exactly', async (context) => {
  const { auth } = await opened(context, fileOf(root, { ...ada, password: 'plain' }));
  assert.equal(await kindOf(auth, basic('ada', 'plain')), 'proved');
  assert.equal(await kindOf(auth, basic('ada', 'plain ')), 'rejected');
});

test('BF-06 BF-07 an unknown user, and one without a password, take a known user’s time', async (context) => {
  const bot = { username: 'bot', password: null, perms: ['query'] };
  const { auth } = await opened(context, fileOf(root, ada, bot));
  const took = async (user: string, count: number): Promise<number> => {
    // Processor time, not the clock's: what others do on this machine is not in it.
    const started = process.cpuUsage();
    const address = `192.0.2.${count + 10}`;
    assert.equal(await kindOf(auth, basic(user, `wrong ${count}`), address), 'rejected');
    const { user: userTime, system } = process.cpuUsage(started);
    return userTime + system;
  };
  await took('warm-up', 0);
  const known: number[] = [];
  const unknown: number[] = [];
  const without: number[] = [];
  for (let count = 1; count <= 9; count++) {
    known.push(await took('ada', count));
    unknown.push(await took('nobody', count));
    without.push(await took('bot', count));
  }
  // The cheapest of nine; without the stand-in hash the ratio is near zero.
  for (const times of [unknown, without]) {
    const ratio = Math.min(...times) / Math.min(...known);
    assert.ok(ratio > 0.6 && ratio < 1.7, `ratio ${ratio}`);
  }
});
