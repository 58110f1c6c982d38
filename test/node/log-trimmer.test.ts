// What the trimmer lets go of, with real cores: whatever it decides the core must be able to live
// with, so each trim is also one of its log.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogTrimmer, type LogTrimmerOptions } from '#node/log-trimmer.ts';
import { logIndex } from '#raft/log-index.ts';
import { type Cluster, command, createLedCluster } from '../raft/cluster.ts';

const entryBytes = 1000;

interface Trimmed {
  readonly cluster: Cluster;
  /** Where the log begins now. */
  readonly trimmedIndex: () => number;
  readonly appliedIndex: () => number;
  /** Applies this many entries, in batches of ten, and waits for the trimmer each time. */
  readonly write: (count: number) => Promise<void>;
}

const trimmed = (
  voters: readonly string[],
  options: Partial<LogTrimmerOptions>,
  cluster = createLedCluster(voters, { uncommittedBytesMax: 1e9, inFlightBytesMax: 1e9 }),
): Trimmed => {
  const { node } = cluster.member('a');
  let told = node.database.appliedIndex as number;
  const trimmer = new LogTrimmer(
    {
      raft: node.raft,
      log: node.disk,
      trailingEntries: 100,
      trailingBytes: 1e9,
      segmentBytes: 10 * entryBytes,
      durableIndex: () => Promise.resolve(node.database.appliedIndex),
      heldIndex: () => undefined,
      ...options,
    },
    node.disk.durable.trimmedIndex,
    node.database.appliedIndex,
  );
  return {
    cluster,
    trimmedIndex: () => node.disk.durable.trimmedIndex,
    appliedIndex: () => node.database.appliedIndex,
    write: async (count) => {
      for (let at = 0; at < count; at += 10) {
        for (let one = 0; one < 10; one++) node.raft.propose(command('x'.repeat(entryBytes)));
        cluster.settle('a');
        cluster.deliverAll();
        const entries = node.database.applied.filter(({ index }) => index > told);
        told = node.database.appliedIndex;
        trimmer.applied(entries);
        await new Promise(setImmediate);
      }
    },
  };
};

test('the trailing entries stay in the log, what is before them goes', async () => {
  const { write, trimmedIndex, appliedIndex } = trimmed(['a'], {});
  await write(90);
  assert.equal(trimmedIndex(), 0);
  await write(400);
  const kept = appliedIndex() - trimmedIndex();
  assert.ok(kept >= 100 && kept <= 120, `${kept} entries`);
});

test('fewer entries stay when they have more bytes than the window', async () => {
  const { write, trimmedIndex, appliedIndex } = trimmed(['a'], {
    trailingEntries: 1_000_000,
    trailingBytes: 50 * entryBytes,
  });
  await write(400);
  const kept = appliedIndex() - trimmedIndex();
  assert.ok(kept >= 45 && kept <= 75, `${kept} entries`);
});

test('nothing goes that the database would not hold after a power cut', async () => {
  let durable = 30;
  const { write, trimmedIndex } = trimmed(['a'], {
    trailingEntries: 0,
    durableIndex: () => Promise.resolve(durable),
  });
  await write(200);
  assert.equal(trimmedIndex(), 30);
  durable = 90;
  await write(20);
  assert.equal(trimmedIndex(), 90);
});

test('without a writer nothing goes, and with the next one it does', async () => {
  let hasWriter = false;
  const { write, trimmedIndex, appliedIndex } = trimmed(['a'], {
    trailingEntries: 0,
    durableIndex: () =>
      hasWriter ? Promise.resolve(appliedIndex()) : Promise.reject(new Error('no writer')),
  });
  await write(100);
  assert.equal(trimmedIndex(), 0);
  hasWriter = true;
  await write(20);
  assert.ok(trimmedIndex() > 100);
});

test('what a live follower lacks stays, within four times the bytes of the window', async () => {
  const { cluster, write, trimmedIndex, appliedIndex } = trimmed(['a', 'b', 'c'], {
    trailingEntries: 10,
    trailingBytes: 100 * entryBytes,
  });
  // c answers heartbeats, but nothing that was appended reaches it.
  const match = appliedIndex();
  cluster.cut('a', 'c');
  await write(200);
  assert.ok(trimmedIndex() <= match, `${trimmedIndex()}, c has ${match}`);
  await write(600);
  const kept = appliedIndex() - trimmedIndex();
  assert.ok(kept >= 350 && kept <= 480, `${kept} entries`);
});

test('a follower that was not heard lately keeps nothing', async () => {
  const { cluster, write, trimmedIndex, appliedIndex } = trimmed(['a', 'b', 'c'], {
    trailingEntries: 10,
  });
  cluster.isolate('c');
  // Two checks of the quorum: in the first c still counts as heard.
  for (let tick = 0; tick < 25; tick++) {
    cluster.tick('a');
    cluster.deliverAll();
  }
  await write(100);
  assert.ok(appliedIndex() - trimmedIndex() <= 40);
});

test('what an image under way needs behind it stays', async () => {
  let held: number | undefined = 42;
  const { write, trimmedIndex } = trimmed(['a'], { trailingEntries: 0, heldIndex: () => held });
  await write(200);
  assert.equal(trimmedIndex(), 42);
  held = undefined;
  await write(20);
  assert.ok(trimmedIndex() > 100);
});

test('an adopted image takes the place of what was counted before it', async () => {
  const cluster = createLedCluster(['a']);
  const { raft, disk, database } = cluster.member('a').node;
  const trims: number[] = [];
  const trimmer = new LogTrimmer(
    {
      raft,
      log: { trim: (index) => trims.push(index) },
      trailingEntries: 0,
      trailingBytes: 1e9,
      segmentBytes: 1,
      durableIndex: () => Promise.resolve(2),
      heldIndex: () => undefined,
    },
    disk.durable.trimmedIndex,
    database.appliedIndex,
  );
  // Its answer comes when the log begins behind entry 1000 already.
  trimmer.applied([...database.applied]);
  trimmer.restarted(logIndex(1000));
  await new Promise(setImmediate);
  assert.deepEqual(trims, []);
});
