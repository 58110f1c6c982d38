// What the shell that starts a reader allows it: memory, files and where they lie.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { encodeCommand } from '#command/command-codec.ts';
import { openWriter } from '#db/open-writer.ts';
import { systemEffects } from '#node/node-effects.ts';
import { type ReaderProcess, startReaderProcess } from '#node/reader-process.ts';
import { runRead } from '#node/seams/reader-seam.ts';

const folderWithDatabase = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-reader-'));
  t.after(() => rmSync(folder, { recursive: true }));
  openWriter({ dataFolder: folder, ...systemEffects }).close();
  return folder;
};

const started = (t: TestContext, folder: string): Promise<ReaderProcess> =>
  new Promise((resolve, reject) => {
    const reader = startReaderProcess(
      { folder, doubleQuotedStrings: false },
      {
        onReady: () => resolve(reader),
        onFailed: (reason) => reject(new Error(reason)),
        onEnded: () => reject(new Error('it ended')),
      },
    );
    t.after(() => reader.kill());
  });

test('a reader has bounds on memory and files, and leaves no core', async (t) => {
  const reader = await started(t, folderWithDatabase(t));
  const limits = readFileSync(`/proc/${reader.pid}/limits`, 'utf8');
  assert.match(limits, /^Max core file size +0 +0/m);
  assert.match(limits, /^Max address space +16384000000 +16384000000/m);
  assert.match(limits, /^Max file size +1073741824 +1073741824/m);
});

test('what a query cannot hold in memory goes into a folder of the server alone', async (t) => {
  const folder = folderWithDatabase(t);
  const reader = await started(t, folder);
  const spill = join(folder, 'spill');
  assert.equal(statSync(spill).mode & 0o777, 0o700);
  const text = `WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c LIMIT 150000)
    SELECT count(*) FROM (SELECT randomblob(200) AS r FROM c ORDER BY r LIMIT -1 OFFSET 1)`;
  const command = encodeCommand({
    texts: [text],
    statements: [{ text: 0, positional: [], named: [] }],
    transaction: false,
    schemaIndex: 0,
    changesSchema: false,
    user: 'ada',
    requestId: 'r',
  });
  let over = false;
  const request = { render: 1, rowsMax: 10, bytesMax: 1000, command };
  reader.seam.call(runRead, request, () => {
    over = true;
  });
  const descriptors = `/proc/${reader.pid}/fd`;
  const seen = new Set<string>();
  while (!over) {
    for (const name of readdirSync(descriptors)) {
      try {
        seen.add(readlinkSync(join(descriptors, name)));
      } catch {
        // Closed between the two looks.
      }
    }
    await new Promise(setImmediate);
  }
  const temporary = [...seen].filter((path) => path.endsWith(' (deleted)'));
  assert.ok(temporary.length > 0, 'it did not spill');
  for (const path of temporary) assert.ok(path.startsWith(`${spill}/`), path);
  assert.deepEqual(readdirSync(spill), []);
});

test('a query that spills more than a file may hold is an error of its own, and the next one runs', (t) => {
  const program = fileURLToPath(new URL('../db/spilling-reader-main.ts', import.meta.url));
  const node = `"${process.execPath}" --disable-warning=ExperimentalWarning "${program}"`;
  const run = (limit: string): string => {
    const command = `${limit}; exec ${node} "${folderWithDatabase(t)}"`;
    const { stdout } = spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8' });
    return stdout;
  };
  assert.match(run('true'), /^\{"columns".*\[\[149999\]\]\}\n\{.*\[\[1\]\]\}\n$/);
  assert.match(
    run('ulimit -f 8192'),
    /^\{"error":"the query needs too much temporary space"\}\n\{.*\[\[1\]\]\}\n$/,
  );
});
