// The log in its thread, on a real disk.
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CodedError } from '#errors.ts';
import { systemFiles } from '#io/file-system.ts';
import type { DurableLog, DurableLogOptions } from '#log/durable-log.ts';
import { openDurableLog } from '#log/open-durable-log.ts';
import { logIndex } from '#raft/log-index.ts';
import {
  appendOf,
  entriesAt,
  entryAt,
  hardStateOf,
  plain,
  temporaryFolder,
} from './log-fixtures.ts';

const settings = { segmentBytes: 64 * 1024, recentBytesMax: 64 * 1024 };

/** An open log, what it reported, and a way to wait for a report. */
const openAt = async (context: TestContext, options: DurableLogOptions) => {
  const durable: number[] = [];
  const syncs = new Set<number>();
  let wake = (): void => undefined;
  const log: DurableLog = await openDurableLog(options, {
    onDurable: (sequence, micros) => {
      durable.push(sequence);
      syncs.add(micros);
      wake();
    },
    onFailed: (error) => {
      throw error;
    },
  });
  const until = async (sequence: number): Promise<void> => {
    while (!durable.includes(sequence)) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  let closed = false;
  const close = async (): Promise<void> => {
    closed = true;
    await log.close();
  };
  // A test that fails half-way must not leave a thread that keeps the process alive.
  context.after(() => (closed ? undefined : close()));
  return { log, durable, syncs, until, close };
};

test('what was appended is there after a reopen: entries, terms, hard state, configurations', async (context) => {
  const folder = temporaryFolder(context);
  const first = await openAt(context, { folder, ...settings });
  assert.equal(first.log.recovered.lastIndex, 0);
  const configuration = entryAt(4, 2, 'members', 'configuration');
  first.log.append(1, appendOf({ entries: entriesAt(1, 3), hardState: hardStateOf(1, 0, 'n1') }));
  first.log.append(2, appendOf({ entries: [configuration], hardState: hardStateOf(2, 3, 'n2') }));
  await first.until(2);
  await first.close();
  assert.deepEqual(first.durable, [1, 2]);

  const second = await openAt(context, { folder, ...settings });
  const { recovered } = second.log;
  assert.deepEqual(recovered.hardState, hardStateOf(2, 3, 'n2'));
  assert.equal(recovered.lastIndex, 4);
  assert.deepEqual(recovered.terms, [
    { from: 1, term: 1 },
    { from: 4, term: 2 },
  ]);
  assert.deepEqual(plain(recovered.recentEntries), plain([...entriesAt(1, 3), configuration]));
  assert.deepEqual(plain(recovered.configurationEntries), plain([configuration]));
  await second.close();
});

test('a read during appends gives durable entries and those that are only handed over', async (context) => {
  const { log, until, close } = await openAt(context, {
    folder: temporaryFolder(context),
    ...settings,
  });
  for (let index = 1; index <= 50; index++) {
    log.append(index, appendOf({ entries: [entryAt(index)] }));
  }
  const waiting = await log.read(logIndex(50), 1);
  assert.deepEqual(plain(waiting), plain([entryAt(50)]));
  await until(50);
  assert.deepEqual(plain(await log.read(logIndex(1), 1 << 20)), plain(entriesAt(1, 50)));
  await close();
});

test('a burst of appends shares syncs, and all of it is there after a reopen', async (context) => {
  const folder = temporaryFolder(context);
  const { log, durable, syncs, until, close } = await openAt(context, { folder, ...settings });
  const data = Buffer.alloc(200, 'x');
  for (let index = 1; index <= 2000; index++) {
    log.append(index, appendOf({ entries: [entryAt(index, 1, data)] }));
  }
  await until(2000);
  assert.deepEqual(
    durable,
    Array.from({ length: 2000 }, (_, at) => at + 1),
  );
  assert.ok(syncs.size <= 2, 'one sync for the first, one for all that came while it ran');
  log.trim(logIndex(1000));
  await close();
  const again = await openAt(context, { folder, ...settings });
  assert.equal(again.log.recovered.lastIndex, 2000);
  const from = again.log.recovered.trimmedIndex + 1;
  const entries = await again.log.read(logIndex(from), 1 << 20);
  assert.equal(entries.length, 2001 - from);
  await again.close();
});

test('segments are turned, trimmed and reused on a real disk, and stay whole', async (context) => {
  const folder = temporaryFolder(context);
  const { log, until, close } = await openAt(context, { folder, ...settings });
  const data = Buffer.alloc(4000, 'x');
  for (let index = 1; index <= 200; index++) {
    log.append(
      index,
      appendOf({ entries: [entryAt(index, 1, data)], hardState: hardStateOf(1, index) }),
    );
    await until(index);
    if (index % 20 === 0) log.trim(logIndex(index - 10));
  }
  await close();
  const names = systemFiles.list(folder);
  assert.ok(names.length <= 5, names.join(' '));
  const again = await openAt(context, { folder, ...settings });
  assert.equal(again.log.recovered.lastIndex, 200);
  assert.ok(again.log.recovered.trimmedIndex > 150);
  assert.equal(again.log.recovered.recentEntries.at(-1)?.index, 200);
  await again.close();
});

test('recent entries are the newest that fit, without a gap, also when there are many segments', async (context) => {
  const folder = temporaryFolder(context);
  const { log, until, close } = await openAt(context, { folder, ...settings });
  for (let index = 1; index <= 300; index++) {
    log.append(index, appendOf({ entries: [entryAt(index, 1, Buffer.alloc(1000, index))] }));
  }
  await until(300);
  await close();
  for (const [recentBytesMax, count] of [
    [0, 0],
    [1031, 0],
    [1032, 1],
    [100_500, 97],
    [1 << 20, 300],
  ] as const) {
    const again = await openAt(context, { folder, ...settings, recentBytesMax });
    const { recentEntries } = again.log.recovered;
    assert.equal(recentEntries.length, count);
    assert.deepEqual(
      recentEntries.map((entry) => entry.index),
      Array.from({ length: count }, (_, at) => 301 - count + at),
    );
    await again.close();
  }
});

const rejectsWith = (context: TestContext, folder: string, code: string): Promise<void> =>
  assert.rejects(
    openAt(context, { folder, ...settings }),
    (error) => error instanceof CodedError && error.code === code,
  );

test('a damaged log does not open, and the error crosses the thread with its hint', async (context) => {
  const folder = temporaryFolder(context);
  const { log, until, close } = await openAt(context, { folder, ...settings });
  log.append(1, appendOf({ entries: [entryAt(1)] }));
  await until(1);
  log.append(2, appendOf({ entries: [entryAt(2)] }));
  await until(2);
  await close();
  const path = join(folder, '00000000000000000001.log');
  const bytes = readFileSync(path);
  bytes[4096 + 25] = 0xff;
  writeFileSync(path, bytes);
  await assert.rejects(
    openAt(context, { folder, ...settings }),
    (error) =>
      error instanceof CodedError &&
      error.code === 'log_damaged' &&
      /--recover-tail/.test(error.details.hint ?? ''),
  );
});

test('PERM-07 the log folder is 0700 and its files 0600; a folder open to others is refused', async (context) => {
  const folder = temporaryFolder(context);
  const before = process.umask(0o000);
  context.after(() => process.umask(before));
  const { log, until, close } = await openAt(context, { folder, ...settings });
  log.append(1, appendOf({ entries: [entryAt(1, 1, Buffer.alloc(70_000))] }));
  await until(1);
  await close();
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  for (const name of systemFiles.list(folder)) {
    assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
  }
  chmodSync(folder, 0o750);
  await rejectsWith(context, folder, 'file_permissions');
});

test('a folder that cannot be made is an error of the storage, with the reason', async (context) => {
  const folder = join(temporaryFolder(context), 'missing', 'raft');
  await rejectsWith(context, folder, 'storage_failed');
});
