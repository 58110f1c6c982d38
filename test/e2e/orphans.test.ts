// A node that dies without a word leaves no process behind, not even one that is stuck.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cluster, eventually } from './cluster.ts';
import { familyOf } from './family.ts';

const endless =
  'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c';

const runs = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('a reader that is busy for ever ends with its node', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const cluster = await Cluster.start(1);
  t.after(() => cluster.remove());
  const node = cluster.file.nodes[0]?.pid ?? 0;
  const path = `/db/query?db_timeout=100s&timeout=100s&q=${encodeURIComponent(endless)}`;
  const read = cluster.ask(0, path, { timeoutMs: 100_000 }).catch(() => undefined);
  await eventually('the read is under way', async () =>
    (await cluster.ask(0, '/queries')).text.includes('WITH RECURSIVE c'),
  );
  const family = familyOf(node);
  assert.ok(family.length >= 4, 'node, front, writer, reader');
  process.kill(node, 'SIGKILL');
  await read;
  await eventually('none of them is left', () => Promise.resolve(!family.some(runs)));
});
