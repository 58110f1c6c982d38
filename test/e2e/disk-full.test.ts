// A disk that others fill up, for real: a small file system of its own, which only root can mount.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Cluster, eventually } from './cluster.ts';

const mib = 1024 * 1024;

const mounted = (bytes: number): string | undefined => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-small-'));
  const options = `size=${bytes},mode=0700`;
  const { status } = spawnSync('/bin/mount', ['-t', 'tmpfs', '-o', options, 'none', folder]);
  if (status === 0) return folder;
  rmSync(folder, { recursive: true });
  return undefined;
};

const unmount = (folder: string): void => {
  spawnSync('/bin/umount', ['-l', folder]);
  rmSync(folder, { recursive: true, force: true });
};

/** Leaves so many bytes free, with a file that is not ours. */
const leave = (folder: string, freeBytes: number): void => {
  rmSync(join(folder, 'ballast'), { force: true });
  const { bavail, bsize } = statfsSync(folder);
  writeFileSync(join(folder, 'ballast'), Buffer.alloc(Math.max(0, bavail * bsize - freeBytes)));
};

const levelOf = async (cluster: Cluster): Promise<string> => {
  const answer = await cluster.ask(0, '/status');
  return (answer.json as { disk: { level: string } }).disk.level;
};

test('DOS-20 a disk that fills up: writes are refused, rows can be deleted, reads go on, a start still works, and room brings all back', async (t) => {
  const disk = mounted(400 * mib);
  if (disk === undefined) return t.skip('mounting a small file system needs root');
  t.after(() => unmount(disk));
  let cluster = await Cluster.start(1, [], disk);
  t.after(() => cluster.stop());
  const write = (sql: string) => cluster.ask(0, '/db/execute', { body: JSON.stringify([sql]) });
  const level = (wanted: string): Promise<boolean> =>
    eventually(`the disk is ${wanted}`, async () => (await levelOf(cluster)) === wanted);
  await cluster.execute(0, ['CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)']);
  await cluster.execute(0, ["INSERT INTO t(v) VALUES('a'),('b'),('c')"]);
  // Who may delete on a nearly full disk holds `heavy`, which is no part of `all`.
  const file = cluster.file.auth;
  const users = readFileSync(file, 'utf8');
  writeFileSync(file, users.replace('"all"', '"all", "heavy"'));
  process.kill(cluster.file.nodes[0]?.pid ?? 0, 'SIGHUP');

  leave(disk, 30 * mib);
  await level('low');
  const refused = await write("INSERT INTO t(v) VALUES('d')");
  assert.equal(refused.status, 507, refused.text);
  assert.match(refused.text, /"code":"disk_full".*"applied":"no"/);
  await eventually('a trusted user makes room', async () => {
    const { status } = await write("DELETE FROM t WHERE v = 'c'");
    return status === 200;
  });
  assert.deepEqual(await cluster.query(0, 'SELECT COUNT(*) FROM t'), [[2]]);

  leave(disk, 5 * mib);
  await level('critical');
  assert.equal((await write('DELETE FROM t WHERE id = 1')).status, 507);
  assert.deepEqual(await cluster.query(0, 'SELECT COUNT(*) FROM t', 'none'), [[2]]);

  // Nothing is left at all: the node comes up on its reserve, and goes on when there is room.
  const reserve = join(cluster.file.nodes[0]?.data ?? '', 'reserve');
  assert.equal(await cluster.stop(), 0);
  assert.ok(existsSync(reserve));
  leave(disk, 0);
  const resumed = Cluster.resume(join(disk, 'cluster'), cluster.portBase, 1);
  await eventually('the reserve is freed', () => Promise.resolve(!existsSync(reserve)));
  await eventually('the node listens again', () =>
    cluster.ask(0, '/readyz', { timeoutMs: 2000 }).then(
      ({ status }) => status === 503,
      () => false,
    ),
  );
  rmSync(join(disk, 'ballast'));
  cluster = await resumed;
  await level('ample');
  await cluster.execute(0, ["INSERT INTO t(v) VALUES('d')"]);
  assert.deepEqual(await cluster.query(0, 'SELECT COUNT(*) FROM t'), [[3]]);
});
