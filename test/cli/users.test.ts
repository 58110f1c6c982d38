// `stockade user`: what operators type, what becomes of the auth file, and what is refused before
// anything is written. The real program, real files.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compareSync } from 'bcryptjs';
import { authFileFrom } from '#auth/auth-file.ts';
import { hashPassword } from '#auth/password.ts';
import { commandInputFrom } from '#cli/arguments.ts';
import { exitCodeOf } from '#cli/exit-code.ts';
import { findCommand } from '#cli/find-command.ts';
import { userEditCommands } from '#cli/users/edit-commands.ts';
import { userImportCommand } from '#cli/users/import-command.ts';
import { userListCommands } from '#cli/users/list-commands.ts';
import { userTokenCommands } from '#cli/users/token-commands.ts';
import { CodedError } from '#errors.ts';

const userCommands = [
  ...userEditCommands,
  ...userListCommands,
  userImportCommand,
  ...userTokenCommands,
];
const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const good = 'a password long enough';
const root = { username: 'root', password: hashPassword(good, 10), perms: ['all'] };

interface RawUser {
  readonly username: string;
  readonly password: string;
  readonly perms: readonly string[];
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in this process, which is many times faster than one of its own. */
const run = async (words: readonly string[]): Promise<Ended> => {
  const written = { stdout: '', stderr: '' };
  const mocks = (['stdout', 'stderr'] as const).map((stream) =>
    mock.method(process[stream], 'write', (text: string | Uint8Array) => {
      written[stream] += String(text);
      return true;
    }),
  );
  try {
    const found = findCommand(userCommands, words);
    assert.ok(found.kind === 'command');
    const code = await found.command.run(commandInputFrom(found.command, found.rest));
    return { code, ...written };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return {
      code: exitCodeOf(error.code),
      ...written,
      stderr: `${error.message} ${error.details.hint}`,
    };
  } finally {
    for (const { mock: mocked } of mocks) mocked.restore();
  }
};

const opened = (context: TestContext, users: readonly object[] = [root]) => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-users-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'auth.json');
  writeFileSync(file, JSON.stringify(users), { mode: 0o600 });
  const secret = join(folder, 'secret');
  /** `secret` stands in the file that `--password-file SECRET` names. */
  const user = (words: string, password = ''): Promise<Ended> => {
    writeFileSync(secret, password, { mode: 0o600 });
    const named = words.split(' ').map((word) => (word === 'SECRET' ? secret : word));
    return run(['user', ...named, '--file', file]);
  };
  const text = (): string => readFileSync(file, 'utf8');
  const userOf = (name: string): RawUser =>
    (JSON.parse(text()) as RawUser[]).find(({ username }) => username === name) ??
    assert.fail(`no ${name} in ${text()}`);
  return { folder, file, user, text, userOf };
};

/** A process of its own, for what only that shows. */
const spawned = (words: readonly string[], input = ''): Ended => {
  const options = { input, encoding: 'utf8', timeout: 60_000 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], options);
  return { code: status ?? -1, stdout, stderr };
};

const strict = { plaintextPasswords: false, anonymousPermissions: ['ready'] as const };

test('a user is added with a hash of the password from standard input, in a file for the owner only', async (context) => {
  const { file, user, text, userOf } = opened(context);
  const added = await user('add app --perms query,execute --password-file SECRET', `${good}\n`);
  assert.equal(added.code, 0, added.stderr);
  const { password, perms } = userOf('app');
  assert.match(password, /^\$2b\$12\$/);
  assert.ok(compareSync(good, password));
  assert.deepEqual(perms, ['query', 'execute']);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(authFileFrom(text(), strict).size, 2);
  assert.equal(added.stdout + added.stderr, `app is added to ${file}\n`);
});

