// PILL: a write that never ends, committed on a real cluster: it goes on to vote and to log, says
// what is wrong within seconds, and comes back by the words that it prints.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { test } from 'node:test';
import { Cluster, eventually, stockade } from './cluster.ts';
import { pageWords } from './page.ts';
import { endless, poisonLogs } from './poison-log.ts';
import { ended, startNode } from './run-node.ts';

interface Status {
  readonly alarms: readonly { readonly name: string; readonly message: string }[];
  readonly store: {
    readonly leader: { readonly node_id: string };
    readonly raft: {
      readonly term: number;
      readonly commit_index: number;
      readonly applied_index: number;
    };
  };
}

test('PILL-01 a committed write that never ends: alarm, votes go on, and neutralizing it brings all back', async (t) => {
  const cluster = await Cluster.start(3);
  t.after(() => cluster.remove());
  await cluster.execute(0, ['CREATE TABLE t (a)', "INSERT INTO t VALUES ('before')"]);
  const { nodes } = cluster.file;
  await cluster.stop();
  const index = await poisonLogs(
    nodes.map(({ data }) => data),
    endless,
  );

  const running: (ChildProcess | undefined)[] = [undefined, undefined, undefined];
  const start = (at: number): void => {
    running[at] = startNode(t, nodes[at]?.config ?? '');
  };
  const stop = async (at: number, signal: NodeJS.Signals): Promise<void> => {
    const child = running[at];
    if (child !== undefined) await ended(child, signal);
  };
  const status = async (at: number): Promise<Status | undefined> =>
    (await cluster.ask(at, '/status', { timeoutMs: 5000 }).catch(() => undefined))?.json as
      | Status
      | undefined;
  const ledBy = (at: number, notBy: number) =>
    eventually(`node ${at} is led`, async () => {
      const leader = Number((await status(at))?.store.leader.node_id.slice(1) ?? '0') - 1;
      return leader >= 0 && leader !== notBy ? { leader } : undefined;
    });
  const alarmAt = (at: number) =>
    eventually(`node ${at} raises the alarm`, async () =>
      (await status(at))?.alarms.find(({ name }) => name === 'apply_stalled'),
    );

  await t.test('every node raises the alarm, names the entry, and is not ready', async () => {
    for (const at of [0, 1, 2]) start(at);
    for (const at of [0, 1, 2]) {
      const { message } = await alarmAt(at);
      assert.match(message, new RegExp(`entry ${index} is committed and is not applied`));
      assert.equal((await cluster.ask(at, '/readyz')).status, 503);
    }
    const metrics = await cluster.ask(0, '/metrics');
    assert.match(metrics.text, /stockade_alarm\{alarm="apply_stalled"\} 1/);
  });

  await t.test('it takes no writes, and elects a new leader when the old one dies', async () => {
    const { leader } = await ledBy(0, -1);
    const body = JSON.stringify(["INSERT INTO t VALUES ('while')"]);
    const answer = await cluster.ask(leader, '/db/execute', { body });
    assert.equal(answer.status, 503, answer.text);
    assert.match(answer.text, /"code":"not_ready".*"applied":"no"/);
    const other = (leader + 1) % 3;
    const before = (await status(other))?.store.raft;
    await stop(leader, 'SIGKILL');
    await ledBy(other, leader);
    // The new leader's own entry was committed: the votes and logs of both count.
    await eventually('it commits', async () => {
      const raft = (await status(other))?.store.raft;
      return (raft?.commit_index ?? 0) > (before?.commit_index ?? 0);
    });
    await eventually('all before it is applied', async () => {
      const raft = (await status(other))?.store.raft;
      return raft?.applied_index === index - 1;
    });
  });

  const [first, second, third] = nodes.map(({ data }) => data);
  const folders = [first ?? '', second ?? ''];

  await t.test('the command refuses what it must, and a dry run changes nothing', async () => {
    const busy = await stockade(['recover', third ?? '', '--neutralize', String(index)]);
    // One of the three was killed; whichever runs is refused.
    if (running[2]?.exitCode === null && running[2].signalCode === null) {
      assert.equal(busy.code, 5, busy.stderr);
    }
    await Promise.all([0, 1, 2].map((at) => stop(at, 'SIGTERM')));
    // The writer of the one that was killed is stuck; it ends because its node is gone.
    await eventually('the folders are free', async () => {
      const list = await stockade(['recover', ...nodes.map(({ data }) => data)]);
      return list.code === 0;
    });
    const wrong = await stockade(['recover', ...folders, '--neutralize', String(index + 999)]);
    assert.equal(wrong.code, 5);
    assert.match(wrong.stderr, /is not in the log/);
    const one = await stockade(['recover', first ?? '', '--neutralize', String(index), '--apply']);
    assert.equal(one.code, 5, one.stdout);
    assert.match(one.stdout, /less than a majority[\s\S]*--expect [0-9a-f]{64} --apply/);
    const dry = await stockade(
      pageWords('look-at-entry', {
        FIRST: first ?? '',
        SECOND: second ?? '',
        INDEX: String(index),
      }),
    );
    assert.equal(dry.code, 0, dry.stderr);
    assert.match(dry.stdout, /add --apply/);
    const other = ['recover', first ?? '', '--neutralize', String(index), '--apply'];
    const lie = await stockade([...other, '--expect', '0'.repeat(64)]);
    assert.equal(lie.code, 5, lie.stdout);
  });

  await t.test('neutralized on a majority all come back, the third with an image', async () => {
    const words = pageWords('neutralize', {
      ...{ FIRST: first ?? '', SECOND: second ?? '', INDEX: String(index) },
    });
    const done = await stockade(words);
    assert.equal(done.code, 0, done.stderr + done.stdout);
    assert.match(done.stdout, /is neutral in/);
    const twice = await stockade(words);
    assert.match(twice.stdout, /is neutral already/, twice.stderr);
    for (const at of [0, 1, 2]) start(at);
    for (const at of [0, 1, 2]) {
      await eventually(`node ${at} is ready`, async () => {
        const answer = await cluster.ask(at, '/readyz').catch(() => undefined);
        return answer?.status === 200;
      });
    }
    await cluster.execute(2, ["INSERT INTO t VALUES ('after')"]);
    const rows = await cluster.query(0, 'SELECT a FROM t', 'linearizable');
    assert.deepEqual(rows, [['before'], ['after']]);
    const { leader } = await ledBy(0, -1);
    const report = await eventually('all agree', async () => {
      const answer = await cluster.ask(leader, '/consistency?timeout=10s', { method: 'POST' });
      const { content } = answer.json as {
        readonly content: null | {
          readonly verdict: string;
          readonly nodes: readonly { readonly agrees: boolean | null }[];
        };
      };
      return content?.nodes.every(({ agrees }) => agrees === true) ? content : undefined;
    });
    assert.equal(report.verdict, 'agree');
  });
});
