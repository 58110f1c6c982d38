// Power cuts, by what a disk may keep: of everything written since the last sync any sectors, of
// the WAL at least what was synced. Such files are made from copies of real ones, and opened.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { currentDatabaseFiles } from '#db/database-files.ts';
import type { Writer } from '#db/writer.ts';
import { systemFiles } from '#io/file-system.ts';
import { appliedIn, assertEachOnce, chainIn, countedEntries, lookInto } from './counted-log.ts';
import {
  drawer,
  type Files,
  filesOf,
  folderWith,
  headBytes,
  survivor,
  watchedFiles,
} from './power-cut-files.ts';
import { commandEntry, temporaryFolder, writerIn } from './support.ts';

/** Starts on what is left, applies the rest of the log: all as if nothing had happened. */
const assertRecovers = (
  t: TestContext,
  files: Files,
  expected: { readonly durable: number; readonly through: number; readonly chain: string },
): number => {
  const folder = folderWith(t, files);
  const writer = writerIn(t, folder);
  const { appliedIndex } = writer.state;
  assert.ok(
    appliedIndex >= expected.durable && appliedIndex <= expected.through,
    `${appliedIndex} after a cut, ${expected.durable} was reported durable`,
  );
  const before = lookInto(folder);
  if (appliedIndex > 0) assertEachOnce(before, appliedIndex);
  before.close();
  if (appliedIndex < expected.through) {
    writer.apply(countedEntries(appliedIndex + 1, expected.through));
  }
  const database = lookInto(folder);
  assertEachOnce(database, expected.through);
  assert.equal(chainIn(database), expected.chain);
  database.close();
  writer.close();
  return appliedIndex;
};

const chainOf = (folder: string): string => {
  const database = lookInto(folder);
  const chain = chainIn(database);
  database.close();
  return chain;
};

test('after a power cut the database is a prefix that holds at least what durableIndex reported', (t) => {
  const folder = temporaryFolder(t);
  let synced: Buffer = Buffer.alloc(0);
  const files = watchedFiles(
    () => currentDatabaseFiles(folder, systemFiles).writeAheadLog,
    () => {
      synced = filesOf(folder).writeAheadLog;
    },
  );
  const writer = writerIn(t, folder, { files });
  const draw = drawer(7);
  const losses: number[] = [];
  let durable = 0;
  for (let round = 0; round < 40; round++) {
    const { appliedIndex } = writer.state;
    const through = appliedIndex + 1 + draw(40);
    writer.apply(countedEntries(appliedIndex + 1, through));
    const now = filesOf(folder);
    const left = {
      database: now.database,
      writeAheadLog: survivor(synced, now.writeAheadLog, draw),
    };
    // Before the first sync the head of the WAL and the tables themselves may be gone.
    if (durable > 0) {
      const chain = chainOf(folder);
      losses.push(through - assertRecovers(t, left, { durable, through, chain }));
    }
    if (draw(3) === 0 || durable === 0) durable = writer.durableIndex();
  }
  assert.ok(new Set(losses).size > 10, 'the cuts lose something each time, and not the same');
  t.diagnostic(`entries lost in the cuts: ${losses.join(' ')}`);
});

/** Makes the WAL large enough for `maintain` to write it back. */
const fillWriteAheadLog = (writer: Writer): void => {
  const { appliedIndex } = writer.state;
  const text = 'INSERT INTO filling VALUES(zeroblob(34000000))';
  writer.apply([commandEntry(appliedIndex + 1, [text, 'DELETE FROM filling'], { schemaIndex: 1 })]);
};

test('a power cut while a large WAL is written back, and behind it, loses nothing that was durable', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  const draw = drawer(11);
  writer.apply([commandEntry(1, ['CREATE TABLE filling(data)', 'CREATE TABLE t(a)'])]);
  fillWriteAheadLog(writer);
  const insert = (from: number): void => {
    const entries = Array.from({ length: 50 }, (_, at) =>
      commandEntry(from + at, [['INSERT INTO t VALUES(?)', BigInt(from + at)]], { schemaIndex: 1 }),
    );
    writer.apply(entries);
  };
  insert(3);
  // SQLite syncs the WAL before it writes pages back, and the database before the WAL is reused.
  const before = filesOf(folder);
  writer.maintain();
  const after = filesOf(folder);
  insert(53);
  const reused = filesOf(folder);
  assert.ok(after.database.length > before.database.length, 'it was written back');
  assert.notDeepEqual(
    reused.writeAheadLog.subarray(0, headBytes),
    before.writeAheadLog.subarray(0, headBytes),
    'the WAL began anew',
  );
  const check = (files: Files, least: number): number => {
    const left = folderWith(t, files);
    writerIn(t, left).close();
    const database = lookInto(left);
    const applied = appliedIn(database);
    assert.equal(database.pragma('integrity_check', { simple: true }), 'ok');
    assert.equal(database.prepare('SELECT count(*) FROM t').pluck().get(), applied - 2);
    database.close();
    assert.ok(applied >= least, `${applied} after a cut, ${least} was durable`);
    return applied;
  };
  for (let cut = 0; cut < 6; cut++) {
    const half = survivor(before.database, after.database, draw);
    assert.equal(check({ database: half, writeAheadLog: before.writeAheadLog }, 52), 52);
    const tail = survivor(after.writeAheadLog, reused.writeAheadLog, draw);
    check({ database: after.database, writeAheadLog: tail }, 52);
  }
});
