// Replicas agree, and say so: equal outcome chains and content hashes at equal index on all nodes;
// a node that is configured differently than its cluster does not start.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openReader } from '#db/open-reader.ts';
import type { ContentHash } from '#db/reader.ts';
import { systemClock } from '#io/clock.ts';
import { systemFiles } from '#io/file-system.ts';
import { cryptoRandom } from '#io/random.ts';
import { Cluster, eventually, patienceMs } from './cluster.ts';

const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

interface Outcomes {
  readonly index: number;
  readonly chain: string;
}

const outcomesOf = async (cluster: Cluster, at: number): Promise<Outcomes> => {
  const answer = await cluster.ask(at, '/status');
  const status = answer.json as { readonly store: { readonly outcome_chain: Outcomes } };
  return status.store.outcome_chain;
};

const contentOf = (folder: string): ContentHash => {
  const effects = { files: systemFiles, random: cryptoRandom, clock: systemClock };
  const reader = openReader({ dataFolder: folder, ...effects });
  try {
    return reader.contentHash();
  } finally {
    reader.close();
  }
};

test('three nodes show one outcome chain and one content hash; configured differently one does not start', async (t) => {
  const cluster = await Cluster.start(3);
  t.after(() => cluster.remove());
  await cluster.execute(0, ['CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)']);
  for (let at = 0; at < 30; at++) {
    await cluster.execute(at % 3, [
      ['INSERT INTO t (a, b) VALUES (random(), ?)', at],
      "UPDATE t SET a = datetime('now') WHERE id % 7 = 0",
    ]);
  }
  const outcomes = await eventually('all nodes stand at one index', async () => {
    const found = await Promise.all([0, 1, 2].map((at) => outcomesOf(cluster, at)));
    return new Set(found.map(({ index }) => index)).size === 1 ? found : undefined;
  });
  assert.match(outcomes[0]?.chain ?? '', /^[0-9a-f]{64}$/);
  assert.deepEqual(outcomes[1], outcomes[0]);
  assert.deepEqual(outcomes[2], outcomes[0]);
  for (const at of [0, 1, 2]) {
    const { store } = (await cluster.ask(at, '/status')).json as {
      readonly store: { readonly engine: string; readonly other_engines: object };
    };
    assert.match(store.engine, /^sqlite=.* arch=.* floats=/);
    assert.deepEqual(store.other_engines, {});
  }
  const { nodes } = cluster.file;
  const contents = nodes.map(({ data }) => contentOf(data));
  assert.equal(contents[0]?.rows, 30);
  assert.deepEqual(contents[1], contents[0]);
  assert.deepEqual(contents[2], contents[0]);

  const config = nodes[1]?.config ?? '';
  await cluster.stop();
  // A bare environment: a node refuses one with variables that could weaken it.
  const words = [program, 'run', '--config', config, '--db.foreignKeys', 'true'];
  const ended = spawnSync(process.execPath, words, {
    env: {},
    encoding: 'utf8',
    timeout: patienceMs,
  });
  assert.ok(ended.status !== 0 && ended.status !== null, ended.stderr);
  assert.match(ended.stderr, /Set db\.foreignKeys to false/);
});
