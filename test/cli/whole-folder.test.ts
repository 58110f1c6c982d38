// A folder that is made as a whole: what fails or is killed leaves no keys behind, and what others
// are making, or only looks like a leftover, stays.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeWholeFolder, textWriter } from '#cli/whole-folder.ts';
import { systemFiles } from '#io/file-system.ts';
import { cryptoRandom } from '#io/random.ts';

const effects = { files: systemFiles, random: cryptoRandom };

const parentFor = (t: TestContext): string => {
  const parent = mkdtempSync(join(tmpdir(), 'stockade-whole-'));
  t.after(() => rmSync(parent, { recursive: true, force: true }));
  return parent;
};

/** Makes the folder as a command does. */
const make = (root: string): void =>
  makeWholeFolder(root, effects, (folder) => textWriter(effects)(join(folder, 'ca.key'), 'secret'));

const moduleUrl = (path: string): string =>
  JSON.stringify(new URL(`../../src/${path}`, import.meta.url).href);

/** A process that has written a key into the folder it makes, and is held there. */
const makerInside = async (t: TestContext, root: string) => {
  const text = `
    import { makeWholeFolder, textWriter } from ${moduleUrl('cli/whole-folder.ts')};
    import { systemFiles } from ${moduleUrl('io/file-system.ts')};
    import { cryptoRandom } from ${moduleUrl('io/random.ts')};
    const effects = { files: systemFiles, random: cryptoRandom };
    makeWholeFolder(${JSON.stringify(root)}, effects, (folder) => {
      textWriter(effects)(folder + '/ca.key', 'secret');
      process.stdout.write('inside');
      const cell = new Int32Array(new SharedArrayBuffer(4));
      while (systemFiles.status(${JSON.stringify(`${root}.go`)}) === undefined) {
        Atomics.wait(cell, 0, 0, 20);
      }
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', text], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended: Promise<unknown[]> = once(child, 'close');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  t.after(kill);
  await once(child.stdout, 'data');
  return { kill, child, ended };
};

const leftIn = (parent: string): readonly string[] =>
  readdirSync(parent).filter((name) => name.endsWith('.tmp'));

test('what fails while a folder is made removes what it had begun, and says why it failed', (t) => {
  const parent = parentFor(t);
  const root = join(parent, 'n1');
  const failing = (): void =>
    makeWholeFolder(root, effects, (folder) => {
      mkdirSync(join(folder, 'authority'));
      writeFileSync(join(folder, 'authority', 'ca.key'), 'secret');
      throw new Error('the passphrase is too short');
    });
  assert.throws(failing, /the passphrase is too short/);
  assert.deepEqual(readdirSync(parent), []);
});

test('of two runs that make the same folder the second is refused, and the first one keeps its folder', (t) => {
  const parent = parentFor(t);
  const root = join(parent, 'n1');
  const second = (): void =>
    makeWholeFolder(root, effects, (folder) => {
      writeFileSync(join(folder, 'ca.key'), 'of the second');
      make(root);
    });
  assert.throws(second, { code: 'already_exists' });
  assert.deepEqual(readdirSync(parent), ['n1']);
  assert.equal(readFileSync(join(root, 'ca.key'), 'utf8'), 'secret');
});

test('what a run that was killed left behind, the next run for the same folder removes', async (t) => {
  const parent = parentFor(t);
  const root = join(parent, 'n1');
  const { kill } = await makerInside(t, root);
  await kill();
  assert.equal(leftIn(parent).length, 1);
  make(join(parent, 'n10'));
  make(join(parent, 'n'));
  assert.equal(leftIn(parent).length, 1, 'it is not of these');
  make(root);
  assert.deepEqual(readdirSync(parent), ['n', 'n1', 'n10']);
});

test('what a living run is making stays, though another makes the same folder', async (t) => {
  const parent = parentFor(t);
  const root = join(parent, 'n1');
  await makerInside(t, root);
  const [making = ''] = leftIn(parent);
  make(root);
  assert.deepEqual(leftIn(parent), [making]);
  assert.ok(existsSync(join(parent, making, 'ca.key')));
});

test('Ctrl-C while a folder is made acts when it is there as a whole', async (t) => {
  const parent = parentFor(t);
  const root = join(parent, 'n1');
  const { child, ended } = await makerInside(t, root);
  child.kill('SIGINT');
  writeFileSync(`${root}.go`, '');
  assert.deepEqual(await ended, [null, 'SIGINT']);
  assert.deepEqual(readdirSync(parent), ['n1', 'n1.go']);
  assert.deepEqual(readdirSync(root), ['ca.key']);
});

test('what is not surely left by a killed run of this program on this machine stays', async (t) => {
  const parent = parentFor(t);
  const root = join(parent, 'n1');
  const { kill } = await makerInside(t, root);
  await kill();
  const [left = ''] = leftIn(parent);
  rmSync(join(parent, left), { recursive: true });
  const elsewhere = join(parent, 'elsewhere');
  mkdirSync(elsewhere, { mode: 0o700 });
  writeFileSync(join(elsewhere, 'kept'), '');
  const otherPlace = left.replace(/-[0-9a-f]{8}-/, '-00000000-');
  const otherDraw = (hex: string): string => left.replace(/[0-9a-f]{8}\.tmp$/, `${hex}.tmp`);
  symlinkSync(elsewhere, join(parent, otherDraw('0000000a')));
  writeFileSync(join(parent, otherDraw('0000000b')), '');
  mkdirSync(join(parent, otherDraw('0000000c')));
  chmodSync(join(parent, otherDraw('0000000c')), 0o755);
  for (const name of [otherPlace, 'n1.0123abcd.tmp', 'n1.notes.tmp', `${left}.tmp`]) {
    mkdirSync(join(parent, name), { mode: 0o700 });
  }
  const before = readdirSync(parent);
  make(root);
  assert.deepEqual(readdirSync(parent), [...before, basename(root)].sort());
  assert.deepEqual(readdirSync(elsewhere), ['kept']);
});

test('where others may put a link in its place, a leftover is named and not removed', async (t) => {
  const parent = parentFor(t);
  const root = join(parent, 'n1');
  const { kill } = await makerInside(t, root);
  await kill();
  chmodSync(parent, 0o777);
  make(root);
  assert.equal(leftIn(parent).length, 1);
  chmodSync(parent, 0o1777);
  rmSync(root, { recursive: true });
  make(root);
  assert.equal(leftIn(parent).length, 0, 'the sticky bit guards it');
});
