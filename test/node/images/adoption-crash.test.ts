// The adoption of an image is killed before each of its changes to the disk, one after the other,
// with SIGKILL; then a node's start finds what is left. It must find the old state or the new one,
// each whole, log and database of one mind, and leave nothing lying about.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { currentDatabaseFiles } from '#db/database-files.ts';
import { systemFiles } from '#io/file-system.ts';
import { openDurableLog } from '#log/open-durable-log.ts';
import { recoverAdoption } from '#node/images/recover-adoption.ts';
import { createLogger } from '#node/logger.ts';
import { startPlanOf } from '#node/raft-start.ts';
import { WriterKeeper } from '#node/writer-keeper.ts';
import type { Entry } from '#raft/entry.ts';
import { logIndex } from '#raft/log-index.ts';
import { nodeId } from '#raft/node-id.ts';
import { term } from '#raft/term.ts';
import { bytesOf, cluster, filledWriter, imageOf, leftIn } from '../../db/image/support.ts';
import { temporaryFolder } from '../../db/support.ts';

// Folders that are copied are nobody else's either.
process.umask(0o077);

const program = fileURLToPath(new URL('./adoption-main.ts', import.meta.url));

const silent = createLogger('fatal', 'json', { node: 'n1', part: 'test' });

/** A vote in a term after the entries': what no adoption may forget. */
const hardState = { term: term(7), votedFor: nodeId('n2'), commitIndex: logIndex(2) };

const openLog = async (folder: string) => {
  let durable = (): void => undefined;
  const log = await openDurableLog(
    { folder: join(folder, 'raft'), segmentBytes: 1 << 20, recentBytesMax: 1 << 20 },
    {
      onDurable: () => durable(),
      onFailed: (error) => {
        throw error;
      },
    },
  );
  const written = (): Promise<void> =>
    new Promise((resolve) => {
      durable = resolve;
    });
  return { log, written };
};

/** A folder with a database that ends at entry 2 and the log that belongs to it. */
const prepareOld = async (t: TestContext, folder: string): Promise<void> => {
  const writer = filledWriter(t, folder, ["CREATE TABLE old (x DEFAULT 'old')"]);
  assert.equal(writer.state.appliedIndex, 2);
  writer.close();
  const { log, written } = await openLog(folder);
  const entries = [1, 2, 3].map((index): Entry => {
    const data = new Uint8Array(8);
    return { index: logIndex(index), term: term(1), kind: 'barrier', data };
  });
  const done = written();
  log.append(1, { snapshot: undefined, truncateFrom: undefined, entries, hardState });
  await done;
  await log.close();
};

/** Runs the program; which change it was killed before, or `adopted`. */
const adoptUntil = (words: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', program, ...words],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
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

/** What a node's start does before it joins its peers. */
const startAndStop = async (folder: string) => {
  const { keeper, writer } = await WriterKeeper.open(
    { folder, cluster, foreignKeys: false, changeBytes: 0 },
    silent,
  );
  const { log } = await openLog(folder);
  try {
    const database = await recoverAdoption(
      log.recovered,
      writer.started,
      keeper,
      folder,
      systemFiles,
    );
    const { start, append } = startPlanOf(log.recovered, database);
    await keeper.removeLeftovers(true);
    return { database, start, append };
  } finally {
    await log.close();
    await keeper.stop(5000);
  }
};

const tablesIn = (folder: string): readonly unknown[] => {
  const database = new Database(currentDatabaseFiles(folder, systemFiles).database);
  try {
    return database
      .prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
      )
      .pluck()
      .all();
  } finally {
    database.close();
  }
};

test('an adoption killed before any of its changes to the disk: the next start has the old state or the new', async (t) => {
  const [origin, old, folder] = [temporaryFolder(t), temporaryFolder(t), temporaryFolder(t)];
  filledWriter(t, origin, ['CREATE TABLE new (x)', "INSERT INTO new VALUES ('new')"]).close();
  const image = await imageOf(t, origin);
  const imagePath = join(origin, 'image');
  writeFileSync(imagePath, bytesOf(image));
  const { index } = image.offer;
  await prepareOld(t, old);

  const outcomes: string[] = [];
  for (let killBefore = 0; outcomes.at(-1) !== 'adopted'; killBefore++) {
    rmSync(folder, { recursive: true });
    cpSync(old, folder, { recursive: true });
    const where = await adoptUntil([
      folder,
      imagePath,
      JSON.stringify(image.offer),
      `${killBefore}`,
    ]);
    const { database, start, append } = await startAndStop(folder);
    const isNew = database.appliedIndex === index;
    const what = `killed before: ${where}`;
    assert.deepEqual(tablesIn(folder), [isNew ? 'new' : 'old'], what);
    assert.deepEqual(
      {
        applied: start.appliedIndex,
        trimmed: start.trimmedIndex,
        last: start.lastIndex,
        append,
        term: start.hardState.term,
        votedFor: start.hardState.votedFor,
      },
      {
        applied: isNew ? index : 2,
        trimmed: isNew ? index : 0,
        last: isNew ? index : 3,
        append: undefined,
        term: 7,
        votedFor: 'n2',
      },
      what,
    );
    const generation = isNew ? `i${index}t1` : '00000001';
    assert.deepEqual(
      leftIn(folder),
      { images: [], incoming: [], db: [generation, 'CURRENT'].sort() },
      what,
    );
    // No record of the image, no image; and from its record on nothing but the image.
    assert.ok(isNew || outcomes.at(-1) !== 'new', `${what}: the new state was there before`);
    outcomes.push(where === 'adopted' ? where : isNew ? 'new' : 'old');
  }
  t.diagnostic(outcomes.join(' '));
  assert.ok(outcomes.filter((outcome) => outcome === 'old').length > 10, outcomes.join(' '));
  assert.ok(outcomes.filter((outcome) => outcome === 'new').length > 5, outcomes.join(' '));
});

test('a log that begins behind the database without an image for it is refused', async (t) => {
  const folder = temporaryFolder(t);
  await prepareOld(t, folder);
  const { log, written } = await openLog(folder);
  const done = written();
  log.append(1, {
    snapshot: { index: logIndex(9), term: term(1) },
    truncateFrom: undefined,
    entries: [],
    hardState: undefined,
  });
  await done;
  await log.close();
  await assert.rejects(startAndStop(folder), { code: 'log_damaged' });
});
