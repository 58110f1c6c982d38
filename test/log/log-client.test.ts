// The side of the log that lives on the main thread: joining of batches, order of reports.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError } from '#errors.ts';
import { InvariantError } from '#invariant.ts';
import { systemClock } from '#io/clock.ts';
import { seededRandom } from '#io/random.ts';
import { carriedFrom, errorFrom } from '#log/carried-error.ts';
import type { DurableLogOptions } from '#log/durable-log.ts';
import { LogClient } from '#log/log-client.ts';
import { encodeBatch } from '#log/log-record.ts';
import { LogService } from '#log/log-service.ts';
import { spareNameOf } from '#log/segment-file.ts';
import type { FromLogThread, ToLogThread } from '#log/thread-message.ts';
import { logIndex } from '#raft/log-index.ts';
import { term } from '#raft/term.ts';
import { appendOf, entriesAt, entryAt, hardStateOf, plain } from './log-fixtures.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { folder } from './simulated-log.ts';

const options: DurableLogOptions = { folder, segmentBytes: 64 * 1024, recentBytesMax: 1 << 20 };

/**
 * Both sides of the log in one thread over a simulated disk. Messages lie in two queues until
 * `turn` or `settle` hands them on, so a test says what happens while a sync is under way.
 */
const connect = (disk: SimulatedDisk, settings: Partial<DurableLogOptions> = {}) => {
  const toThread: ToLogThread[] = [];
  const fromThread: FromLogThread[] = [];
  const idle: (() => void)[] = [];
  const timers: (() => void)[] = [];
  const durable: number[] = [];
  const synced: { readonly before: number; readonly micros: number }[] = [];
  const failures: Error[] = [];
  const full: boolean[] = [];
  const service = new LogService(
    { ...options, ...settings },
    {
      files: disk,
      random: seededRandom(1),
      clock: systemClock,
      timers: {
        after: (_delayMs, step) => {
          timers.push(step);
          return () => timers.splice(timers.indexOf(step), 1);
        },
        whenIdle: (step) => idle.push(step),
      },
    },
    (message, transfer) => fromThread.push(structuredClone(message, { transfer: [...transfer] })),
  );
  const opened = fromThread.shift();
  assert.equal(opened?.kind, 'opened');
  const client = new LogClient(
    {
      post: (message, transfer) => {
        toThread.push(structuredClone(message, { transfer: [...transfer] }));
      },
      end: () => Promise.resolve(),
    },
    opened,
    {
      onDurable: (sequence) => durable.push(sequence),
      onSynced: (micros) => synced.push({ before: durable.length, micros }),
      onFailed: (error) => failures.push(error),
      onDiskFull: (isFull) => full.push(isFull),
    },
  );
  /**
   * The thread handles one message, then the main side what the thread said; true: more is there.
   */
  const turn = (): boolean => {
    const message = toThread.shift();
    if (message !== undefined) service.receive(message);
    for (let said = fromThread.shift(); said !== undefined; said = fromThread.shift()) {
      client.receive(said);
    }
    return toThread.length > 0;
  };
  const settle = (): void => {
    while (turn());
  };
  const runTimers = (): void => {
    for (const step of timers.splice(0)) step();
    settle();
  };
  const runIdle = (): void => {
    for (let step = idle.shift(); step !== undefined; step = idle.shift()) step();
  };
  return {
    client,
    durable,
    synced,
    failures,
    full,
    turn,
    settle,
    runTimers,
    runIdle,
    toThread,
    idle,
  };
};

test('appends that come while the disk works share one sync, and are reported in order', () => {
  const disk = new SimulatedDisk();
  const { client, durable, settle, toThread } = connect(disk);
  const syncs = disk.dataSyncs;
  for (let index = 1; index <= 100; index++) {
    client.append(index, appendOf({ entries: [entryAt(index)] }));
  }
  assert.equal(toThread.length, 1, 'the thread has one batch, the others wait');
  settle();
  assert.deepEqual(
    durable,
    Array.from({ length: 100 }, (_, at) => at + 1),
  );
  assert.equal(disk.dataSyncs - syncs, 2, 'the first, and all others together');
});

test('each sync tells how long it took, once, before what it made durable', () => {
  const { client, durable, synced, settle } = connect(new SimulatedDisk());
  for (let index = 1; index <= 3; index++) {
    client.append(index, appendOf({ entries: [entryAt(index)] }));
  }
  settle();
  assert.deepEqual(durable, [1, 2, 3]);
  assert.deepEqual(
    synced.map(({ before }) => before),
    [0, 1],
  );
  for (const { micros } of synced) assert.ok(Number.isInteger(micros) && micros >= 0, `${micros}`);
});

