// Whole files at once on the real disk: content, mode, order of steps, and what a failure leaves.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CodedError } from '#errors.ts';
import { type FileSystem, systemErrorCode, systemFiles } from '#io/file-system.ts';
import { cryptoRandom } from '#io/random.ts';
import { writeFileAtomically, writeNewFile } from '#io/write-file-atomically.ts';

const effects = { files: systemFiles, random: cryptoRandom };

const temporaryFolder = (context: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-io-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** The real disk, with a record of the steps that matter for what a power cut leaves. */
const watched = () => {
  const steps: string[] = [];
  const files: FileSystem = {
    ...systemFiles,
    create: (path, mode) => {
      const file = systemFiles.create(path, mode);
      return {
        ...file,
        write: (parts, position) => {
          steps.push('write');
          file.write(parts, position);
        },
        syncData: () => {
          steps.push('sync file');
          file.syncData();
        },
      };
    },
    rename: (from, to) => {
      steps.push('rename');
      systemFiles.rename(from, to);
    },
    link: (from, to) => {
      steps.push('link');
      systemFiles.link(from, to);
    },
    syncFolder: (folder) => {
      steps.push('sync folder');
      systemFiles.syncFolder(folder);
    },
  };
  return { steps, effects: { files, random: cryptoRandom } };
};

test('a file is made and replaced with its content and mode, and no temporary file stays', (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'file');
  writeFileAtomically({ path, content: Buffer.from('one') }, effects);
  assert.equal(readFileSync(path, 'utf8'), 'one');
  assert.equal(systemFiles.status(path)?.mode, 0o600);
  writeFileAtomically({ path, content: Buffer.from('two'), mode: 0o644 }, effects);
  assert.equal(readFileSync(path, 'utf8'), 'two');
  assert.equal(systemFiles.status(path)?.mode, 0o644);
  assert.deepEqual(systemFiles.list(folder), ['file']);
});

test('the content is durable before it takes the name, the name before the call returns', (context) => {
  const folder = temporaryFolder(context);
  const replaced = watched();
  writeFileAtomically({ path: join(folder, 'a'), content: Buffer.from('x') }, replaced.effects);
  assert.deepEqual(replaced.steps, ['write', 'sync file', 'rename', 'sync folder']);
  const created = watched();
  writeNewFile({ path: join(folder, 'b'), content: Buffer.from('x') }, created.effects);
  assert.deepEqual(created.steps, ['write', 'sync file', 'link', 'sync folder']);
});

test('a new file is refused where something is, and that is left as it was', (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'key');
  writeNewFile({ path, content: Buffer.from('first') }, effects);
  assert.throws(
    () => writeNewFile({ path, content: Buffer.from('second') }, effects),
    (error) => error instanceof CodedError && error.code === 'already_exists',
  );
  assert.equal(readFileSync(path, 'utf8'), 'first');
  assert.equal(systemFiles.status(path)?.mode, 0o600);
  assert.deepEqual(systemFiles.list(folder), ['key']);
});

test('a replacement that fails leaves the old content and no temporary file', (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'taken');
  mkdirSync(path);
  writeFileSync(join(path, 'inside'), 'kept');
  chmodSync(path, 0o700);
  assert.throws(
    () => writeFileAtomically({ path, content: Buffer.from('x') }, effects),
    (error) => systemErrorCode(error) !== undefined,
  );
  assert.deepEqual(systemFiles.list(folder), ['taken']);
  assert.equal(readFileSync(join(path, 'inside'), 'utf8'), 'kept');
});
