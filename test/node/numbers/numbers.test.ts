// What a node counts: each counter by what moves it, and what must not move it.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { prepareDatabaseFiles } from '#db/database-files.ts';
import { openWriter } from '#db/open-writer.ts';
import type { Sample } from '#http/metrics/exposition.ts';
import { systemClock } from '#io/clock.ts';
import { systemFiles } from '#io/file-system.ts';
import { cryptoRandom } from '#io/random.ts';
import { diskSamples } from '#node/numbers/disk-numbers.ts';
import { ProcessNumbers, residentSamples } from '#node/numbers/process-numbers.ts';
import { RaftNumbers } from '#node/numbers/raft-numbers.ts';
import { WriterNumbers } from '#node/numbers/writer-numbers.ts';
import type { Entry } from '#raft/entry.ts';
import { logIndex } from '#raft/log-index.ts';
import { nodeId } from '#raft/node-id.ts';
import type { Role, SoftState } from '#raft/ready.ts';
import { term } from '#raft/term.ts';

const effects = { files: systemFiles, random: cryptoRandom, clock: systemClock };

const numberOf = (samples: readonly Sample[], name: string): number | undefined =>
  samples.find((sample) => sample.name === name)?.value;

const state = (role: Role, number: number, leader?: string): SoftState => ({
  role,
  term: term(number),
  leader: leader === undefined ? undefined : nodeId(leader),
});

const barriers = (...indexes: readonly number[]): readonly Entry[] =>
  indexes.map((index) => ({
    index: logIndex(index),
    term: term(1),
    kind: 'barrier',
    data: Buffer.alloc(0),
  }));

test('a campaign counts once, whatever its rehearsal came to; a leader that stays counts once', () => {
  const numbers = new RaftNumbers(() => 0);
  numbers.roleChanged(state('follower', 1, 'n2'));
  numbers.roleChanged(state('pre-candidate', 1));
  numbers.roleChanged(state('candidate', 2));
  numbers.roleChanged(state('leader', 2, 'n1'));
  numbers.roleChanged(state('follower', 3));
  numbers.roleChanged(state('follower', 3, 'n1'));
  const samples = numbers.samples();
  assert.equal(numberOf(samples, 'stockade_raft_campaigns_total'), 1);
  assert.equal(numberOf(samples, 'stockade_raft_elections_won_total'), 1);
  assert.equal(numberOf(samples, 'stockade_raft_leader_changes_total'), 2);
});

test('the leader times each batch from its append to its commit; what a follower appends is not timed', () => {
  let nowMs = 0;
  const numbers = new RaftNumbers(() => nowMs);
  const count = (): number | undefined =>
    numberOf(numbers.samples(), 'stockade_raft_commit_duration_seconds_count');
  numbers.appended(barriers(1));
  numbers.committed(logIndex(1));
  assert.equal(count(), 0);
  numbers.roleChanged(state('leader', 2, 'n1'));
  numbers.appended(barriers(2, 3));
  numbers.appended(barriers(4));
  nowMs = 30;
  numbers.committed(logIndex(3));
  assert.equal(count(), 1);
  assert.equal(numberOf(numbers.samples(), 'stockade_raft_commit_duration_seconds_sum'), 0.03);
  // Deposed: what is still under way may never be committed.
  numbers.roleChanged(state('follower', 3, 'n2'));
  numbers.committed(logIndex(4));
  assert.equal(count(), 1);
});

test('syncs are counted by how long they took', () => {
  const numbers = new RaftNumbers(() => 0);
  numbers.synced(400);
  numbers.synced(30_000);
  const samples = numbers.samples();
  const upTo = (le: string): number | undefined =>
    samples.find(
      ({ name, labels }) =>
        name === 'stockade_log_sync_duration_seconds_bucket' && labels['le'] === le,
    )?.value;
  assert.deepEqual([upTo('0.0005'), upTo('0.025'), upTo('0.05'), upTo('+Inf')], [1, 1, 2, 2]);
  assert.equal(numberOf(samples, 'stockade_log_last_sync_seconds'), 0.03);
});

test('a process tells its memory, CPU and descriptors; a process that is gone has no memory', () => {
  const samples = new ProcessNumbers('writer', systemFiles, () => 0).samples();
  assert.ok((numberOf(samples, 'stockade_process_resident_memory_bytes') ?? 0) > 10_000_000);
  assert.ok((numberOf(samples, 'stockade_process_cpu_seconds_total') ?? 0) > 0);
  assert.ok(samples.every(({ labels }) => labels['process'] === 'writer'));
  if (process.platform !== 'linux') return;
  assert.ok((numberOf(samples, 'stockade_process_open_fds') ?? 0) > 2);
  const [own] = residentSamples('reader', [process.pid, 2 ** 30], systemFiles);
  assert.ok((own?.value ?? 0) > 10_000_000);
  assert.deepEqual(residentSamples('reader', [2 ** 30], systemFiles), []);
});

test('the writer counts batches, entries and write-backs; the disk is told by its files', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-numbers-'));
  context.after(() => rmSync(folder, { recursive: true }));
  prepareDatabaseFiles(folder, effects);
  const writer = openWriter({ dataFolder: folder, ...effects });
  const numbers = new WriterNumbers(() => 0);
  numbers.apply(
    writer,
    barriers(1, 2).map((entry) => ({ ...entry, render: 0 })),
  );
  numbers.maintain(writer);
  const samples = numbers.samples();
  assert.equal(numberOf(samples, 'stockade_writer_batch_duration_seconds_count'), 1);
  assert.equal(numberOf(samples, 'stockade_writer_entries_total'), 2);
  // So small a log is not written back.
  assert.equal(numberOf(samples, 'stockade_wal_checkpoint_duration_seconds_count'), 0);
  numbers.maintain({ ...writer, maintain: () => true });
  assert.equal(numberOf(numbers.samples(), 'stockade_wal_checkpoint_duration_seconds_count'), 1);
  const space = { freeBytes: 5, totalBytes: 9 };
  const before = diskSamples(folder, space, systemFiles);
  assert.ok((numberOf(before, 'stockade_wal_bytes') ?? 0) > 0);
  assert.equal(numberOf(before, 'stockade_disk_total_bytes'), 9);
  // No log is there yet: its size is not known, and not zero.
  assert.equal(numberOf(before, 'stockade_log_bytes'), undefined);
  mkdirSync(join(folder, 'raft'));
  writeFileSync(join(folder, 'raft', 'segment'), Buffer.alloc(1234));
  assert.equal(numberOf(diskSamples(folder, space, systemFiles), 'stockade_log_bytes'), 1234);
  writer.close();
});
