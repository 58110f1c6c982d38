// A leader that stands still for five seconds (SIGSTOP) while clients write and read on every node,
// its own front among them: what they saw is the history of one copy.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { treeOf } from '../../tools/bench/process-tree.ts';
import { Cluster, eventually } from './cluster.ts';
import { RecordedLoad } from './recorded-load.ts';

/** How long the leader stands still: many election time-outs. */
const pauseMs = 5000;

/** Stops these processes, then lets them go on, whatever happens in between. */
const whileStopped = async (pids: readonly number[], action: () => Promise<void>) => {
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  try {
    await action();
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  }
};

test('a leader that stands still for five seconds under load: one history, nothing acknowledged is lost', async (t) => {
  const cluster = await Cluster.start(3);
  t.after(() => cluster.remove());
  const load = await RecordedLoad.start(cluster, 6);
  t.after(() => load.stop());
  const leaderAt = (seenBy: number, not?: number): Promise<{ readonly at: number }> =>
    eventually('somebody leads', async () => {
      const at = await cluster.leader(seenBy);
      return at === undefined || at === not ? undefined : { at };
    });
  // The node's process alone, while its front takes requests for it; then all its processes.
  for (const whole of [false, true]) {
    await load.goesOn('all nodes run', 20);
    const { at } = await leaderAt(0);
    const { pid } = cluster.file.nodes[at] ?? { pid: 0 };
    assert.notEqual(pid, 0);
    await whileStopped(whole ? treeOf([pid]) : [pid], async () => {
      const wakesUp = pause(whole ? 0 : pauseMs);
      await leaderAt((at + 1) % 3, at);
      await load.goesOn('the leader stands still', 20);
      await wakesUp;
    });
    await eventually('the old leader follows', async () => {
      const seen = await cluster.leader(at);
      return seen !== undefined && seen !== at;
    });
  }
  await load.goesOn('all nodes run', 20);
  await load.judge();
  t.diagnostic(JSON.stringify(load.counts));
});
