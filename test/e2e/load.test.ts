// Loads and backups of a real cluster: what goes in at a follower comes out the same at every node,
// while others write, over a change of the leader, and at a node that was away.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { hashContent } from '#db/content-hash.ts';
import { openEngine } from '#db/engine.ts';
import { temporaryFolder } from '../db/support.ts';
import { Cluster, eventually } from './cluster.ts';
import { endedPid, startNode } from './run-node.ts';

const script = fileURLToPath(new URL('../data/chinook/Chinook_Sqlite.sql', import.meta.url));

/** The Chinook database as a file, with one more table of this many rows of a kibibyte. */
const chinookFile = (t: TestContext, rows: number): Buffer => {
  const path = join(temporaryFolder(t), 'chinook.sqlite');
  const database = new Database(path);
  database.exec(readFileSync(script, 'utf8'));
  database.exec(`CREATE TABLE ballast(id INTEGER PRIMARY KEY, b BLOB);
    WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c WHERE x < ${rows})
    INSERT INTO ballast SELECT x, randomblob(1024) FROM c`);
  database.close();
  return readFileSync(path);
};

interface Sent {
  readonly status: number;
  readonly bytes: Buffer;
}

/** One request with a body or an answer of bytes, on a connection of its own. */
const send = (
  cluster: Cluster,
  at: number,
  method: string,
  path: string,
  body?: Buffer,
): Promise<Sent> =>
  new Promise((resolve, reject) => {
    const agent = new Agent({ ca: readFileSync(cluster.file.ca, 'utf8') });
    const asked = request(
      {
        host: '127.0.0.1',
        port: cluster.portBase + 10 * at,
        method,
        path,
        agent,
        auth: `admin:${cluster.password}`,
        ...(body === undefined ? {} : { headers: { 'content-length': String(body.length) } }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          agent.destroy();
          resolve({ status: response.statusCode ?? 0, bytes: Buffer.concat(chunks) });
        });
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });

/** A digest of all that a database file holds. */
const digestOf = (t: TestContext, bytes: Buffer): string => {
  const path = join(temporaryFolder(t), 'backup.sqlite');
  writeFileSync(path, bytes);
  const engine = openEngine(path, { readonly: true, busyTimeoutMs: 0 });
  try {
    assert.equal(engine.value('PRAGMA integrity_check'), 'ok');
    return hashContent(engine).digest;
  } finally {
    engine.close();
  }
};

const startCluster = async (t: TestContext): Promise<{ cluster: Cluster; leader: number }> => {
  const cluster = await Cluster.start(3, ['--no-restart']);
  t.after(() => cluster.remove());
  return { cluster, leader: (await cluster.leader()) ?? 0 };
};

const count = async (cluster: Cluster, at: number, table: string): Promise<unknown> =>
  (
    await cluster.query(at, `SELECT count(*) FROM ${table}`, 'none').catch(() => undefined)
  )?.[0]?.[0];

test('Chinook goes in as a file at a follower while others write, and every backup holds the same', async (t) => {
  const { cluster, leader } = await startCluster(t);
  const [follower, other] = [(leader + 1) % 3, (leader + 2) % 3];
  await cluster.execute(leader, ['CREATE TABLE old(x)', 'INSERT INTO old VALUES (1)']);
  const bytes = chinookFile(t, 3000);
  const expected = digestOf(t, bytes);

  let writing = true;
  const failures: string[] = [];
  const written = { old: 0, refused: 0 };
  const writer = (async (): Promise<void> => {
    while (writing) {
      const answer = await cluster.ask(other, '/db/execute', {
        body: '["INSERT INTO old VALUES (2)"]',
      });
      if (answer.text.includes('no such table: old')) written.refused += 1;
      else if (answer.status === 200 && !answer.text.includes('"error"')) written.old += 1;
      else failures.push(answer.text);
    }
  })();
  const loaded = await send(cluster, follower, 'POST', '/db/load', bytes);
  assert.equal(loaded.status, 200, loaded.bytes.toString());
  assert.equal(loaded.bytes.toString(), '{"results":[]}');
  await eventually('writes meet the new database', async () => written.refused > 0);
  writing = false;
  await writer;
  assert.deepEqual(failures, []);
  assert.ok(written.old > 0);

  for (const at of [0, 1, 2]) {
    const backup = await send(cluster, at, 'GET', '/db/backup');
    assert.equal(backup.status, 200);
    assert.equal(digestOf(t, backup.bytes), expected, `node ${at}`);
    const { data } = cluster.file.nodes[at] ?? { data: '' };
    await eventually(
      'the old database is gone',
      async () => readdirSync(join(data, 'db')).length === 2,
    );
  }
  await cluster.execute(follower, ["INSERT INTO Artist VALUES (9999, 'new')"]);
  for (const at of [0, 1, 2]) {
    await eventually('it arrives', async () => (await count(cluster, at, 'Artist')) === 276);
  }
  // A dump of it goes in again, at another follower, beside what is there.
  const dump = await send(cluster, other, 'GET', '/db/backup?fmt=sql&tables=Genre,Artist');
  await cluster.execute(leader, [
    'DROP TABLE ballast',
    'ALTER TABLE Genre RENAME TO g',
    'ALTER TABLE Artist RENAME TO a',
  ]);
  const again = await send(cluster, other, 'POST', '/db/load', dump.bytes);
  assert.match(
    again.bytes.toString(),
    /^\{"results":\[\{"last_insert_id":25,"rows_affected":1\}\]\}$/,
  );
  assert.equal(await count(cluster, leader, 'Artist'), 276);
});

test('a load goes on over the death of the leader, and a node that was away has it afterwards', async (t) => {
  const { cluster, leader } = await startCluster(t);
  const [follower, other] = [(leader + 1) % 3, (leader + 2) % 3];
  const { nodes } = cluster.file;
  const dead = nodes[leader];
  assert.ok(dead !== undefined);
  await cluster.execute(leader, ['CREATE TABLE old(x)']);
  const bytes = chinookFile(t, 8000);
  const expected = digestOf(t, bytes);
  const loading = send(cluster, follower, 'POST', '/db/load', bytes);
  await eventually('the load is under way', async () => {
    const { data } = nodes[other] ?? { data: '' };
    const path = join(data, 'db', readFileSync(join(data, 'db', 'CURRENT'), 'utf8').trim());
    const database = new Database(join(path, 'state.sqlite'), { readonly: true });
    try {
      return Number(database.prepare('SELECT count(*) FROM _stockade_load').pluck().get()) > 2;
    } finally {
      database.close();
    }
  });
  await endedPid(dead.pid, 'SIGKILL');
  const loaded = await loading;
  assert.equal(loaded.status, 200, loaded.bytes.toString());
  assert.equal(digestOf(t, (await send(cluster, follower, 'GET', '/db/backup')).bytes), expected);
  assert.equal(digestOf(t, (await send(cluster, other, 'GET', '/db/backup')).bytes), expected);

  startNode(t, dead.config);
  await eventually(
    'the node that was away holds it',
    async () => (await count(cluster, leader, 'ballast')) === 8000,
  );
  const backup = await send(cluster, leader, 'GET', '/db/backup?timeout=60s');
  assert.equal(backup.status, 200, backup.bytes.toString('latin1', 0, 300));
  assert.equal(digestOf(t, backup.bytes), expected);
});

test('a node that is alone is booted with a file; a snapshot makes it durable; a cluster is not booted', async (t) => {
  const cluster = await Cluster.start(1);
  t.after(() => cluster.remove());
  const bytes = chinookFile(t, 10);
  assert.equal((await send(cluster, 0, 'POST', '/boot', Buffer.from('x'.repeat(100)))).status, 400);
  const booted = await send(cluster, 0, 'POST', '/boot', bytes);
  assert.equal(booted.status, 200, booted.bytes.toString());
  assert.equal(booted.bytes.length, 0);
  assert.equal(await count(cluster, 0, 'Track'), 3503);
  assert.equal((await send(cluster, 0, 'POST', '/snapshot')).status, 200);
  assert.equal((await send(cluster, 0, 'POST', '/snapshot')).status, 204);
});
