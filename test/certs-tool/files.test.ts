// Real files, real modes, real links: what is created, what is refused, what is left behind.
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { diskFiles, publicMode, secretMode } from '#certs-tool/files.ts';
import { temporaryFolder } from './temporary-folder.ts';

const modeOf = (path: string): number => lstatSync(path).mode & 0o777;

/** A name that nothing has yet, in a folder of the test's own. */
const freshPath = (context: TestContext): string => join(temporaryFolder(context), 'file');

for (const mask of [0o000, 0o022, 0o077, 0o777]) {
  test(`PERM-05 under umask ${mask.toString(8)} keys are 0600, certificates 0644, folders 0700`, (context) => {
    const folder = temporaryFolder(context);
    const before = process.umask(mask);
    context.after(() => process.umask(before));
    const inner = join(folder, 'inner');
    // A umask of 0777 takes away the owner's own rights on a new folder; 0700 is what is asked for.
    if (mask === 0o777) mkdirSync(inner);
    else diskFiles.makeFolder(inner);
    if (mask === 0o777) chmodSync(inner, 0o700);
    const [key, crt, log] = ['a.key', 'a.crt', 'a.jsonl'].map((name) => join(inner, name));
    assert.ok(key !== undefined && crt !== undefined && log !== undefined);
    diskFiles.createAll([
      { path: key, text: 'k', mode: secretMode },
      { path: crt, text: 'c', mode: publicMode },
    ]);
    diskFiles.replace({ path: key, text: 'k2', mode: secretMode });
    diskFiles.appendLine(log, 'line');
    assert.equal(modeOf(key), 0o600);
    assert.equal(modeOf(crt), 0o644);
    assert.equal(modeOf(log) & 0o077, 0);
    assert.equal(modeOf(inner), 0o700);
  });
}

test('a file that exists is not overwritten, and nothing else of the set is created', (context) => {
  const folder = temporaryFolder(context);
  const [one, two] = [join(folder, 'one'), join(folder, 'two')];
  writeFileSync(two, 'mine');
  const set = [one, two].map((path) => ({ path, text: 'new', mode: secretMode }));
  assert.throws(() => diskFiles.createAll(set), { code: 'already_exists' });
  assert.equal(readFileSync(two, 'utf8'), 'mine');
  assert.deepEqual(readdirSync(folder), ['two']);
});

test('a file that appears between the look and the creation is not overwritten', (context) => {
  const path = freshPath(context);
  const twice = ['first', 'second'].map((text) => ({ path, text, mode: secretMode }));
  assert.throws(() => diskFiles.createAll(twice), { code: 'already_exists' });
});

test('when a later file of a set fails the earlier ones are removed', (context) => {
  const folder = temporaryFolder(context);
  const set = [join(folder, 'one'), join(folder, 'missing', 'two')].map((path) => ({
    path,
    text: 'new',
    mode: secretMode,
  }));
  assert.throws(() => diskFiles.createAll(set), { code: 'storage_failed' });
  assert.deepEqual(readdirSync(folder), []);
});

test('PERM-03 a link in the place of a key is refused, whether or not it leads anywhere', (context) => {
  const folder = temporaryFolder(context);
  const [link, target] = [join(folder, 'node.key'), join(folder, 'target')];
  symlinkSync(target, link);
  const create = () => diskFiles.createAll([{ path: link, text: 'secret', mode: secretMode }]);
  assert.throws(create, { code: 'already_exists' });
  assert.ok(!existsSync(target));
  writeFileSync(target, 'theirs');
  assert.throws(create, { code: 'already_exists' });
  assert.throws(() => diskFiles.appendLine(link, 'line'), { code: 'storage_failed' });
  assert.equal(readFileSync(target, 'utf8'), 'theirs');
});

test('replacing puts a file in the place of a link and leaves its target alone', (context) => {
  const folder = temporaryFolder(context);
  const [link, target] = [join(folder, 'node.crt'), join(folder, 'target')];
  writeFileSync(target, 'theirs');
  symlinkSync(target, link);
  // A leftover of a run that was killed is no obstacle, and no way to write elsewhere.
  symlinkSync(target, `${link}.new`);
  diskFiles.replace({ path: link, text: 'new', mode: publicMode });
  assert.ok(lstatSync(link).isFile());
  assert.equal(readFileSync(target, 'utf8'), 'theirs');
  assert.deepEqual(readdirSync(folder), ['node.crt', 'target']);
});

test('PERM-01 a secret that others can read, or that is a link, is refused', (context) => {
  const path = freshPath(context);
  writeFileSync(path, 'secret', { mode: 0o600 });
  assert.equal(diskFiles.readSecret(path), 'secret');
  for (const mode of [0o640, 0o604, 0o620, 0o610]) {
    chmodSync(path, mode);
    assert.throws(() => diskFiles.readSecret(path), { code: 'file_permissions' });
  }
  chmodSync(path, 0o600);
  symlinkSync(path, `${path}.link`);
  assert.throws(() => diskFiles.readSecret(`${path}.link`), { code: 'storage_failed' });
});

test('PERM-04 a folder that others can write to, or that is a link, is refused', (context) => {
  const folder = temporaryFolder(context);
  const inner = join(folder, 'inner');
  diskFiles.makeFolder(inner);
  symlinkSync(inner, join(folder, 'link'));
  assert.throws(() => diskFiles.makeFolder(join(folder, 'link')), { code: 'file_permissions' });
  for (const mode of [0o770, 0o702, 0o777]) {
    chmodSync(inner, mode);
    assert.throws(() => diskFiles.makeFolder(inner), { code: 'file_permissions' });
  }
});

test('a folder, a file beyond the bound and a missing file are no text', (context) => {
  const path = freshPath(context);
  writeFileSync(path, 'x'.repeat(11));
  assert.equal(diskFiles.readText(path, 11).length, 11);
  assert.throws(() => diskFiles.readText(path, 10), { message: /larger than 10 bytes/ });
  assert.throws(() => diskFiles.readText(join(path, '..')), { message: /not a regular file/ });
  assert.throws(() => diskFiles.readText(`${path}.no`), { message: /no such file/ });
});
