// Backups from the first to the worst day: a cluster takes them by itself, a new cluster begins
// with one, and another is restored as docs/DISASTERS.md says.
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { S3Server } from '../store/s3-server.ts';
import { eventually, stockade } from './cluster.ts';
import { FormedCluster } from './formed-cluster.ts';
import { pageWords } from './page.ts';

process.umask(0o077);

interface BackupStatus {
  readonly backups: {
    readonly runs: { readonly stored: number; readonly failed: number };
    readonly last_stored: { readonly name: string; readonly content: string } | null;
    readonly last_failure: { readonly error: string } | null;
  };
  readonly alarms: readonly { readonly name: string }[];
}

interface Consistency {
  readonly content: {
    readonly verdict: string;
    readonly nodes: readonly { readonly digest: string }[];
  };
}

const statusOf = async (cluster: FormedCluster, at: number): Promise<BackupStatus> =>
  JSON.parse((await cluster.ask(at, '/status')).text) as BackupStatus;

/** Prepares the first node without starting it, with more settings. */
const prepared = async (cluster: FormedCluster, settings: string): Promise<string> => {
  const words = ['init', '--name', 'n1', '--advertise', '127.0.0.1', ...cluster.options(0)];
  const made = await stockade(words);
  assert.equal(made.code, 0, made.stderr);
  const config = join(cluster.data(0), 'node.yaml');
  appendFileSync(config, settings);
  return config;
};

const serving = async (cluster: FormedCluster, config: string) => {
  const run = cluster.start(['run', '--config', config]);
  await run.says(/serving/);
  return run;
};

/** Lets `n2` join; both serve then. */
const joined = async (cluster: FormedCluster): Promise<void> => {
  const { tokens } = await cluster.admit(0, ['n2']);
  await cluster.join(1, tokens[0] ?? '').says(/member/);
};

const rows = (cluster: FormedCluster, at: number) =>
  cluster.query(at, 'SELECT count(*), sum(a) FROM t', 'linearizable');

