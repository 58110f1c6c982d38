// Two of three voters are lost for good, one after the other, and a read replica takes a place: the
// transcript in docs/OPERATIONS.md. And a member that stays silent is removed by itself.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, stockade } from './cluster.ts';
import { FormedCluster } from './formed-cluster.ts';
import { pageWords } from './page.ts';

test('two voters are lost one after the other, a read replica is promoted in between, and no write is lost', async (context) => {
  const cluster = await FormedCluster.prepare();
  context.after(() => cluster.remove());
  const tokens = await cluster.init(['n2', 'n3']);
  const [second, third] = [1, 2].map((at) => cluster.join(at, tokens[at - 1] ?? ''));
  assert.ok(second !== undefined && third !== undefined);
  await second.says(/^n2 is a member/m);
  await third.says(/^n3 is a member/m);
  const { run, tokens: lines } = await cluster.admit(0, ['r1'], ['--read-replica']);
  await cluster.join(3, lines[0] ?? '').says(/^r1 is a member/m);
  assert.equal(await run.ended(), 0);
  await cluster.execute(0, 'CREATE TABLE t (a)', "INSERT INTO t VALUES ('before')");
  /** One command on node n1, as it goes into the transcript. */
  const typed = async (...words: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await stockade([...words, '--data', cluster.data(0)]);
    context.diagnostic(`n1$ stockade ${words.join(' ')}\n${stdout}${stderr}`);
    return stdout + stderr;
  };
  const looksLike = (what: string, pattern: RegExp): Promise<unknown> =>
    eventually(what, async () => {
      const { stdout } = await stockade(['nodes', '--data', cluster.data(0)]);
      return pattern.test(stdout);
    });
  await typed('transfer', 'n1');
  await third.stop('SIGTERM');
  await looksLike('n3 is down', /^n3 .*down/m);
  await typed('nodes');
  // Of four voters three would have to answer, and should r1 die, two do.
  assert.match(await typed('promote', 'r1'), /would risk the quorum/);
  assert.match(await typed('remove', 'n3'), /n3 is removed/);
  assert.match(await typed('promote', 'r1'), /r1 votes/);
  await second.stop('SIGTERM');
  await looksLike('n2 is down', /^n2 .*down/m);
  assert.match(await typed('nodes'), /^n2 .*down/m);
  const [remove = '', name = ''] = pageWords('remove-name', { NAME: 'n2' });
  assert.match(await typed(remove, name), /n2 is removed/);
  assert.match(await typed('nodes'), /^r1 {4}voter +up/m);
  await cluster.execute(3, "INSERT INTO t VALUES ('after')");
  assert.match(await cluster.query(0, 'SELECT count(*) FROM t'), /\[\[2\]\]/);
  // n2 comes back on an empty disk, under its old name and address.
  rmSync(cluster.data(1), { recursive: true });
  const comes = cluster.start(pageWords('admit-again', { NAME: 'n2', NODE: cluster.data(0) }));
  const [, TOKEN = ''] = await comes.says(/^stockade join (STK1-\S+)/m);
  const joining = pageWords('join-again', { TOKEN, FOLDER: cluster.data(1), HOST: '127.0.0.1' });
  const joined = cluster.start([...joining, ...cluster.options(1).slice(2)]);
  await joined.says(/^n2 is a member/m);
  assert.equal(await comes.ended(), 0);
  for (const [words, { stdout }] of [
    ['n1$ stockade admit n2', comes],
    ['n2$ stockade join STK1-...', joined],
  ] as const) {
    context.diagnostic(`${words}\n${stdout.replaceAll(/STK1-\S+/g, 'STK1-...')}`);
  }
  await looksLike('n2 votes', /^n2 {4}voter +up/m);
  assert.match(await typed('nodes'), /^n2 {4}voter +up/m);
  await cluster.execute(1, "INSERT INTO t VALUES ('again')");
  assert.match(await cluster.query(1, 'SELECT count(*) FROM t'), /\[\[3\]\]/);
});

test('a read replica that is silent for the time that is set is removed, and a node without a quorum is not ready', async (context) => {
  const cluster = await FormedCluster.prepare();
  context.after(() => cluster.remove());
  const [token = ''] = await cluster.init(['n2']);
  const second = cluster.join(1, token);
  await second.says(/^n2 is a member/m);
  const { run, tokens } = await cluster.admit(0, ['r1'], ['--read-replica']);
  const replica = cluster.join(2, tokens[0] ?? '');
  await replica.says(/^r1 is a member/m);
  await run.ended();
  // Both nodes with the setting, for either may lead.
  await second.stop();
  const reaping = ['--cluster.reap.readReplica', '5s', '--cluster.reap.voter', '5s'];
  const again = cluster.start(['run', '--config', join(cluster.data(1), 'node.yaml'), ...reaping]);
  await again.says(/"msg":"serving"/);
  const led = await eventually('n2 leads', async () => {
    const { stdout } = await stockade(['transfer', 'n2', '--data', cluster.data(1)]);
    return stdout === 'n2 leads\n';
  });
  assert.ok(led);
  await replica.stop();
  await again.says(/"audit":"reaped","name":"r1"/);
  const { stdout } = await stockade(['nodes', '--json', '--data', cluster.data(1)]);
  assert.deepEqual(
    (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name),
    ['n1', 'n2'],
  );
  // Without n2 there is no quorum: the node of this machine says no more than /readyz does.
  await again.stop();
  const alone = await eventually('n1 knows no leader', async () => {
    const status = await stockade(['status', '--data', cluster.data(0)]);
    return /^leader +none$/m.test(status.stdout) && status.stdout;
  });
  assert.match(alone, /^node +n1: \w+, votes, not ready$/m);
  const ready = await stockade(['ready', '--data', cluster.data(0)]);
  assert.match(ready.stderr, /n1 does not serve yet\n {2}No node leads/);
});
