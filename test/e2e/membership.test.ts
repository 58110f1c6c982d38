// Membership in a running cluster: a member is removed for good, what would lose the quorum is
// refused, and whoever was removed is told so and disturbs nobody.
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { after, before, test } from 'node:test';
import { Cluster, eventually, stockade } from './cluster.ts';
import { Running } from './running.ts';

let cluster: Cluster;

before(async () => {
  cluster = await Cluster.start(3, ['--no-restart']);
  await cluster.execute(0, ['CREATE TABLE t (a)', 'INSERT INTO t VALUES (1)']);
});
after(() => cluster.remove());

interface Status {
  readonly store: {
    readonly leader: { readonly node_id: string };
    readonly nodes: readonly { readonly id: string }[];
    readonly raft: { readonly term: number };
  };
}

const storeOf = async (at: number): Promise<Status['store']> =>
  ((await cluster.ask(at, '/status')).json as Status).store;

const remove = (from: number, name: string) =>
  stockade(['remove', name, '--data', dirname(cluster.file.nodes[from]?.data ?? '')]);

test('a member that does not exist, or the node itself, is not removed', async () => {
  const unknown = await remove(0, 'n9');
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /there is no member n9\n {2}The members are n1, n2, n3/);
  const itself = await remove(0, 'n1');
  assert.equal(itself.code, 1);
  assert.match(itself.stderr, /n1 is this node itself\n {2}Run the command on another member/);
});

test('a removal that would leave voters without a quorum is refused and changes nothing', async () => {
  process.kill(cluster.file.nodes[2]?.pid ?? 0, 'SIGKILL');
  await eventually('n2 notices that n3 is dead', async () =>
    /"id":"n3"[^}]*"reachable":false/.test((await cluster.ask(1, '/nodes')).text),
  );
  const refused = await remove(1, 'n1');
  assert.equal(refused.code, 4);
  assert.match(
    refused.stderr,
    /removing n1 would lose the quorum: of the 2 voters that would be left, 2 must answer and n3 does not/,
  );
  assert.deepEqual(
    (await storeOf(1)).nodes.map(({ id }) => id),
    ['n1', 'n2', 'n3'],
  );
});

test('ID-06 a removed node returns with its valid certificate and is refused, leader and term unchanged', async () => {
  const removed = await remove(1, 'n3');
  assert.equal(removed.code, 0, removed.stderr);
  const before = await storeOf(1);
  // Whoever was asked leads: no change is made on another node's word.
  assert.equal(before.leader.node_id, 'n2');
  assert.deepEqual(
    before.nodes.map(({ id }) => id),
    ['n1', 'n2'],
  );
  const third = new Running(['run', '--config', cluster.file.nodes[2]?.config ?? '']);
  await third.says(/removed_from_cluster: n3 was removed from this cluster/);
  await third.says(/the other members removed this node from the cluster; it campaigns no more/);
  const afterwards = await storeOf(1);
  await third.stop();
  assert.equal(afterwards.raft.term, before.raft.term);
  assert.equal(afterwards.leader.node_id, 'n2');
  await cluster.execute(0, ['INSERT INTO t VALUES (2)']);
  assert.deepEqual(await cluster.query(1, 'SELECT count(*) FROM t', 'linearizable'), [[2]]);
});
