// Log, database and its write-ahead log under one power cut, as a node has them: entries are
// durable in the log before they are applied, and the log is trimmed behind what the database holds
// durably. A cut at each sync: the start finds all that was acknowledged, without a hole.
//
//   STOCKADE_POWER_CUT_BATCHES=1000    how many batches (40)
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { currentDatabaseFiles } from '#db/database-files.ts';
import type { CommittedEntry, Writer } from '#db/writer.ts';
import { systemFiles } from '#io/file-system.ts';
import { seededRandom } from '#io/random.ts';
import type { Entry } from '#raft/entry.ts';
import { logIndex } from '#raft/log-index.ts';
import { term } from '#raft/term.ts';
import { SimulatedDisk } from '../log/simulated-disk.ts';
import { contentOf, openOn } from '../log/simulated-log.ts';
import { assertEachOnce, chainIn, countedEntries, lookInto } from './counted-log.ts';
import {
  drawer,
  type Files,
  filesOf,
  folderWith,
  survivor,
  watchedFiles,
} from './power-cut-files.ts';
import { commandEntry, temporaryFolder, writerIn } from './support.ts';

const batches = Number(process.env['STOCKADE_POWER_CUT_BATCHES'] ?? 40);

/** Several segments at any time, so that trims free some. */
const segmentBytes = 6 * 1024;

/** So often the write-ahead log is made large enough to be written back; that takes a while. */
const batchesPerCheckpoint = 30;

const loggedOf = ({ index, term: at, kind, data }: CommittedEntry): Entry => ({
  index: logIndex(index),
  term: term(at),
  kind,
  data,
});

interface Cut {
  readonly disk: SimulatedDisk;
  readonly files: Files;
  readonly acknowledged: number;
  /** The outcome chain behind `acknowledged`, once it is known. */
  readonly chain: string | undefined;
  readonly seed: number;
}

/** Starts on what is left, as a node does; how many entries the database had lost. */
const assertStarts = (t: TestContext, { disk, files, acknowledged, chain, seed }: Cut): number => {
  const log = openOn(disk.cutPower(seededRandom(seed)), { segmentBytes });
  const { trimmedIndex, lastIndex } = log.log.recovered;
  assert.ok(
    lastIndex >= acknowledged,
    `the log ends at ${lastIndex}, ${acknowledged} was acknowledged`,
  );
  const folder = folderWith(t, files);
  const writer = writerIn(t, folder);
  const { appliedIndex } = writer.state;
  assert.ok(
    appliedIndex >= trimmedIndex,
    `trimmed to ${trimmedIndex}, the database has ${appliedIndex}`,
  );
  assert.ok(
    appliedIndex <= lastIndex,
    `applied ${appliedIndex} is not in a log that ends at ${lastIndex}`,
  );
  const missing = contentOf(log).filter(({ index }) => index > appliedIndex);
  assert.deepEqual(
    missing.map(({ index }) => Number(index)),
    Array.from({ length: lastIndex - appliedIndex }, (_, at) => appliedIndex + 1 + at),
    'what the database lost is in the log, without a hole',
  );
  if (missing.length > 0) writer.apply(missing.map((entry) => ({ ...entry, render: 1 })));
  const database = lookInto(folder);
  assertEachOnce(database, lastIndex);
  if (chain !== undefined && lastIndex === acknowledged) assert.equal(chainIn(database), chain);
  database.close();
  writer.close();
  rmSync(folder, { recursive: true });
  return lastIndex - appliedIndex;
};

/** Leaves nothing but a write-ahead log that is large enough to be written back. */
const large = commandEntry(1, ['INSERT INTO counted VALUES(0, zeroblob(34000000))'], {
  schemaIndex: 1,
}).data;

const chainNow = (folder: string): string => {
  const database = lookInto(folder);
  const chain = chainIn(database);
  database.close();
  return chain;
};

test('a cut of power at any sync of log and database loses nothing that was acknowledged', (t) => {
  const folder = temporaryFolder(t);
  const draw = drawer(23);
  let synced: Buffer = Buffer.alloc(0);
  const files = watchedFiles(
    () => currentDatabaseFiles(folder, systemFiles).writeAheadLog,
    () => {
      synced = filesOf(folder).writeAheadLog;
    },
  );
  const writer: Writer = writerIn(t, folder, { files });
  const disk = new SimulatedDisk();
  const log = openOn(disk, { segmentBytes });
  let acknowledged = 0;
  let durable = 0;
  let trims = 0;
  let checkpoints = 0;
  const losses: number[] = [];
  const cut = (chain: string | undefined, now = filesOf(folder)): void => {
    // Before the first sync the tables themselves may be gone: such a node begins anew.
    if (durable === 0) return;
    const left = { ...now, writeAheadLog: survivor(synced, now.writeAheadLog, draw) };
    losses.push(assertStarts(t, { disk, files: left, acknowledged, chain, seed: draw(2 ** 30) }));
  };
  for (let batch = 1; batch <= batches; batch++) {
    const entries = [...countedEntries(acknowledged + 1, acknowledged + 1 + draw(8))];
    const last = entries.at(-1)?.index ?? 0;
    log.append({ entries: entries.map(loggedOf) });
    acknowledged = last;
    cut(undefined);
    writer.apply(entries);
    cut(chainNow(folder));
    if (batch % batchesPerCheckpoint === 0) {
      writer.rehearse(large);
      const before = filesOf(folder);
      writer.maintain();
      checkpoints += 1;
      // SQLite syncs the write-ahead log before it writes pages back, and those before it goes on.
      const { database, writeAheadLog } = filesOf(folder);
      const half = { ...before, database: survivor(before.database, database, draw) };
      synced = before.writeAheadLog;
      cut(chainNow(folder), half);
      synced = writeAheadLog;
    }
    if (draw(3) === 0 || durable === 0) durable = writer.durableIndex();
    if (draw(4) === 0) {
      log.log.trim(logIndex(Math.max(0, durable - draw(10))));
      trims += 1;
      cut(chainNow(folder));
    }
  }
  assert.ok(trims >= batches / 10 && checkpoints > 0);
  assert.ok(new Set(losses).size > 5, 'the cuts lose something each time, and not the same');
  t.diagnostic(
    `${batches} batches, ${losses.length} cuts, ${trims} trims, ${checkpoints} checkpoints, at most ${Math.max(...losses)} entries lost by the database`,
  );
});
