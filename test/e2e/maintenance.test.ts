// Periodic VACUUM and ANALYZE in a real cluster of three: on all nodes at one entry, and they hold
// the same afterwards.
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { currentDatabaseFiles } from '#db/database-files.ts';
import { systemFiles } from '#io/file-system.ts';
import { eventually, stockade } from './cluster.ts';
import { FormedCluster } from './formed-cluster.ts';

process.umask(0o077);

/** Filled it has 800,000. */
const compactBytes = 200_000;

/** Behind which entry the database in use was made by a VACUUM; 0: none made it. */
const vacuumedAt = (folder: string): number => {
  const { database } = currentDatabaseFiles(join(folder, 'data'), systemFiles);
  return Number(/v(\d+)t\d+/.exec(basename(dirname(database)))?.[1] ?? 0);
};

const numberIn = (text: string, name: string): number =>
  Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);

test('three nodes vacuum and analyze at the same entries and hold the same afterwards', async (t) => {
  const cluster = await FormedCluster.prepare();
  t.after(() => cluster.remove());
  const words = ['init', '--name', 'n1', '--advertise', '127.0.0.1', ...cluster.options(0)];
  assert.equal((await stockade(words)).code, 0);
  const config = join(cluster.data(0), 'node.yaml');
  appendFileSync(config, 'db:\n  autoVacuum: 3s\n  autoOptimize: 3s\n');
  await cluster.start(['run', '--config', config]).says(/serving/);
  const { tokens } = await cluster.admit(0, ['n2', 'n3']);
  const joining = [cluster.join(1, tokens[0] ?? ''), cluster.join(2, tokens[1] ?? '')];
  for (const run of joining) await run.says(/member/);
  await cluster.execute(0, 'CREATE TABLE t(a, b)', 'CREATE INDEX t_a ON t(a)');
  const fill = "INSERT INTO t SELECT value, printf('%.*c', 4000, 'x') FROM json_each(?)";
  const values = JSON.stringify(Array.from({ length: 200 }, (_, at) => at));
  await cluster.ask(0, '/db/execute', JSON.stringify([[fill, values]]));
  assert.match(await cluster.query(0, 'SELECT count(*) FROM t'), /200/);
  await cluster.execute(0, 'DELETE FROM t WHERE a > 3');
  const emptied = (await cluster.status(0)).store.raft.commit_index;
  const metrics = async (at: number): Promise<string> => (await cluster.ask(at, '/metrics')).text;
  for (const at of [0, 1, 2]) {
    await eventually(`node ${at} is compact and has statistics`, async () => {
      const stats = await cluster.query(at, 'SELECT count(*) FROM sqlite_stat1', 'none');
      return vacuumedAt(cluster.data(at)) > emptied && /"values":\[\[[1-9]/.test(stats);
    });
    const text = await metrics(at);
    assert.ok(numberIn(text, 'stockade_database_bytes') < compactBytes);
    for (const kind of ['vacuum', 'optimize']) {
      const name = `stockade_maintenance_last_timestamp_seconds\\{kind="${kind}"\\}`;
      assert.ok(numberIn(text, name) > 1.7e9, `${kind} on ${at}`);
    }
  }
  const text = await metrics(0);
  const took = 'stockade_maintenance_last_duration_seconds\\{kind="vacuum"\\}';
  assert.ok(numberIn(text, took) >= 0);
  await cluster.execute(0, "INSERT INTO t VALUES(1, 'behind')");
  const report = JSON.parse((await cluster.ask(0, '/consistency', '')).text) as {
    readonly content: { readonly nodes: readonly { readonly digest: string }[] };
  };
  const digests = new Set(report.content.nodes.map(({ digest }) => digest));
  assert.equal(report.content.nodes.length, 3);
  assert.equal(digests.size, 1, JSON.stringify(report));
});