test('passwords that are too weak are refused and nothing is written', async (context) => {
  const { user, text } = opened(context);
  const before = text();
  for (const [password, reason] of [
    ['', /it is empty/],
    ['short', /less than 15 characters/],
    ['aaaaaaaaaaaaaaaaaaaa', /guessers try first/],
    ['passwordpassword', /guessers try first/],
    ['this is for app to use', /holds the name of the user/],
    [`${'x'.repeat(36)}${'y'.repeat(37)}`, /more than 72 bytes/],
  ] as const) {
    const { code, stderr } = await user('add app --password-file SECRET', password);
    assert.equal(code, 2, password);
    assert.match(stderr, reason, password);
  }
  assert.equal(text(), before);
  const short = await user('add other --allow-short --password-file SECRET', 'kW8#pq2m');
  assert.equal(short.code, 0, short.stderr);
});

test('a password is never taken from the command line, and asked for only on a terminal', (context) => {
  const { file, text, userOf } = opened(context);
  const before = text();
  const argv = spawned(['user', 'add', 'app', '--password', 'x'.repeat(20), '--file', file]);
  assert.equal(argv.code, 2);
  assert.match(argv.stderr, /no option --password\b/);
  const nowhere = spawned(['user', 'add', 'app', '--file', file]);
  assert.equal(nowhere.code, 2);
  assert.match(nowhere.stderr, /no terminal to ask/);
  assert.equal(text(), before);
  const piped = spawned(
    ['user', 'add', 'app', '--password-file', '-', '--file', file],
    `${good}\n`,
  );
  assert.equal(piped.code, 0, piped.stderr);
  assert.ok(compareSync(good, userOf('app').password));
});

test('a generated password is printed once and opens the account', async (context) => {
  const { user, userOf } = opened(context);
  const { code, stdout } = await user('add app --generate');
  assert.equal(code, 0);
  assert.match(stdout, /^[A-Za-z0-9_-]{24}\n$/);
  assert.ok(compareSync(stdout.trim(), userOf('app').password));
});

test('a password file that others can read is refused', async (context) => {
  const { folder, user } = opened(context);
  const path = join(folder, 'pass');
  writeFileSync(path, good);
  chmodSync(path, 0o644);
  const { code, stderr } = await user(`add app --password-file ${path}`);
  assert.equal(code, 78);
  assert.match(stderr, /mode 0644/);
});

test('permissions are granted and revoked by name, unknown ones with the nearest', async (context) => {
  const { user, userOf } = opened(context);
  assert.equal((await user('add app --no-password')).code, 0);
  assert.equal((await user('grant app query execute')).code, 0);
  assert.deepEqual(userOf('app').perms, ['query', 'execute']);
  assert.equal((await user('grant app query')).code, 0);
  assert.deepEqual(userOf('app').perms, ['query', 'execute'], 'not twice');
  assert.equal((await user('revoke app query')).code, 0);
  assert.deepEqual(userOf('app').perms, ['execute']);
  const wrong = await user('grant app qery');
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /Did you mean query\?/);
  assert.match((await user('revoke app backup')).stderr, /does not hold backup/);
  assert.match((await user('grant ap query')).stderr, /Did you mean app\?/);
});

test('the last administrator is neither removed nor stripped: exit code 5, nothing written', async (context) => {
  const { user, text } = opened(context);
  const before = text();
  for (const words of ['remove root', 'revoke root all']) {
    const { code, stderr } = await user(words);
    assert.equal(code, 5, words);
    assert.match(stderr, /nobody would hold "all" or "admin"/);
  }
  assert.equal(text(), before);
  assert.equal((await user('add second --no-password --perms admin')).code, 0);
  assert.equal((await user('remove root')).code, 0);
  assert.doesNotMatch(text(), /root/);
});

