// What the server refuses to trust because others on the machine can touch it.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CodedError } from '#errors.ts';
import { systemFiles } from '#io/file-system.ts';
import { readPrivateFile, requirePrivate } from '#io/private-path.ts';

const isExposed = (pattern: RegExp) => (error: unknown) =>
  error instanceof CodedError && error.code === 'file_permissions' && pattern.test(error.message);

test('PERM-01 a secret that group or others can touch is refused with its mode and the remedy', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-io-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'key');
  writeFileSync(path, 'secret');
  for (const mode of [0o644, 0o640, 0o620, 0o601]) {
    chmodSync(path, mode);
    assert.throws(
      () => readPrivateFile(path, 100, systemFiles),
      (error) =>
        isExposed(new RegExp(`key has mode 0${mode.toString(8)}`))(error) &&
        error instanceof CodedError &&
        error.details.hint === `chmod 0600 ${path}`,
    );
  }
  for (const mode of [0o600, 0o400]) {
    chmodSync(path, mode);
    assert.equal(readPrivateFile(path, 100, systemFiles).toString(), 'secret');
  }
});

test('PERM-02 a secret that belongs to another user is refused, one of root is not', () => {
  const self = process.geteuid?.() ?? 0;
  const status = { kind: 'file', bytes: 1, mode: 0o600 } as const;
  assert.throws(
    () => requirePrivate('/key', { ...status, owner: self + 1 }),
    isExposed(/belongs to user/),
  );
  requirePrivate('/key', { ...status, owner: self });
  requirePrivate('/key', { ...status, owner: 0 });
});

test('PERM-03 a secret behind a symbolic link, a folder and a file that is too large are refused', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-io-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'key');
  writeFileSync(path, 'secret', { mode: 0o600 });
  symlinkSync(path, join(folder, 'link'));
  assert.throws(
    () => readPrivateFile(join(folder, 'link'), 100, systemFiles),
    isExposed(/link is a symbolic link, which is not followed/),
  );
  assert.throws(() => readPrivateFile(folder, 100, systemFiles), isExposed(/not a regular file/));
  assert.throws(() => readPrivateFile(path, 5, systemFiles), /larger than 5 bytes/);
});
