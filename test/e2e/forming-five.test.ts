// Five real processes that are to form one cluster and must not, or not yet: one missing, a wrong
// member, a stale one, an impostor. Minutes of starts: STOCKADE_LONG_TESTS=1 runs it, and
// docs/FORMING.md says when that was done last.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually } from './cluster.ts';
import { MeetingNodes } from './meeting-nodes.ts';
import type { Running } from './running.ts';

const skip = process.env['STOCKADE_LONG_TESTS'] === '1' ? false : 'long; STOCKADE_LONG_TESTS=1';
const five = [0, 1, 2, 3, 4] as const;
const serving = /"msg":"serving"/;

const prepared = async (context: TestContext, count: number): Promise<MeetingNodes> => {
  const nodes = await MeetingNodes.prepare(count);
  context.after(() => nodes.remove());
  return nodes;
};

const assertNoCluster = (nodes: MeetingNodes, all: readonly number[]): void => {
  for (const at of all) assert.ok(!existsSync(join(nodes.data(at), 'raft')), `n${at + 1}`);
};

/** Waits until one of them is refused, and gives what it said. */
const refusalAmong = async (context: TestContext, runs: readonly Running[]): Promise<string> => {
  const ended = await eventually('one of them ends', async () =>
    runs.find(({ code }) => code !== undefined),
  );
  assert.equal(ended.code, 78, ended.stderr);
  const said = ended.stderr.slice(ended.stderr.indexOf('stockade: '));
  context.diagnostic(said);
  return said;
};

const assertOneCluster = async (runs: readonly Running[]): Promise<void> => {
  for (const run of runs) await run.says(serving);
  const creators = runs.filter(({ stdout, stderr }) =>
    (stdout + stderr).includes('this node creates the cluster'),
  );
  assert.equal(creators.length, 1);
};

test('five, one missing: four wait and touch nothing; when it comes they are one cluster', {
  skip,
}, async (context) => {
  const nodes = await prepared(context, 5);
  const all = nodes.join(five);
  const four = [3, 1, 4, 0].map((at) => nodes.run(at, 5, all));
  for (const run of four) {
    await run.says(/"why":"1 of 5 nodes missing, met: n1, n2, n4, n5; \S+ ECONNREFUSED"/);
  }
  assertNoCluster(nodes, five);
  await assertOneCluster([...four, nodes.run(2, 5, all)]);
});

test('five and a sixth that expects five too: nothing is formed', { skip }, async (context) => {
  const nodes = await prepared(context, 6);
  const six = [...five, 5];
  const runs = six.map((at) => nodes.run(at, 5, nodes.join(six)));
  assert.match(await refusalAmong(context, runs), /6 nodes meet \(.*\), but 5 are expected/);
  assertNoCluster(nodes, six);
});

test('five, one of which is a member of an earlier cluster: nothing is formed', {
  skip,
}, async (context) => {
  const nodes = await prepared(context, 5);
  const stale = nodes.run(4, 1, nodes.join([4]));
  await stale.says(serving);
  const runs = [0, 1, 2, 3].map((at) => nodes.run(at, 5, nodes.join(five)));
  assert.match(
    await refusalAmong(context, runs),
    /n5 at \S+ is a member of a cluster already, and not with this node: n\d is not on its record/,
  );
  assertNoCluster(nodes, [0, 1, 2, 3]);
});

test('five, an impostor with certificates of another authority at the place of one: all wait and say so; without him they are one cluster', {
  skip,
}, async (context) => {
  const nodes = await prepared(context, 5);
  const others = await prepared(context, 5);
  const all = nodes.join(five);
  const listen = ['--peer.listen', nodes.peer(2), ...others.join(five)];
  const impostor = others.run(2, 5, listen);
  const four = [4, 3, 1, 0].map((at) => nodes.run(at, 5, all));
  for (const run of four) {
    await run.says(/1 of 5 nodes missing, met: n1, n2, n4, n5; \S+: it is no node of this cluster/);
  }
  assertNoCluster(nodes, [0, 1, 3, 4]);
  await impostor.stop();
  await assertOneCluster([...four, nodes.run(2, 5, all)]);
});
