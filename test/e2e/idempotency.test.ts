// Writes under an Idempotency-Key on real nodes: sent until somebody says what became of them,
// while leaders are killed; none is applied twice, however often it is sent afterwards.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from './ask.ts';
import { Cluster, eventually } from './cluster.ts';

const kills = 2;
const writersCount = 6;

const write = (
  cluster: Cluster,
  at: number,
  id: number,
  text = `w${id}`,
): Promise<Answer | undefined> =>
  cluster
    .ask(at, '/db/execute', {
      body: JSON.stringify([['INSERT INTO writes (id) VALUES (?) RETURNING rowid', text]]),
      headers: { 'idempotency-key': `key-${id}` },
      timeoutMs: 5000,
    })
    .catch(() => undefined);

const answered = (cluster: Cluster, at: number, id: number): Promise<Answer> =>
  eventually('an answer', async () => {
    const told = await write(cluster, at, id);
    return told?.status === 200 ? told : undefined;
  });

interface Load {
  /** What each write was answered at last. */
  readonly answers: Map<number, string>;
  /** Writes that were sent again because nobody said what became of them. */
  readonly unsure: Set<number>;
  stop(): Promise<void>;
}

/** Writers that send each write to one node after the other until it is answered. */
const startLoad = (cluster: Cluster): Load => {
  const answers = new Map<number, string>();
  const unsure = new Set<number>();
  let running = true;
  let next = 0;
  const writer = async (): Promise<void> => {
    while (running) {
      const id = next++;
      for (let attempt = 0; !answers.has(id); attempt++) {
        const answer = await write(cluster, (id + attempt) % cluster.nodeCount, id);
        if (answer?.status === 200) answers.set(id, answer.text);
        else {
          if (answer?.text.includes('"applied":"no"') !== true) unsure.add(id);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    }
  };
  const writers = Array.from({ length: writersCount }, writer);
  const stop = async (): Promise<void> => {
    running = false;
    await Promise.all(writers);
  };
  return { answers, unsure, stop };
};

const killLeader = async (cluster: Cluster): Promise<void> => {
  const leader = await eventually('somebody leads', async () => {
    const at = await cluster.leader(0);
    return at === undefined ? undefined : { at };
  });
  const { pid, name } = cluster.file.nodes[leader.at] ?? { pid: 0, name: '' };
  assert.notEqual(pid, 0);
  process.kill(pid, 'SIGKILL');
  await eventually(`${name} is started again and serves`, async () => {
    const answer = await cluster.ask(leader.at, '/readyz').catch(() => undefined);
    return answer?.status === 200;
  });
};

test('writes that are sent again while leaders are killed are applied once, with one answer', async (t) => {
  const cluster = await Cluster.start(3);
  t.after(() => cluster.remove());
  await cluster.execute(0, ['CREATE TABLE writes (id TEXT)']);
  const load = startLoad(cluster);
  for (let round = 0; round < kills; round++) {
    const before = load.answers.size;
    await eventually('writes are answered', () => Promise.resolve(load.answers.size > before + 30));
    await killLeader(cluster);
  }
  await load.stop();
  const { answers, unsure } = load;

  // Without memory of the keys each of these would be one more row.
  const again = [...answers.keys()].slice(-100);
  for (const id of new Set([...again, ...unsure])) {
    const answer = await answered(cluster, id % 3, id);
    assert.equal(answer.text, answers.get(id), `write ${id}`);
    assert.doesNotMatch(answer.text, /"error"/);
  }
  const [[total, distinct] = []] = await cluster.query(
    0,
    'SELECT count(*), count(DISTINCT id) FROM writes',
    'linearizable',
  );
  assert.deepEqual([total, distinct], [answers.size, answers.size]);
  t.diagnostic(`${answers.size} writes, ${unsure.size} of unknown fate sent again`);
});

test('one node: a write that was answered before a crash is known after it, another body is refused', async (t) => {
  const cluster = await Cluster.start(1);
  t.after(() => cluster.remove());
  await cluster.execute(0, ['CREATE TABLE writes (id TEXT)']);
  const first = await write(cluster, 0, 1);
  await killLeader(cluster);
  assert.equal((await answered(cluster, 0, 1)).text, first?.text);
  const other = await write(cluster, 0, 1, 'other');
  assert.equal(other?.status, 422);
  assert.deepEqual(await cluster.query(0, 'SELECT id FROM writes'), [['w1']]);
});
