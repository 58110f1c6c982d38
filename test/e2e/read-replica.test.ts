// A cluster of two voters and a read replica, as an operator grows and shrinks it.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, stockade } from './cluster.ts';
import { FormedCluster } from './formed-cluster.ts';
import type { Running } from './running.ts';

let cluster: FormedCluster;
let second: Running;
let replica: Running;

before(async () => {
  cluster = await FormedCluster.prepare();
  const [token = ''] = await cluster.init(['n2']);
  second = cluster.join(1, token);
  await second.says(/^n2 is a member/m);
  const { run, tokens } = await cluster.admit(0, ['r1'], ['--read-replica']);
  replica = cluster.join(2, tokens[0] ?? '');
  await replica.says(/^r1 is a member: .*r1 \(read-replica\)/m);
  assert.equal(await run.ended(), 0);
  await cluster.execute(0, 'CREATE TABLE t (a)', 'INSERT INTO t VALUES (1)');
});
after(() => cluster.remove());

const asked = (at: number, words: readonly string[]) =>
  stockade([...words, '--data', cluster.data(at)]);

/** The members as one node tells them to programs. */
const nodesAt = async (at: number) => {
  const { code, stdout, stderr } = await asked(at, ['nodes', '--json']);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as readonly {
    readonly name: string;
    readonly role: string;
    readonly up: boolean;
    readonly leader: boolean;
    readonly apiUrl: string;
  }[];
};

const rolesAt = async (at: number) =>
  Object.fromEntries((await nodesAt(at)).map(({ name, role }) => [name, role]));

test('a read replica forwards writes, and reads from its own data without asking', async () => {
  assert.doesNotMatch(await cluster.execute(2, 'INSERT INTO t VALUES (2)'), /error/);
  await eventually('the replica has both rows', async () =>
    /\[\[2\]\]/.test(await cluster.query(2, 'SELECT count(*) FROM t', 'auto')),
  );
  const [weak, none] = await Promise.all([
    cluster.ask(2, '/nodes'),
    cluster.ask(2, '/nodes?nonvoters'),
  ]);
  assert.doesNotMatch(weak.text, /"r1"/);
  assert.match(none.text, /"r1":\{[^}]*"voter":false/);
  assert.match((await cluster.ask(0, '/status')).text, /"id":"r1",[^}]*"suffrage":"nonvoter"/i);
});

test('without voters a read replica answers `auto`, but not what must be fresh or come from a leader', async () => {
  await second.stop('SIGTERM');
  await eventually('nobody leads', async () => {
    const answer = await cluster.query(2, 'SELECT count(*) FROM t', 'weak');
    return /error/.test(answer);
  });
  assert.match(await cluster.query(2, 'SELECT count(*) FROM t', 'auto'), /\[\[2\]\]/);
  const fresh = '/db/query?level=none&freshness=1ms&q=SELECT%201';
  await eventually('the data is older than a millisecond', async () =>
    (await cluster.ask(2, fresh)).text.includes('stale read'),
  );
  second = cluster.start(['run', '--config', join(cluster.data(1), 'node.yaml')]);
  await second.says(/"msg":"serving"/);
  await eventually('somebody leads again', async () =>
    /\[\[2\]\]/.test(await cluster.query(2, 'SELECT count(*) FROM t', 'weak')),
  );
});

test('status and nodes are tables for people, ready is an exit code', async () => {
  const status = await asked(0, ['status']);
  assert.match(status.stdout, /^node {5}n1: (leader|follower), votes, ready$/m);
  assert.match(status.stdout, /^r1 {4}read-replica {2}up +\d+|-/m);
  const nodes = await asked(2, ['nodes']);
  assert.match(nodes.stdout, /^NAME {2}ROLE +STATE +BEHIND {2}PEER +API$/m);
  assert.equal((await asked(2, ['ready'])).stdout, 'r1 serves\n');
  const away = await stockade(['ready', '--data', join(cluster.folder, 'nothing')]);
  assert.equal(away.code, 4);
});

test('status --watch shows it again and again, and Ctrl-C ends it with 0', async () => {
  const watching = cluster.start(['status', '--watch', '--data', cluster.data(0)]);
  await watching.says(/node {5}n1[\s\S]*node {5}n1/);
  assert.equal(await watching.stop('SIGINT'), 0);
});

test('leadership goes to whom it is given, and never to a read replica', async () => {
  for (const to of ['n1', 'n2', 'n1']) {
    const given = await asked(2, ['transfer', to]);
    assert.deepEqual([given.code, given.stdout], [0, `${to} leads\n`], given.stderr);
  }
  const other = await asked(0, ['transfer']);
  assert.equal(other.stdout, 'n2 leads\n', other.stderr);
  const refused = await asked(0, ['transfer', 'r1']);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /no voter/);
});

test('a promotion is made by a voter, once; the replica votes then, and can lead', async () => {
  const itself = await asked(2, ['promote', 'r1']);
  assert.equal(itself.code, 4);
  assert.match(
    itself.stderr,
    /r1 is no voter and cannot change the cluster\n {2}Run the command on a voter/,
  );
  const unknown = await asked(0, ['promote', 'r9']);
  assert.match(unknown.stderr, /there is no member r9/);
  const done = await asked(0, ['promote', 'r1']);
  assert.deepEqual([done.code, done.stdout], [0, 'r1 votes from now on\n'], done.stderr);
  assert.deepEqual(await rolesAt(0), { n1: 'voter', n2: 'voter', r1: 'voter' });
  const again = await asked(0, ['promote', 'r1']);
  assert.equal(again.code, 5);
  assert.match(again.stderr, /r1 votes already/);
  assert.equal((await asked(2, ['transfer', 'r1'])).stdout, 'r1 leads\n');
});

test('a node that is told to leave when it stops is no member afterwards, even if it led', async () => {
  const config = join(cluster.data(2), 'node.yaml');
  await replica.stop();
  const leaving = cluster.start(['run', '--config', config, '--cluster.leaveOnStop', 'true']);
  await leaving.says(/"msg":"serving"/);
  await eventually('r1 leads', async () => (await asked(2, ['transfer', 'r1'])).code === 0);
  assert.equal(await leaving.stop(), 0);
  assert.match(leaving.stdout + leaving.stderr, /this node left the cluster for good/);
  assert.deepEqual(await rolesAt(0), { n1: 'voter', n2: 'voter' });
  const back = cluster.start(['run', '--config', config]);
  await back.says(/removed_from_cluster: r1 was removed/);
  await back.stop();
});

test('of two voters one may leave; the last one stays a member', async () => {
  await second.stop();
  const config = (at: number): string => join(cluster.data(at), 'node.yaml');
  const leaves = ['--cluster.leaveOnStop', 'true'];
  const leaving = cluster.start(['run', '--config', config(1), ...leaves]);
  await leaving.says(/"msg":"serving"/);
  assert.equal(await leaving.stop(), 0);
  assert.deepEqual(await rolesAt(0), { n1: 'voter' });
  assert.match(await cluster.query(0, 'SELECT count(*) FROM t'), /\[\[2\]\]/);
});