test('nothing is reported before its sync', () => {
  const disk = new SimulatedDisk();
  const { client, durable, turn } = connect(disk);
  client.append(1, appendOf({ entries: [entryAt(1)] }));
  client.append(2, appendOf({ hardState: hardStateOf(3) }));
  client.append(3, appendOf({ entries: [entryAt(2)] }));
  assert.deepEqual(durable, []);
  turn();
  assert.deepEqual(durable, [1]);
  const syncs = disk.dataSyncs;
  turn();
  assert.deepEqual(durable, [1, 2, 3]);
  assert.equal(disk.dataSyncs, syncs + 1);
});

test('a batch is closed before it grows beyond its bound', () => {
  const { client, durable, settle, turn } = connect(new SimulatedDisk());
  const large = Buffer.alloc(3 << 20);
  for (let index = 1; index <= 4; index++) {
    client.append(index, appendOf({ entries: [entryAt(index, 1, large)] }));
  }
  turn();
  assert.deepEqual(durable, [1]);
  turn();
  assert.deepEqual(durable, [1, 2], 'the second and the third together are too large');
  settle();
  assert.deepEqual(durable, [1, 2, 3, 4]);
});

test('reads see what was handed over: entries that wait, truncations that wait, a snapshot that waits', async () => {
  const { client, settle } = connect(new SimulatedDisk());
  client.append(1, appendOf({ entries: entriesAt(1, 6) }));
  settle();
  client.append(2, appendOf({ entries: entriesAt(7, 8) }));
  client.append(3, appendOf({ truncateFrom: logIndex(5), entries: entriesAt(5, 6, 2) }));
  client.append(4, appendOf({ entries: entriesAt(7, 7, 2) }));
  const read = async (from: number, bytesMax = 1 << 20) => {
    const entries = client.read(logIndex(from), bytesMax);
    settle();
    return plain(await entries);
  };
  // In the order in which the thread answers, before and after the batches are written.
  const early = client.read(logIndex(3), 1 << 20);
  assert.deepEqual(plain(await client.read(logIndex(5), 1)), plain(entriesAt(5, 5, 2)));
  assert.deepEqual(plain(await client.read(logIndex(7), 1)), plain(entriesAt(7, 7, 2)));
  assert.deepEqual(plain(await client.read(logIndex(8), 1)), []);
  settle();
  assert.deepEqual(plain(await early), plain(entriesAt(3, 4)));
  assert.deepEqual(await read(3), plain([...entriesAt(3, 4), ...entriesAt(5, 7, 2)]));
  assert.deepEqual(await read(9), []);

  client.append(5, appendOf({ hardState: hardStateOf(2) }));
  client.append(6, appendOf({ truncateFrom: logIndex(6) }));
  const cut = client.read(logIndex(5), 1 << 20);
  assert.deepEqual(plain(await client.read(logIndex(6), 1)), []);
  settle();
  assert.deepEqual(plain(await cut), plain(entriesAt(5, 5, 2)));

  client.append(7, appendOf({ snapshot: { index: logIndex(9), term: term(3) } }));
  client.append(8, appendOf({ entries: entriesAt(10, 12, 3) }));
  assert.deepEqual(plain(await client.read(logIndex(7), 1)), []);
  assert.deepEqual(plain(await client.read(logIndex(10), 1)), plain(entriesAt(10, 10, 3)));
  assert.deepEqual(await read(4), []);
  assert.deepEqual(await read(11), plain(entriesAt(11, 12, 3)));
});

test('a read gives at least one entry and stops at the bytes asked for', async () => {
  const { client, settle } = connect(new SimulatedDisk());
  const data = Buffer.alloc(1000);
  client.append(1, appendOf({ entries: [1, 2, 3, 4].map((index) => entryAt(index, 1, data)) }));
  settle();
  for (const [bytesMax, count] of [
    [1, 1],
    [2063, 1],
    [2064, 2],
    [9999, 4],
  ] as const) {
    const entries = client.read(logIndex(1), bytesMax);
    settle();
    assert.equal((await entries).length, count, `${bytesMax}`);
  }
});

