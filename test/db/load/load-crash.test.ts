// The last step of a load is killed before each of its changes to the disk, one after the other,
// with SIGKILL. The next writer finds the old database or the new one, each whole; applied again,
// the step ends where it would have, and nothing is left lying about.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openReader } from '#db/open-reader.ts';
import { effects, executed, temporaryFolder, writerIn } from '../support.ts';
import { applySteps, converted, fileOf, stepEntry, stepsOf } from './support.ts';

// Folders that are copied are nobody else's either.
process.umask(0o077);

const program = fileURLToPath(new URL('./load-crash-main.ts', import.meta.url));

/** Runs the program; which change it was killed before, or `applied`. */
const applyUntil = (words: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', program, ...words],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.on('close', (code, signal) => {
      if (code === 0 || signal === 'SIGKILL') resolve(output.trim());
      else reject(new Error(`the program ended with ${code ?? signal}`));
    });
  });

const hashOf = (folder: string) => {
  const reader = openReader({ dataFolder: folder, ...effects });
  try {
    return reader.contentHash();
  } finally {
    reader.close();
  }
};

test('a load killed before any of its changes to the disk is loaded fully or not at all', async (t) => {
  const [old, folder, shelf] = [temporaryFolder(t), temporaryFolder(t), temporaryFolder(t)];
  const steps = stepsOf(
    converted(
      t,
      fileOf(t, "CREATE TABLE new(x); INSERT INTO new VALUES (zeroblob(50000)), ('new')"),
    ),
    'database',
  );
  const end = steps.at(-1);
  assert.ok(end !== undefined);
  const writer = writerIn(t, old);
  executed(writer, ['CREATE TABLE old(x)', "INSERT INTO old VALUES ('old')"]);
  applySteps(writer, steps.slice(0, -1));
  const { appliedIndex } = writer.state;
  writer.close();
  const before = hashOf(old);
  const entry = stepEntry(appliedIndex + 1, end);
  const entryPath = join(shelf, 'entry.json');
  writeFileSync(
    entryPath,
    JSON.stringify({ ...entry, data: Buffer.from(entry.data).toString('base64') }),
  );

  const seen = { old: 0, new: 0 };
  let loaded: string | undefined;
  for (let killBefore = 0; ; killBefore++) {
    rmSync(folder, { recursive: true });
    cpSync(old, folder, { recursive: true });
    const where = await applyUntil([folder, entryPath, `${killBefore}`]);
    const next = writerIn(t, folder);
    const what = `killed before: ${where}`;
    if (next.state.appliedIndex === appliedIndex) {
      seen.old += 1;
      assert.equal(hashOf(folder).digest, before.digest, what);
      next.apply([entry]);
    } else seen.new += 1;
    assert.equal(next.state.appliedIndex, appliedIndex + 1, what);
    next.removeLeftovers(true);
    next.close();
    const { digest, outcomeChain } = hashOf(folder);
    loaded ??= `${digest} ${outcomeChain}`;
    assert.equal(`${digest} ${outcomeChain}`, loaded, what);
    assert.equal(readdirSync(join(folder, 'db')).length, 2, what);
    assert.deepEqual(readdirSync(join(folder, 'loading')), [], what);
    if (where === 'applied') break;
  }
  assert.ok(seen.old > 8 && seen.new > 1, JSON.stringify(seen));
});