test('backups: taken by the leader when something changed; a new cluster begins with one; a cluster is restored', async (t) => {
  const [first, second] = [await FormedCluster.prepare(), await FormedCluster.prepare()];
  for (const cluster of [first, second]) t.after(() => cluster.remove());
  const server = await S3Server.start(t);
  const storeFile = join(first.folder, 'store.json');
  writeFileSync(join(first.folder, 'ca.pem'), server.ca);
  writeFileSync(storeFile, JSON.stringify(server.settings({ ca: 'ca.pem', prefix: 'prod' })));
  const refusing = () => ({ status: 403, code: 'AccessDenied' });
  let content = '';

  await t.test(
    'a cluster that has no access raises an alarm, and goes on when it has',
    async () => {
      server.fault = refusing;
      const auto = `backup:\n  auto:\n    store: '${storeFile}'\n    interval: 1s\n    keep: 2\n`;
      await serving(first, await prepared(first, auto));
      await first.execute(0, 'CREATE TABLE t(a)', 'INSERT INTO t VALUES(1),(2)');
      const failing = await eventually('the alarm', async () => {
        const status = await statusOf(first, 0);
        return status.alarms.some(({ name }) => name === 'backup_failed') && status;
      });
      assert.match(failing.backups.last_failure?.error ?? '', /AccessDenied.*prefix of the store/);
      assert.doesNotMatch(JSON.stringify(failing), /test\/secret/);
      const metrics = (await first.ask(0, '/metrics')).text;
      assert.match(metrics, /stockade_backup_runs_total\{result="failed"\} 1\n/);
      await first.stopAll();
      server.fault = () => undefined;
    },
  );

  await t.test(
    'each change makes one backup more, of which two stay; none without a change',
    async () => {
      const run = await serving(first, join(first.data(0), 'node.yaml'));
      const stored = (count: number) =>
        eventually(`backup ${count}`, async () => {
          const { backups, alarms } = await statusOf(first, 0);
          assert.deepEqual(alarms, []);
          return backups.runs.stored === count && backups.last_stored;
        });
      await stored(1);
      for (const count of [2, 3]) {
        await first.execute(0, `INSERT INTO t VALUES(${count})`);
        await stored(count);
      }
      const { backups } = await statusOf(first, 0);
      content = backups.last_stored?.content ?? '';
      const report = JSON.parse((await first.ask(0, '/consistency', '')).text) as Consistency;
      assert.equal(report.content.nodes[0]?.digest, content, 'what the replicas hold');
      const metrics = (await first.ask(0, '/metrics')).text;
      assert.match(metrics, /stockade_backup_runs_total\{result="stored"\} 3\n/);
      assert.match(metrics, /stockade_backup_newest_timestamp_seconds 1\d{9}\n/);
      await eventually('looks that find nothing new', async () =>
        /result="unchanged"\} [1-9]/.test((await first.ask(0, '/metrics')).text),
      );
      assert.equal(server.objects.size, 4, 'two backups and their descriptions');
      assert.match(run.stderr, /a backup is in the store, and verified/);
      assert.doesNotMatch(run.stderr, /test\/secret/);
      const listed = await stockade(['backups', '--store', storeFile]);
      assert.equal(listed.stdout.trim().split('\n').length, 3, listed.stdout + listed.stderr);
      await first.stopAll();
    },
  );

  await t.test(
    'a new cluster begins with it, also one that was killed in between; it is never done again',
    async () => {
      const from = `restore:\n  auto:\n    store: '${storeFile}'\n`;
      const config = await prepared(second, from);
      server.fault = refusing;
      const refused = second.start(['run', '--config', config]);
      assert.equal(await refused.ended(), 1, refused.stderr);
      assert.match(refused.stderr, /AccessDenied/);
      assert.equal(existsSync(join(second.data(0), 'data', 'raft')), false, 'nothing was created');
      server.fault = () => undefined;
      const killed = second.start(['run', '--config', config]);
      await killed.says(/is here, and sound/);
      await killed.stop('SIGKILL');
      const run = await serving(second, config);
      assert.match(killed.stderr + run.stderr, /the cluster begins with a backup/);
      assert.match(await rows(second, 0), /\[\[4,8\]\]/);
      assert.deepEqual(readdirSync(join(second.data(0), 'data', 'uploads')), []);
      await joined(second);
      await eventually('the follower has it', async () =>
        /\[\[4,8\]\]/.test(await rows(second, 1)),
      );
      const report = JSON.parse((await second.ask(0, '/consistency', '')).text) as Consistency;
      assert.deepEqual(
        report.content.nodes.map(({ digest }) => digest),
        [content, content],
      );
      await second.execute(0, 'DELETE FROM t');
      await second.stopAll();
      second.start(['run', '--config', join(second.data(1), 'node.yaml')]);
      const again = await serving(second, config);
      assert.doesNotMatch(again.stderr, /begins with a backup/);
      assert.match(await second.query(0, 'SELECT count(*) FROM t', 'none'), /\[\[0\]\]/);
    },
  );

  await t.test(
    'everything is gone but the store: the page restores it into other nodes',
    async () => {
      const values = { STORE: storeFile, NODE: second.data(0) };
      const listed = await stockade(pageWords('list-backups', values));
      assert.match(listed.stdout, /stockade-\d{8}T\d{6}Z-/, listed.stderr);
      const done = await stockade(pageWords('restore-backup', values));
      assert.equal(done.code, 0, done.stderr);
      assert.match(done.stderr, /is here, and sound[\s\S]*is loaded/);
      await eventually('both have it', async () => /\[\[4,8\]\]/.test(await rows(second, 1)));
      const report = JSON.parse((await second.ask(0, '/consistency', '')).text) as Consistency;
      assert.deepEqual(
        report.content.nodes.map(({ digest }) => digest),
        [content, content],
      );
    },
  );

  await t.test(
    'a compressed file is restored as it is; a damaged one changes nothing',
    async () => {
      const [name = ''] = [...server.objects.keys()].filter((key) => key.endsWith('.gz')).sort();
      const file = join(second.folder, 'old.sqlite.gz');
      writeFileSync(file, server.objects.get(name) ?? '');
      const words = (path: string) =>
        pageWords('restore-file', { FILE: path, NODE: second.data(0) });
      assert.equal((await stockade(words(file))).code, 0);
      assert.match(await rows(second, 0), /\[\[3,5\]\]/, 'the older of the two');
      const bytes = readFileSync(file);
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 9) ^ 1, bytes.length - 9);
      writeFileSync(file, bytes);
      assert.equal((await stockade(words(file))).code, 1);
      assert.match(await rows(second, 0), /\[\[3,5\]\]/);
      const snapshot = await stockade(['snapshot', '--server', second.data(0)]);
      assert.equal(snapshot.code, 0, snapshot.stderr);
      assert.match(snapshot.stdout, /the log let go of it/);
      const reaped = await stockade(['reap', '--server', second.data(0)]);
      assert.match(reaped.stdout, /^\{"snapshots_reaped":\d+,"wals_checkpointed":\d+\}\n$/);
    },
  );

  await t.test(
    "rqlite's backup and users are taken over: a file in WAL mode, SQL, an auth file",
    async () => {
      const place = (name: string): string => join(second.folder, name);
      const database = new Database(place('rqlite.db'));
      database.pragma('journal_mode = WAL');
      database.exec(
        "CREATE TABLE foo(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO foo VALUES(1, 'fiona')",
      );
      database.close();
      const users = [
        { username: 'bob', password: 'secret1', perms: ['execute', 'query'] },
        { username: 'root', password: 'secret2', perms: ['all'] },
        { username: '*', perms: ['status', 'ready'] },
      ];
      writeFileSync(place('rqlite-auth.json'), JSON.stringify(users));
      const to = ['--force', '--server', second.data(0)];
      const auth = ['--auth', place('rqlite-auth.json'), '--file', place('auth.json')];
      const careful = await stockade(['import', '--database', place('rqlite.db')]);
      assert.equal(careful.code, 5, careful.stderr);
      const done = await stockade(['import', '--database', place('rqlite.db'), ...auth, ...to]);
      assert.equal(done.code, 0, done.stderr);
      assert.match(done.stderr, /a sound database: 1 rows/);
      assert.match(await second.query(1, 'SELECT name FROM foo'), /fiona/);
      const taken = JSON.parse(readFileSync(place('auth.json'), 'utf8')) as {
        readonly username: string;
        readonly password?: string;
      }[];
      assert.deepEqual(
        taken.map(({ username }) => username),
        ['bob', 'root', '*'],
      );
      assert.match(taken[0]?.password ?? '', /^\$2[aby]\$/);
      assert.match(done.stderr, /status for everybody is not taken over/);
      writeFileSync(
        place('dump.sql'),
        "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE bar(a);\nINSERT INTO bar VALUES('x');\nCOMMIT;\n",
      );
      const dumped = await stockade(['import', '--database', place('dump.sql'), ...to]);
      assert.equal(dumped.code, 0, dumped.stderr);
      assert.match(await second.query(0, 'SELECT a FROM bar'), /x/);
      writeFileSync(place('broken.db'), 'SQLite format 3\0 and then nothing');
      const broken = await stockade(['import', '--database', place('broken.db'), ...to]);
      assert.equal(broken.code, 1);
      assert.match(broken.stderr, /no sound database/);
    },
  );
});