test('a failed sync is reported once, ends the log, and nothing more is written or reported', async () => {
  const disk = new SimulatedDisk();
  const { client, durable, failures, settle, turn } = connect(disk);
  client.append(1, appendOf({ entries: [entryAt(1)] }));
  turn();
  disk.failNextSync = true;
  client.append(2, appendOf({ entries: [entryAt(2)] }));
  client.append(3, appendOf({ entries: [entryAt(3)] }));
  const read = client.read(logIndex(1), 1);
  settle();
  const { writes } = disk;
  client.append(4, appendOf({ entries: [entryAt(4)] }));
  settle();
  assert.deepEqual(durable, [1]);
  assert.equal(failures.length, 1);
  const [failure] = failures;
  assert.ok(failure instanceof CodedError && failure.code === 'storage_failed');
  assert.match(failure.message, /EIO/);
  assert.equal(disk.writes, writes);
  await assert.rejects(read, failure);
  await assert.rejects(client.read(logIndex(1), 1), failure);
  await client.close();
});

test('a full disk is reported, what was handed over waits and becomes durable when there is room', () => {
  const disk = new SimulatedDisk();
  const { client, durable, failures, full, settle, runTimers } = connect(disk);
  disk.roomBytes = 10;
  for (let index = 1; index <= 5; index++) {
    client.append(index, appendOf({ entries: [entryAt(index)] }));
  }
  settle();
  runTimers();
  assert.deepEqual(full, [true]);
  assert.deepEqual(durable, []);
  disk.roomBytes = Number.POSITIVE_INFINITY;
  runTimers();
  assert.deepEqual(durable, [1, 2, 3, 4, 5]);
  assert.deepEqual(full, [true, false]);
  assert.deepEqual(failures, []);
});

test('reads are answered while the disk is full', async () => {
  const disk = new SimulatedDisk();
  const { client, settle } = connect(disk);
  client.append(1, appendOf({ entries: [entryAt(1)] }));
  settle();
  disk.roomBytes = 0;
  client.append(2, appendOf({ entries: [entryAt(2)] }));
  settle();
  const read = client.read(logIndex(1), 1 << 20);
  settle();
  assert.deepEqual(plain(await read), plain([entryAt(1)]));
});

test('a log that is held keeps what it is handed, and makes it durable when it is let go', async () => {
  const disk = new SimulatedDisk();
  const { client, durable, full, settle } = connect(disk);
  client.hold(true);
  for (let index = 1; index <= 3; index++) {
    client.append(index, appendOf({ entries: [entryAt(index)] }));
  }
  settle();
  assert.deepEqual(durable, []);
  assert.equal(connect(disk.crash()).client.recovered.lastIndex, 0);
  const read = client.read(logIndex(1), 1 << 20);
  settle();
  assert.deepEqual(plain(await read).slice(0, 1), plain([entryAt(1)]));
  client.hold(false);
  settle();
  assert.deepEqual(durable, [1, 2, 3]);
  assert.deepEqual(full, []);
});

test('a close of a log that is held does not wait for what was never written', async () => {
  const disk = new SimulatedDisk();
  const { client, durable, settle } = connect(disk);
  client.append(1, appendOf({ entries: [entryAt(1)] }));
  client.hold(true);
  client.append(2, appendOf({ entries: [entryAt(2)] }));
  const closed = client.close();
  settle();
  await closed;
  assert.deepEqual(durable, [1]);
  assert.equal(connect(disk).client.recovered.lastIndex, 1);
});

test('a close waits for what was handed over; on a full disk it does not wait for ever', async () => {
  const disk = new SimulatedDisk();
  const first = connect(disk);
  for (let index = 1; index <= 5; index++) {
    first.client.append(index, appendOf({ entries: [entryAt(index)] }));
  }
  const closed = first.client.close();
  first.settle();
  await closed;
  assert.deepEqual(first.durable, [1, 2, 3, 4, 5]);

  const second = connect(disk);
  disk.roomBytes = 0;
  second.client.append(6, appendOf({ entries: [entryAt(6)] }));
  second.settle();
  const gaveUp = second.client.close();
  second.settle();
  await gaveUp;
  second.runTimers();
  assert.deepEqual(second.durable, []);
  disk.roomBytes = Number.POSITIVE_INFINITY;
  assert.equal(connect(disk).client.recovered.lastIndex, 5);
});

test('a read of a record that rotted is refused, and the log goes on', async () => {
  const disk = new SimulatedDisk();
  const { client, durable, settle } = connect(disk);
  client.append(1, appendOf({ entries: [entryAt(1)] }));
  client.append(2, appendOf({ entries: [entryAt(2)] }));
  settle();
  disk.bytesOf(`${folder}/00000000000000000001.log`).fill(1, 4096 + 30, 4096 + 40);
  const read = client.read(logIndex(1), 1);
  settle();
  await assert.rejects(read, /entry 1 can no longer be read/);
  client.append(3, appendOf({ entries: [entryAt(3)] }));
  settle();
  assert.deepEqual(durable, [1, 2, 3]);
});

