// The real disk behind the FileSystem interface: modes, symbolic links, names and whole writes.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemErrorCode, systemFiles } from '#io/file-system.ts';

const temporaryFolder = (context: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-io-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

const hasCode = (code: string) => (error: unknown) => systemErrorCode(error) === code;

test('PERM-05 files are 0600 and folders 0700 whatever the umask, other modes as asked', (context) => {
  const folder = temporaryFolder(context);
  const before = process.umask();
  context.after(() => process.umask(before));
  for (const umask of [0o000, 0o077, 0o777]) {
    process.umask(umask);
    const path = (name: string): string => join(folder, `${umask}-${name}`);
    systemFiles.create(path('file')).close();
    systemFiles.create(path('public'), 0o644).close();
    systemFiles.createFolder(path('folder'));
    assert.equal(systemFiles.status(path('file'))?.mode, 0o600);
    assert.equal(systemFiles.status(path('public'))?.mode, 0o644);
    assert.equal(systemFiles.status(path('folder'))?.mode, 0o700);
  }
});

test('what is written in parts is read back at its place, and reading stops at the end', (context) => {
  const file = systemFiles.create(join(temporaryFolder(context), 'file'));
  const parts = Array.from({ length: 40 }, (_, at) => Buffer.alloc(at % 3 === 0 ? 0 : at, at));
  file.write(parts, 5);
  file.syncData();
  const expected = Buffer.concat([Buffer.alloc(5), ...parts]);
  const read = Buffer.alloc(expected.length + 10);
  assert.equal(file.read(read, 0), expected.length);
  assert.ok(read.subarray(0, expected.length).equals(expected));
  assert.equal(file.read(read, 1_000_000), 0);
  assert.equal(file.status().bytes, expected.length);
  file.close();
});

test('a file is created only where nothing is, and a symbolic link is something', (context) => {
  const folder = temporaryFolder(context);
  const target = join(folder, 'target');
  const link = join(folder, 'link');
  writeFileSync(target, 'kept');
  symlinkSync(target, link);
  assert.throws(() => systemFiles.create(target), hasCode('EEXIST'));
  assert.throws(() => systemFiles.create(link), hasCode('EEXIST'));
  assert.throws(() => systemFiles.createFolder(link), hasCode('EEXIST'));
  assert.throws(() => systemFiles.open(link, 'read'), hasCode('ELOOP'));
  assert.equal(systemFiles.status(link)?.kind, 'other');
  assert.equal(systemFiles.status(join(folder, 'nothing')), undefined);
});

test('names are listed sorted, renamed, linked and removed', (context) => {
  const folder = temporaryFolder(context);
  const at = (name: string): string => join(folder, name);
  for (const name of ['b', 'a', 'c']) systemFiles.create(at(name)).close();
  systemFiles.rename(at('c'), at('d'));
  systemFiles.link(at('d'), at('e'));
  systemFiles.remove(at('a'));
  systemFiles.syncFolder(folder);
  assert.deepEqual(systemFiles.list(folder), ['b', 'd', 'e']);
  assert.throws(() => systemFiles.link(at('d'), at('b')), hasCode('EEXIST'));
});

test('a file opened for reading cannot be written', (context) => {
  const path = join(temporaryFolder(context), 'file');
  systemFiles.create(path).close();
  chmodSync(path, 0o600);
  const file = systemFiles.open(path, 'read');
  assert.throws(() => file.write([Buffer.from('x')], 0), hasCode('EBADF'));
  file.close();
});

test('the room on a disk is known', (context) => {
  const { freeBytes, totalBytes } = systemFiles.space(temporaryFolder(context));
  assert.ok(freeBytes > 0 && freeBytes <= totalBytes);
});
