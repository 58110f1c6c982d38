// What a small write costs the disk, seen from outside: calls of the kernel by strace, bytes by
// /proc/<pid>/io. One client, so that nothing shares a batch.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Cluster, eventually } from './cluster.ts';

const straceProgram = '/usr/bin/strace';
const writes = 200;

/** A spare segment is filled while the first one is written; this many writes are far from that. */
const warmUpWrites = 30;

const childrenOf = (pid: number): readonly number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').map(Number),
  );

const writtenBytes = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => {
    const found = /^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'));
    return sum + Number(found?.[1]);
  }, 0);

/** Calls by name, from the summary that `strace -c` prints at its end. */
const countsFrom = (summary: string): ReadonlyMap<string, number> =>
  new Map(
    summary
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => /^\d+$/.test(fields[0] ?? ''))
      .map((fields) => [fields.at(-1) ?? '', Number(fields[0])]),
  );

test('a small write of one client costs one fdatasync and two pages of the database', async (t) => {
  if (process.platform !== 'linux') return t.skip('/proc is of Linux');
  const cluster = await Cluster.start(1);
  t.after(() => cluster.remove());
  const pid = cluster.file.nodes[0]?.pid ?? 0;
  const pids = [pid, ...childrenOf(pid).filter((child) => child > 0)];
  const insert = async (count: number): Promise<void> => {
    for (let row = 0; row < count; row++) {
      await cluster.execute(0, [
        ['INSERT INTO t(v) VALUES(?)', 'sixty bytes, more or less, as a small row has them here'],
      ]);
    }
  };
  await cluster.execute(0, ['CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)']);
  // The log's first spare and the reserve are made in the background after the start.
  await insert(warmUpWrites);
  let before = -1;
  await eventually('nothing is written any more', async () => {
    const now = writtenBytes(pids);
    const still = now === before;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 300));
    return still;
  });
  await insert(writes);
  const bytesPerWrite = (writtenBytes(pids) - before) / writes;
  t.diagnostic(`${Math.round(bytesPerWrite)} bytes a write`);
  // The log's page and two of the database with their frames; a page more now and then, when the
  // table grows or the log begins another page.
  assert.ok(bytesPerWrite < 3.5 * 4096, `${bytesPerWrite} bytes a write`);

  if (spawnSync(straceProgram, ['-V']).status !== 0)
    return t.diagnostic('no strace: syncs not counted');
  const options = ['-f', '-c', '-U', 'calls,name'];
  const traced = ['-e', 'trace=fdatasync,fsync,sync_file_range,pwrite64,pwritev'];
  const strace = spawn(
    straceProgram,
    [...options, ...traced, ...pids.flatMap((one) => ['-p', `${one}`])],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let said = '';
  strace.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const attached = await eventually('strace is attached, or may not', () =>
    Promise.resolve(
      strace.exitCode !== null
        ? 'refused'
        : pids.every((one) => said.includes(`Process ${one} attached`)) && 'attached',
    ),
  );
  if (attached === 'refused') return t.diagnostic(`strace may not attach here: ${said}`);
  await insert(writes);
  const ended = new Promise((resolve) => strace.once('exit', resolve));
  strace.kill('SIGINT');
  await ended;
  const counts = countsFrom(said);
  t.diagnostic(JSON.stringify([...counts]));
  assert.equal((counts.get('fdatasync') ?? 0) + (counts.get('fsync') ?? 0), writes);
  assert.equal(counts.get('pwritev'), writes, 'one append to the log each');
  // A frame of the write-ahead log is two calls, header and page.
  assert.ok((counts.get('pwrite64') ?? 0) <= writes * 4 * 1.1, JSON.stringify([...counts]));
});
