import assert from 'node:assert/strict';
import { test } from 'node:test';
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
const openAt = async (options: DurableLogOptions) => {
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
  return { log, durable, until };
};

test('what was appended is there after a reopen: entries, terms, hard state, configurations', async (context) => {
  const folder = temporaryFolder(context);
  const first = await openAt({ folder, ...settings });
  assert.equal(first.log.recovered.lastIndex, 0);
  const configuration = entryAt(4, 2, 'members', 'configuration');
  first.log.append(1, appendOf({ entries: entriesAt(1, 3), hardState: hardStateOf(1, 0, 'n1') }));
  first.log.append(2, appendOf({ entries: [configuration], hardState: hardStateOf(2, 3, 'n2') }));
  await first.until(2);
  await first.log.close();
  assert.deepEqual(first.durable, [1, 2]);

  const second = await openAt({ folder, ...settings });
  const { recovered } = second.log;
  assert.deepEqual(recovered.hardState, hardStateOf(2, 3, 'n2'));
  assert.equal(recovered.lastIndex, 4);
  assert.deepEqual(recovered.terms, [
    { from: 1, term: 1 },
    { from: 4, term: 2 },
  ]);
  assert.deepEqual(plain(recovered.recentEntries), plain([...entriesAt(1, 3), configuration]));
  assert.deepEqual(plain(recovered.configurationEntries), plain([configuration]));
  await second.log.close();
});

test('a read during appends gives durable entries and those that are only handed over', async (context) => {
  const { log, until } = await openAt({ folder: temporaryFolder(context), ...settings });
  for (let index = 1; index <= 50; index++) {
    log.append(index, appendOf({ entries: [entryAt(index)] }));
  }
  const waiting = await log.read(logIndex(50), 1);
  assert.deepEqual(plain(waiting), plain([entryAt(50)]));
  await until(50);
  assert.deepEqual(plain(await log.read(logIndex(1), 1 << 20)), plain(entriesAt(1, 50)));
  await log.close();
});
