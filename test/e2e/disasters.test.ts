// A lost quorum, as docs/DISASTERS.md says what to do: one survivor goes on in a new epoch, and
// those who were lost change nothing when they come back. The page's other commands are run by
// poison.test.ts, voters-lost.test.ts and backup-days.test.ts.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Cluster, eventually, stockade } from './cluster.ts';
import { pageCommands, pageWords } from './page.ts';
import { ended, startNode } from './run-node.ts';

process.umask(0o077);

const epochTerms = 2 ** 32;

test('DISASTERS: a quorum that is lost for good, and peers.json as rqlite has it', async (t) => {
  const runs = [
    ...['remove-name', 'admit-again', 'join-again', 'look', 'epoch', 'look-at-entry', 'neutralize'],
    ...['list-backups', 'restore-backup', 'restore-file'],
  ];
  assert.deepEqual([...pageCommands.keys()], runs, 'every command of the page is run by a test');
  const cluster = await Cluster.start(3);
  t.after(() => cluster.remove());
  await cluster.execute(0, ['CREATE TABLE t (a)', "INSERT INTO t VALUES ('before')"]);
  const { nodes } = cluster.file;
  const [n1] = nodes;
  assert.ok(n1 !== undefined);
  await cluster.stop();
  let survivor: ChildProcess | undefined;
  const isReady = async (): Promise<boolean> =>
    (await cluster.ask(0, '/readyz').catch(() => undefined))?.status === 200;
  const storeOf = async (at: number) => {
    const answer = await cluster.ask(at, '/status', { timeoutMs: 5000 }).catch(() => undefined);
    return (answer?.json as { readonly store: unknown } | undefined)?.store as
      | {
          readonly leader: { readonly node_id: string };
          readonly nodes: readonly { readonly id: string }[];
          readonly raft: { readonly term: number; readonly state: string };
        }
      | undefined;
  };
  const rows = () => cluster.query(0, 'SELECT a FROM t', 'linearizable');

  await t.test('looking changes nothing and says what each folder holds', async () => {
    const looked = await stockade(pageWords('look', { SURVIVOR: n1.data }));
    assert.equal(looked.code, 0, looked.stderr);
    assert.match(looked.stdout, /^node +epoch +last entry .*\nn1 +0 +\d+ .* n1,n2,n3\n$/);
    const [recover, folder, voters, name] = pageWords('epoch', { SURVIVOR: n1.data });
    const dry = await stockade([recover ?? '', folder ?? '', voters ?? '', name ?? '']);
    assert.equal(dry.code, 0, dry.stderr);
    assert.match(dry.stdout, /never heard again: n2, n3[\s\S]*add --apply/);
    const stranger = await stockade(['recover', n1.data, '--voters', 'n1,n9', '--apply']);
    assert.equal(stranger.code, 5, stranger.stdout);
  });

  await t.test('one survivor of three writes again, in a new epoch', async (s) => {
    const since = performance.now();
    const done = await stockade(pageWords('epoch', { SURVIVOR: n1.data }));
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /is of epoch 1/);
    survivor = startNode(t, n1.config);
    await eventually('the survivor is ready', isReady);
    await cluster.execute(0, ["INSERT INTO t VALUES ('alone')"]);
    s.diagnostic(`command to write: ${Math.round(performance.now() - since)} ms`);
    assert.deepEqual(await rows(), [['before'], ['alone']]);
    const store = await storeOf(0);
    assert.ok(Math.floor((store?.raft.term ?? 0) / epochTerms) === 1);
    assert.deepEqual(
      store?.nodes.map(({ id }) => id),
      ['n1'],
    );
  });

  await t.test(
    'the two that were lost come back, are told, and make no cluster of their own',
    async () => {
      const others = nodes.slice(1).map(({ config }) => {
        const child = startNode(t, config, 'pipe');
        let log = '';
        child.stderr?.on('data', (chunk: Buffer) => {
          log += chunk.toString();
        });
        return { child, log: () => log };
      });
      for (const { log } of others) {
        await eventually('it hears that it was left behind', () =>
          Promise.resolve(log().includes('it campaigns no more')),
        );
      }
      for (const at of [1, 2]) {
        const body = JSON.stringify(["INSERT INTO t VALUES ('split')"]);
        const path = '/db/execute?timeout=1s';
        const answer = await cluster.ask(at, path, { body }).catch(() => undefined);
        assert.notEqual(answer?.status, 200, answer?.text);
      }
      await cluster.execute(0, ["INSERT INTO t VALUES ('still')"]);
      assert.deepEqual(await rows(), [['before'], ['alone'], ['still']]);
      for (const { child } of others) await ended(child, 'SIGKILL');
    },
  );

  await t.test('peers.json does the same at a start, once', async () => {
    if (survivor !== undefined) await ended(survivor, 'SIGTERM');
    // Another address than on record: with the same members as they are there is nothing to do.
    const address = n1.peer.replace('127.0.0.1', 'localhost');
    const peers = JSON.stringify([{ id: 'n1', address, non_voter: false }]);
    writeFileSync(join(n1.data, 'raft', 'peers.json'), peers);
    startNode(t, n1.config);
    await eventually('the survivor is ready', isReady);
    assert.deepEqual(await rows(), [['before'], ['alone'], ['still']]);
    assert.ok(existsSync(join(n1.data, 'raft', 'peers.info')));
    assert.ok(!existsSync(join(n1.data, 'raft', 'peers.json')));
    assert.ok(Math.floor(((await storeOf(0))?.raft.term ?? 0) / epochTerms) === 2);
  });
});