test('rules are set, changed and taken back; what a server would refuse is refused here', async (context) => {
  const { user, text } = opened(context);
  assert.equal((await user('add app --no-password --perms query --read orders,customers')).code, 0);
  assert.match(
    (await user('list')).stdout,
    /^app +query +none +0 +anywhere +orders,customers +-$/m,
  );
  assert.equal((await user('rules app --write orders --allow-from 10.0.0.0/8,::1')).code, 0);
  assert.match(
    (await user('list')).stdout,
    /^app +query +none +0 +10\.0\.0\.0\/8,::1 +orders,customers +orders$/m,
  );
  assert.equal((await user('rules app --all-tables --allow-from=')).code, 0);
  assert.match((await user('list')).stdout, /^app +query +none +0 +anywhere +\* +\*$/m);
  assert.equal((await user('rules app --deadline 5s')).code, 0);
  assert.match(text(), /"statement_deadline_ms": 5000/);
  assert.equal((await user('rules app --deadline=')).code, 0);
  assert.doesNotMatch(text(), /statement_deadline_ms/);
  assert.equal((await user('rules app --deadline 2h')).code, 2);
  const before = text();
  assert.match((await user('rules app --allow-from 10.0.0.1/8')).stderr, /bits behind its prefix/);
  assert.match(
    (await user('rules root --read orders')).stderr,
    /cannot bind a user who holds "all"/,
  );
  assert.equal(text(), before);
});

test('a token is shown once, kept as a digest, listed by its id and revoked alone', async (context) => {
  const { user, text } = opened(context);
  assert.equal((await user('add ci --no-password --perms query')).code, 0);
  const [one, two] = [await user('token add ci --ttl 1h --note build'), await user('token add ci')];
  assert.match(one.stdout, /^stk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}\n$/);
  const id = one.stdout.slice(4, 20);
  assert.doesNotMatch(text(), new RegExp(one.stdout.trim().slice(21)), 'only a digest is kept');
  const listed = JSON.parse((await user('token list --json')).stdout) as {
    id: string;
    note: string;
  }[];
  assert.deepEqual(
    listed.map((token) => [token.id, token.note]),
    [
      [id, 'build'],
      [two.stdout.slice(4, 20), ''],
    ],
  );
  assert.equal((await user('token add ci --perms query --note less')).code, 0);
  assert.match((await user('token list')).stdout, /ci +\S+Z +query +less/);
  assert.match((await user('token add ci --perms querry')).stderr, /Did you mean query/);
  assert.equal((await user(`token revoke ${id}`)).code, 0);
  assert.doesNotMatch(text(), new RegExp(id));
  assert.match(text(), new RegExp(two.stdout.slice(4, 20)));
  assert.equal((await user(`token revoke ${id}`)).code, 2);
  for (const ttl of ['0d', '367d', '1y', '30', '1.5h']) {
    assert.match((await user(`token add ci --ttl ${ttl}`)).stderr, /--ttl is/, ttl);
  }
});

