// The auth file on the disk: changes are noticed, bad ones are kept out, the last good text stays.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CodedError } from '#errors.ts';
import type { UsersReply } from '#http/backend.ts';
import { systemFiles } from '#io/file-system.ts';
import { AuthFileKeeper, keptFor } from '#node/auth-file-keeper.ts';
import { createLogger } from '#node/logger.ts';
import { readPrivateText } from '#node/node-files.ts';

const taken: UsersReply = {
  kind: 'reloaded',
  reload: { added: [], removed: [], changed: [], revoked: [], newPasswords: [] },
  cutOff: 0,
};

const opened = (context: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-keeper-'));
  const path = join(folder, 'auth.json');
  const write = (text: string): void => writeFileSync(path, text, { mode: 0o600 });
  write('first');
  /** Texts that the fronts were given; those that say `bad` they refuse. */
  const applied: string[] = [];
  const keeper = new AuthFileKeeper({
    path,
    read: () => readPrivateText(path, systemFiles),
    apply: (text) => {
      applied.push(text);
      const bad = text.includes('bad') ? new CodedError('auth_file_invalid', 'line 1') : undefined;
      return Promise.resolve(bad === undefined ? taken : keptFor(bad));
    },
    onReloaded: () => {},
    log: createLogger('silent', 'json', { node: 'n1', part: 'node' }),
  });
  context.after(() => {
    keeper.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { path, write, applied, keeper };
};

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
};

test('a file that changes is taken without being asked, also when it is replaced by a rename', async (context) => {
  const { path, write, applied, keeper } = opened(context);
  keeper.watch();
  write('second');
  await until(() => keeper.text === 'second');
  writeFileSync(`${path}.new`, 'third', { mode: 0o600 });
  renameSync(`${path}.new`, path);
  await until(() => keeper.text === 'third');
  assert.deepEqual(applied, ['second', 'third']);
});

test('AUTH-10 a bad file is tried once, and the text of the last good one stays', async (context) => {
  const { write, applied, keeper } = opened(context);
  keeper.watch();
  write('bad');
  await until(() => applied.length === 1);
  write('good again');
  await until(() => keeper.text === 'good again');
  assert.deepEqual(applied, ['bad', 'good again'], 'the bad one was not tried at every look');
});

test('PERM-04 a file that others may read, or that is gone, is not taken', async (context) => {
  const { path, write, applied, keeper } = opened(context);
  write('second');
  chmodSync(path, 0o644);
  const open = await keeper.reload('test');
  assert.ok(open.kind === 'kept' && open.code === 'file_permissions', JSON.stringify(open));
  rmSync(path);
  const gone = await keeper.reload('test');
  assert.ok(gone.kind === 'kept' && gone.code === 'config_invalid', JSON.stringify(gone));
  assert.equal(keeper.text, 'first');
  assert.deepEqual(applied, []);
});

test('reloads run one after the other, each with the text of its own time', async (context) => {
  const { write, applied, keeper } = opened(context);
  write('second');
  const replies = await Promise.all([keeper.reload('a'), keeper.reload('b')]);
  assert.deepEqual(
    replies.map(({ kind }) => kind),
    ['reloaded', 'reloaded'],
  );
  assert.deepEqual(applied, ['second', 'second']);
  assert.equal(keeper.text, 'second');
});
