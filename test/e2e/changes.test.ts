// Captured changes through whole nodes: the leader is killed with SIGKILL under load, and every
// committed row reaches the receiver at least once, in order; streams of all nodes tell the same.
import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openSink, type Sink, type SinkMessage } from '../node/cdc/sink.ts';
import { Cluster, eventually } from './cluster.ts';

const capturingCluster = async (t: TestContext, sink: Sink): Promise<Cluster> => {
  const first = await Cluster.start(3);
  const { folder, portBase } = first;
  const configs = first.file.nodes.map(({ config }) => config);
  await first.stop();
  const ca = join(folder, 'sink-ca.pem');
  writeFileSync(ca, sink.ca);
  const own = [
    'cdc:',
    '  enabled: true',
    `  endpoint: ${sink.url}`,
    '  maxBatchDelayMs: 50',
    '  highWatermarkIntervalMs: 200',
    '  transmitMinBackoffMs: 50',
    '  tls:',
    `    ca: ${ca}`,
  ];
  for (const config of configs) appendFileSync(config, `\n${own.join('\n')}\n`);
  const cluster = await Cluster.resume(folder, portBase, 3);
  t.after(() => cluster.remove());
  return cluster;
};

const leaderOf = async (cluster: Cluster, ask: number): Promise<number> => {
  const { at } = await eventually('somebody leads', async () => {
    const leader = await cluster.leader(ask);
    return leader === undefined ? undefined : { at: leader };
  });
  return at;
};

const killLeader = async (cluster: Cluster): Promise<void> => {
  const at = await leaderOf(cluster, 0);
  process.kill(cluster.file.nodes[at]?.pid ?? 0, 'SIGKILL');
  await eventually('another node leads', async () => {
    const next = await cluster.leader((at + 1) % 3);
    return next !== undefined && next !== at;
  });
  await eventually('the killed node serves', async () => {
    const answer = await cluster.ask(at, '/readyz').catch(() => undefined);
    return answer?.status === 200;
  });
};

/** Writes rows one by one until told to stop; those that were acknowledged. */
const load = (cluster: Cluster): { readonly stop: () => Promise<readonly number[]> } => {
  let running = true;
  const acknowledged: number[] = [];
  const work = async (): Promise<void> => {
    for (let id = 1; running; id++) {
      const body = JSON.stringify([['INSERT INTO t VALUES (?, ?)', id, `row ${id}`]]);
      const answer = await cluster.ask(id % 3, '/db/execute', { body }).catch(() => undefined);
      if (answer?.status === 200 && !answer.text.includes('"error"')) acknowledged.push(id);
    }
  };
  const done = work();
  return {
    stop: async () => {
      running = false;
      await done;
      return acknowledged;
    },
  };
};

/** The messages of a stream from one index on, until it has one for the other. */
const streamed = (
  cluster: Cluster,
  at: number,
  [from, last]: readonly [number, number],
): Promise<readonly string[]> =>
  new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: cluster.portBase + 10 * at,
        path: `/db/changes?from=${from}`,
        rejectUnauthorized: false,
        auth: `admin:${cluster.password}`,
      },
      (incoming) => {
        if (incoming.statusCode !== 200) reject(new Error(`it answered ${incoming.statusCode}`));
        let text = '';
        incoming.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
          if (!text.includes(`data: {"index":${last},`) || !text.endsWith('\n\n')) return;
          outgoing.destroy();
          resolve([...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => data ?? ''));
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end();
  });

test('two killed leaders under load: the receiver gets every committed row, in order, and all nodes stream the same', async (t) => {
  const sink = await openSink(t);
  const cluster = await capturingCluster(t, sink);
  await cluster.execute(0, ['CREATE TABLE t(id INTEGER PRIMARY KEY, a)']);
  const writes = load(cluster);
  for (let round = 0; round < 2; round++) {
    const before = sink.taken.length;
    await eventually('rows arrive', () => Promise.resolve(sink.taken.length > before + 3));
    await killLeader(cluster);
  }
  const acknowledged = await writes.stop();
  await cluster.execute(0, ["INSERT INTO t VALUES (0, 'last')"]);
  const rows = await cluster.query(0, 'SELECT id FROM t WHERE id > 0', 'linearizable');
  const messages = (): readonly SinkMessage[] => sink.taken.flatMap(({ payload }) => payload);
  await eventually('the last row arrives', () =>
    Promise.resolve(messages().some(({ events }) => JSON.stringify(events).includes('"last"'))),
  );
  const arrived = new Set(messages().flatMap(({ events }) => events.map((e) => e['new_row_id'])));
  const committed = rows.map(([id]) => id);
  assert.deepEqual(
    committed.filter((id) => !arrived.has(id)),
    [],
  );
  assert.deepEqual(
    acknowledged.filter((id) => !arrived.has(id)),
    [],
  );
  assert.ok(!sink.taken.some(({ body }) => body.includes('GAP')));
  for (const { payload } of sink.taken) {
    const indexes = payload.map(({ index }) => index);
    assert.deepEqual(
      indexes,
      indexes.toSorted((a, b) => a - b),
    );
  }
  // The same index tells the same, however often it was sent, and every node's stream agrees.
  const indexes = messages().map(({ index }) => index);
  const ends = [Math.min(...indexes), Math.max(...indexes)] as const;
  const [one, ...others] = await Promise.all([0, 1, 2].map((at) => streamed(cluster, at, ends)));
  assert.ok(one);
  for (const other of others) assert.deepEqual(other, one);
  const byIndex = new Map(one.map((text) => [(JSON.parse(text) as SinkMessage).index, text]));
  for (const message of messages()) {
    assert.deepEqual(message, JSON.parse(byIndex.get(message.index) ?? 'null'));
  }
  const status = (await cluster.ask(await leaderOf(cluster, 0), '/status')).json as {
    readonly cdc: { readonly sending: boolean; readonly high_water_mark: number };
  };
  assert.equal(status.cdc.sending, true);
  assert.ok(status.cdc.high_water_mark >= ends[1]);
  const { text: numbers } = await cluster.ask(await leaderOf(cluster, 0), '/metrics');
  for (const name of ['changes_stored_index', 'changes_kept_bytes', 'cdc_high_water_index']) {
    assert.match(numbers, new RegExp(`^stockade_${name} [1-9]`, 'm'));
  }
  for (const name of ['changes_gaps_total', 'cdc_lag_entries', 'cdc_failures_total']) {
    assert.match(numbers, new RegExp(`^stockade_${name} \\d`, 'm'));
  }
  const doubles = messages().length - new Set(messages().map(({ index }) => index)).size;
  t.diagnostic(`${committed.length} rows, ${sink.taken.length} requests, ${doubles} entries twice`);
});