test('the next segment is prepared while nothing else is to do, and the turn to it writes no zeros', () => {
  const disk = new SimulatedDisk();
  const { client, runIdle, settle } = connect(disk);
  const half = Buffer.alloc(33 * 1024);
  client.append(1, appendOf({ entries: [entryAt(1, 1, half)] }));
  settle();
  runIdle();
  assert.ok(disk.list(folder).some((name) => name.endsWith('.spare')));
  const { writes } = disk;
  client.append(2, appendOf({ entries: [entryAt(2, 1, half)] }));
  settle();
  assert.equal(disk.writes - writes, 2, 'the first page and the frame');
});

test('a trim reaches the disk, in order with what was handed over before', () => {
  const disk = new SimulatedDisk();
  const { client, durable, settle } = connect(disk);
  const half = Buffer.alloc(33 * 1024);
  for (let index = 1; index <= 4; index++) {
    client.append(index, appendOf({ entries: [entryAt(index, 1, half)] }));
    settle();
  }
  const segments = () => disk.list(folder).filter((name) => name.endsWith('.log')).length;
  assert.equal(segments(), 4);
  client.trim(logIndex(2));
  settle();
  assert.equal(segments(), 2);
  assert.deepEqual(durable, [1, 2, 3, 4]);
});

test('a large segment is prepared slice by slice, and messages between the slices are answered', () => {
  const disk = new SimulatedDisk();
  const { client, durable, idle, settle } = connect(disk, { segmentBytes: 4 << 20 });
  client.append(1, appendOf({ entries: [entryAt(1, 1, Buffer.alloc(3 << 20))] }));
  settle();
  const spareBytes = () => disk.status(`${folder}/${spareNameOf(1)}`)?.bytes;
  assert.equal(idle.length, 1, 'one slice at a time');
  idle.shift()?.();
  assert.equal(spareBytes(), 1 << 20);
  client.append(2, appendOf({ entries: [entryAt(2)] }));
  settle();
  assert.deepEqual(durable, [1, 2]);
  assert.equal(idle.length, 1);
  idle.shift()?.();
  assert.equal(spareBytes(), 2 << 20);
});

test('an error of the disk while a segment is prepared ends the log', () => {
  const disk = new SimulatedDisk();
  const { client, failures, runIdle, settle } = connect(disk);
  client.append(1, appendOf({ entries: [entryAt(1, 1, Buffer.alloc(33 * 1024))] }));
  settle();
  disk.failNextSync = true;
  runIdle();
  settle();
  assert.match(String(failures), /EIO/);
});

test('a broken rule is no error of the disk: it leaves the service as what it is', () => {
  const { client, failures, toThread, turn } = connect(new SimulatedDisk());
  client.append(1, appendOf({ entries: [entryAt(1)] }));
  toThread.splice(0);
  // Entry 2 without entry 1: no main side sends that.
  toThread.push({ kind: 'batch', payload: encodeBatch([{ kind: 'entry', entry: entryAt(2) }]) });
  assert.throws(turn, InvariantError);
  assert.deepEqual(failures, []);
});

test('a thread that says twice that it opened is not heard the second time', () => {
  const { client, durable, settle } = connect(new SimulatedDisk());
  const nothing = new Uint8Array(0);
  const { recovered } = client;
  client.receive({
    kind: 'opened',
    recovered: { ...recovered, lastIndex: logIndex(7) },
    recentEntries: nothing,
    configurationEntries: nothing,
  });
  client.append(1, appendOf({ entries: [entryAt(1)] }));
  settle();
  assert.deepEqual(durable, [1]);
});

test('what is thrown and is no error, and an error without a hint, cross the thread all the same', () => {
  const thrown = carriedFrom('the cable fell out');
  assert.equal(thrown.code, 'storage_failed');
  assert.match(thrown.message, /the cable fell out/);
  const back = errorFrom(carriedFrom(new CodedError('disk_full', 'No room.')));
  assert.equal(back.code, 'disk_full');
  assert.ok(!('hint' in back.details), 'no hint is not a hint of nothing');
});

test('what was held back when the log failed is not written when it is let go', () => {
  const { client, failures, toThread } = connect(new SimulatedDisk());
  client.hold(true);
  client.append(1, appendOf({ entries: [entryAt(1)] }));
  client.fail(new Error('the thread ended'));
  client.hold(false);
  assert.deepEqual(toThread, []);
  assert.equal(failures.length, 1);
});