test("rqlite's auth file is taken over with its passwords hashed, and a server takes the result", async (context) => {
  const { folder, user, text, userOf } = opened(context);
  const source = join(folder, 'rqlite.json');
  const rqlite = (users: readonly object[]): void =>
    writeFileSync(source, JSON.stringify(users), { mode: 0o600 });
  const bob = { username: 'bob', password: 'secret1', perms: ['all'] };
  const mary = { username: 'mary', password: 'a much longer secret', perms: ['query', 'backup'] };
  rqlite([bob, mary, { username: '*', perms: ['status', 'ready'] }]);
  const done = await user(`import ${source}`);
  assert.equal(done.code, 0, done.stderr);
  assert.ok(compareSync('secret1', userOf('bob').password));
  assert.ok(compareSync('a much longer secret', userOf('mary').password));
  assert.deepEqual(userOf('*').perms, ['ready']);
  assert.equal(authFileFrom(text(), strict).size, 4);
  assert.match(done.stderr, /bob: its password is short/);
  assert.match(done.stderr, /\*: status for everybody is not taken over/);
  assert.doesNotMatch(text(), /secret1/);
  const before = text();
  assert.equal((await user(`import ${source}`)).code, 5, 'users are not replaced unasked');
  for (const [users, reason] of [
    [[bob, { username: 'eve', perms: ['all'] }], /line 1 of rqlite's file: "password" is missing/],
    [[bob, { username: 'eve', password: 'x' }], /"perms" is missing; rqlite would give/],
    [[bob, { ...mary, perms: ['sudo'] }], /unknown permission "sudo"/],
    [[bob, { ...mary, password: '' }], /cannot be taken: it is empty/],
    [[bob, { ...mary, username: 'a b' }], /a user name has/],
  ] as const) {
    rqlite(users);
    const refused = await user(`import ${source} --replace`);
    assert.equal(refused.code, 78, refused.stderr);
    assert.match(refused.stderr, reason);
    assert.equal(text(), before);
  }
});

test("an import makes the file where there is none, if rqlite's has an administrator", async (context) => {
  const { folder, file, user, userOf } = opened(context);
  rmSync(file);
  const source = join(folder, 'rqlite.json');
  const mary = { username: 'mary', password: 'a much longer secret', perms: ['query'] };
  writeFileSync(source, JSON.stringify([mary]), { mode: 0o600 });
  assert.equal((await user(`import ${source}`)).code, 5);
  writeFileSync(source, JSON.stringify([{ ...mary, perms: ['all'] }]), { mode: 0o600 });
  assert.equal((await user(`import ${source}`)).code, 0);
  assert.equal(userOf('mary').perms[0], 'all');
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('check reads the file as a server does and says the line', async (context) => {
  const { file, user } = opened(context);
  const fine = await user('check');
  assert.equal(fine.code, 0, fine.stderr);
  assert.match(fine.stdout, /1 users, a server takes this file/);
  assert.match(fine.stderr, /line 1: root: its hash has a cost below 12/);
  writeFileSync(file, JSON.stringify([{ ...root, password: 'plain text here' }]));
  const wrong = await user('check');
  assert.equal(wrong.code, 78);
  assert.match(wrong.stderr, /line 1: the password is no bcrypt hash/);
});

test('help is there for the group and for each command; a mistyped command has its nearest', () => {
  assert.match(spawned(['user', '--help']).stdout, /user token revoke/);
  assert.match(spawned(['user', 'add', '--help']).stdout, /usage: stockade user add NAME/);
  const group = spawned(['user', 'token']);
  assert.match(group.stdout, /user token add/);
  assert.equal(group.code, 2);
  const wrong = spawned(['user', 'ad', 'app']);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /no command "user ad app"/);
});

/** Types what is asked for at a terminal of its own, and prints all that the terminal showed. */
const atTerminal = `
import json, os, pty, signal, sys
signal.alarm(60)
pid, fd = pty.fork()
if pid == 0: os.execv(sys.argv[1], sys.argv[1:-1])
shown, typed = b'', 0
lines = [line.encode() for line in json.loads(sys.argv[-1])]
while True:
    try: data = os.read(fd, 1024)
    except OSError: break
    if not data: break
    shown += data
    if typed < len(lines) and shown.count(b': ') > typed:
        os.write(fd, lines[typed]); typed += 1
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.stdout.buffer.write(shown + b'|exit %d' % code)
`;

test('on a terminal the password is asked for twice and never appears', async (context) => {
  const { file, userOf, text } = opened(context);
  if (spawnSync('python3', ['-c', 'import pty']).status !== 0) {
    context.skip('no python3 to make a terminal with');
    return;
  }
  const typing = (...lines: readonly string[]): Promise<string> =>
    new Promise((resolve) => {
      const keys = JSON.stringify(lines);
      const words = [program, 'user', 'add', 'app', '--file', file];
      const child = spawn('python3', ['-c', atTerminal, process.execPath, ...words, keys]);
      let shown = '';
      child.stdout.on('data', (chunk: Buffer) => {
        shown += chunk.toString();
      });
      child.on('close', () => resolve(shown));
    });
  const before = text();
  const different = await typing(`${good}\r`, 'something else entirely\r');
  assert.match(different, /the two are not the same/);
  assert.match(different, /\|exit 2$/);
  const given = await typing(`${good}\u0003`);
  assert.match(given, /given up/);
  assert.equal(text(), before);
  const shown = await typing(`${good}x\u007f\r`, `${good}\r`);
  assert.match(shown, /New password of app: [\s\S]*Once more: [\s\S]*\|exit 0$/);
  assert.doesNotMatch(shown, /password long/);
  assert.ok(compareSync(good, userOf('app').password));
});
