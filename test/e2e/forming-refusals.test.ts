// Nodes that meet and must not form a cluster: each time a clear word, and never a cluster, let
// alone two.
import assert from 'node:assert/strict';
import { chmodSync, cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually, freePortBase } from './cluster.ts';
import { MeetingNodes } from './meeting-nodes.ts';
import type { Running } from './running.ts';

const prepared = async (context: TestContext, count: number): Promise<MeetingNodes> => {
  const nodes = await MeetingNodes.prepare(count);
  context.after(() => nodes.remove());
  return nodes;
};

/** Waits until one of them is refused, and gives what it said. */
const refusalAmong = async (runs: readonly Running[]): Promise<string> => {
  const ended = await eventually('one of them ends', async () =>
    runs.find(({ code }) => code !== undefined),
  );
  assert.equal(ended.code, 78, ended.stderr);
  return ended.stderr.slice(ended.stderr.indexOf('stockade: '));
};

const assertNoCluster = (nodes: MeetingNodes, all: readonly number[]): void => {
  for (const at of all) assert.ok(!existsSync(join(nodes.data(at), 'raft')), `n${at + 1}`);
};

test('a node too many: four that expect three form nothing', async (context) => {
  const nodes = await prepared(context, 4);
  const all = [0, 1, 2, 3];
  const runs = all.map((at) => nodes.run(at, 3, nodes.join(all)));
  assert.match(
    await refusalAmong(runs),
    /4 nodes meet \(n1, n2, n3, n4\), but 3 are expected\n {2}Stop those that do not belong/,
  );
  assertNoCluster(nodes, all);
});

test('nodes that expect different numbers form nothing', async (context) => {
  const nodes = await prepared(context, 2);
  const runs = [0, 1].map((at) => nodes.run(at, at + 2, nodes.join([0, 1])));
  assert.match(await refusalAmong(runs), /n\d expects \d nodes and n\d expects \d/);
  assertNoCluster(nodes, [0, 1]);
});

test('a copy of a node is found out, wherever it runs', async (context) => {
  const nodes = await prepared(context, 2);
  const base = await freePortBase(1);
  cpSync(nodes.folderOf(1), join(nodes.folder, 'copy'), { recursive: true });
  chmodSync(join(nodes.folder, 'copy', 'data'), 0o700);
  const peers = [nodes.peer(0), nodes.peer(1), `127.0.0.1:${base + 1}`];
  const join3 = ['--cluster.join', peers.join(',')];
  const copy = nodes.runConfig(join(nodes.folder, 'copy', 'node.yaml'), [
    ...['--cluster.bootstrapExpect', '3', ...join3],
    ...['--http.listen', `127.0.0.1:${base}`, '--peer.listen', `127.0.0.1:${base + 1}`],
  ]);
  const runs = [nodes.run(0, 3, join3), nodes.run(1, 3, join3), copy];
  assert.match(
    await refusalAmong(runs),
    /two processes are n2, at \S+ and at \S+\n|another process is n2 too, at \S+\n/,
  );
  assertNoCluster(nodes, [0, 1]);
});

test('an impostor at the address of a node is not taken for it; without him the cluster forms', async (context) => {
  const nodes = await prepared(context, 3);
  const others = await prepared(context, 3);
  const all = nodes.join([0, 1, 2]);
  const impostor = others.run(2, 3, [
    ...['--peer.listen', nodes.peer(2), ...others.join([0, 1, 2])],
  ]);
  const [first, second] = [nodes.run(0, 3, all), nodes.run(1, 3, all)];
  await first.says(/1 of 3 nodes missing, met: n1, n2; \S+: it is no node of this cluster/);
  assertNoCluster(nodes, [0, 1]);
  await impostor.stop();
  const third = nodes.run(2, 3, all);
  for (const run of [first, second, third]) await run.says(/"msg":"serving"/);
});

test('a node with the data of an earlier cluster is no founder, and keeps the others from founding', async (context) => {
  const nodes = await prepared(context, 3);
  const stale = nodes.run(2, 1, nodes.join([2]));
  await stale.says(/"msg":"serving"/);
  const all = nodes.join([0, 1, 2]);
  const runs = [0, 1].map((at) => nodes.run(at, 3, all));
  assert.match(
    await refusalAmong(runs),
    /n3 at \S+ is a member of a cluster already, and not with this node: n[12] is not on its record\n.*stop n3 and empty its folder/,
  );
  assertNoCluster(nodes, [0, 1]);
});
