// Writers as real processes that die at the worst moments: killed behind a COMMIT and before the
// answer, left behind by a node that was killed, started twice on one folder. Every entry is in the
// database exactly once all the same.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CodedError } from '#errors.ts';
import { createLogger } from '#node/logger.ts';
import { WriterProcess } from '#node/writer-process.ts';
import { appliedIn, assertEachOnce, chainIn, countedEntries, lookInto } from './counted-log.ts';
import { commandEntry, temporaryFolder, writerIn } from './support.ts';

const log = createLogger('fatal', 'json', { node: 'n', part: 'writer' });

const startWriter = (
  t: TestContext,
  folder: string,
  onLost: () => void = () => undefined,
): Promise<WriterProcess> => {
  const start = { folder, cluster: 'c', foreignKeys: false, changeBytes: 0, generation: undefined };
  const started = WriterProcess.start(start, log, { onLost });
  void started.then(
    (writer) => t.after(() => writer.kill()),
    () => undefined,
  );
  return started;
};

/** The chain of a writer that nobody disturbed. */
const undisturbedChain = (t: TestContext, through: number): string => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  for (let from = 1; from <= through; from += 100) {
    writer.apply(countedEntries(from, Math.min(through, from + 99)));
  }
  const database = lookInto(folder);
  const chain = chainIn(database);
  database.close();
  return chain;
};

/** `STOCKADE_WRITER_KILLS=1000` kills so often. */
const kills = Number(process.env['STOCKADE_WRITER_KILLS'] ?? '50');
const framesPerRound = 6;
const entriesPerFrame = 20;

test('a writer killed behind a COMMIT and before its answer, again and again: each entry exactly once', async (t) => {
  const folder = temporaryFolder(t);
  const first = await startWriter(t, folder);
  await first.stop(5000);
  const database = lookInto(folder);
  t.after(() => database.close());
  let midEntry = 0;
  for (let round = 0; round < kills; round++) {
    const { promise: lost, resolve: onLost } = Promise.withResolvers<void>();
    const writer = await startWriter(t, folder, onLost);
    const { appliedIndex } = writer.started;
    assert.equal(appliedIndex, appliedIn(database));
    for (let frame = 0; frame < framesPerRound; frame++) {
      const from = appliedIndex + 1 + frame * entriesPerFrame;
      writer.apply(countedEntries(from, from + entriesPerFrame - 1), () => undefined);
    }
    // The frames leave; from here to the kill this process hears no answer.
    await new Promise(setImmediate);
    const target = appliedIndex + 1 + ((round * 37) % (framesPerRound * entriesPerFrame));
    while (appliedIn(database) < target) process.hrtime();
    process.kill(writer.pid, 'SIGKILL');
    await lost;
    const done = database.prepare('SELECT statements_done FROM _stockade_meta').pluck().get();
    if (Number(done) > 0) midEntry += 1;
  }
  const last = await startWriter(t, folder);
  const through = last.started.appliedIndex + 9;
  const finished = new Promise((resolve) => {
    last.apply(countedEntries(last.started.appliedIndex + 1, through), resolve);
  });
  assert.ok((await finished) !== undefined);
  assertEachOnce(database, through);
  assert.equal(chainIn(database), undisturbedChain(t, through));
  t.diagnostic(`${through} entries, ${midEntry} of ${kills} kills between statements of one`);
});

test('what came along with an entry that never ends is answered before that one begins', async (t) => {
  const folder = temporaryFolder(t);
  const writer = await startWriter(t, folder);
  const endless =
    'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c';
  const poison = commandEntry(2, [`INSERT INTO counted(entry) ${endless}`], { schemaIndex: 1 });
  // Both leave in one write, as from a node that sends what is committed in one turn.
  const answered = new Promise((resolve) => writer.apply(countedEntries(1, 1), resolve));
  writer.apply([poison], () => undefined);
  assert.ok((await answered) !== undefined);
});

interface CountingNode {
  readonly process: ChildProcess;
  readonly writerPid: number;
  readonly first: number;
}

const nodeProgram = fileURLToPath(new URL('./counting-node-main.ts', import.meta.url));

/** A node whose frames are all on their way to its writer; undefined when it could not start. */
const startNode = async (
  t: TestContext,
  folder: string,
  option = '',
): Promise<CountingNode | undefined> => {
  const child = spawn(process.execPath, [nodeProgram, folder, option], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit').then(() => undefined);
  const line = await Promise.race([once(child.stdout, 'data'), ended]);
  if (line === undefined) return undefined;
  const { pid, first } = JSON.parse(String(line[0])) as { pid: number; first: number };
  t.after(() => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended, as it should.
    }
  });
  return { process: child, writerPid: pid, first };
};

const untilStarted = async (t: TestContext, folder: string): Promise<WriterProcess> => {
  for (;;) {
    const writer = await startWriter(t, folder).catch((error: unknown) => {
      assert.ok(error instanceof CodedError && error.code === 'data_folder_in_use', String(error));
      return undefined;
    });
    if (writer !== undefined) return writer;
  }
};

test('the writer of a killed node ends by itself and leaves every entry exactly once', async (t) => {
  const folder = temporaryFolder(t);
  for (let round = 0; round < 4; round++) {
    const node = await startNode(t, folder);
    assert.ok(node !== undefined);
    node.process.kill('SIGKILL');
    // As a node that is started again would: the orphan may still be at work.
    const writer = await untilStarted(t, folder);
    await writer.stop(5000);
  }
  const writer = await startWriter(t, folder);
  const { appliedIndex } = writer.started;
  await writer.stop(5000);
  assert.ok(appliedIndex > 0);
  const database = lookInto(folder);
  t.after(() => database.close());
  assertEachOnce(database, appliedIndex);
});

test('while an orphan with entries in its pipe is only halted nobody else may write; once it goes on it ends, and what it applied is not applied again', async (t) => {
  const folder = temporaryFolder(t);
  const node = await startNode(t, folder, 'stop-writer');
  assert.ok(node !== undefined);
  node.process.kill('SIGKILL');
  await once(node.process, 'exit');
  await assert.rejects(
    startWriter(t, folder),
    (error) => error instanceof CodedError && error.code === 'data_folder_in_use',
  );
  assert.equal(await startNode(t, folder), undefined);
  process.kill(node.writerPid, 'SIGCONT');
  const writer = await untilStarted(t, folder);
  const { appliedIndex } = writer.started;
  // It may have applied what was in its pipe, or have seen first that its node is gone.
  t.diagnostic(`the orphan applied ${appliedIndex} entries before it ended`);
  const through = appliedIndex + 100;
  await new Promise((resolve) => {
    writer.apply(countedEntries(appliedIndex + 1, through), resolve);
  });
  const database = lookInto(folder);
  t.after(() => database.close());
  assertEachOnce(database, through);
  assert.equal(chainIn(database), undisturbedChain(t, through));
});

test('a second server on one folder is refused and disturbs nothing; once the first is killed it starts', async (t) => {
  const folder = temporaryFolder(t);
  const first = await startWriter(t, folder);
  await assert.rejects(
    startWriter(t, folder),
    (error) =>
      error instanceof CodedError &&
      error.code === 'data_folder_in_use' &&
      error.details.hint !== '',
  );
  const batch = await new Promise((resolve) => {
    first.apply(countedEntries(1, 10), resolve);
  });
  assert.ok(batch !== undefined);
  await first.kill();
  const second = await startWriter(t, folder);
  assert.equal(second.started.appliedIndex, 10);
});
