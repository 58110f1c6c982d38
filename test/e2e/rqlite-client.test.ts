// A published client of rqlite works unchanged, over HTTPS with Basic auth and our CA.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { test } from 'node:test';
import { DataApiClient } from 'rqlite-js';
import { Cluster } from './cluster.ts';

test('rqlite-js creates, inserts, queries, runs transactions and sees errors', async (t) => {
  const cluster = await Cluster.start(3);
  t.after(() => cluster.remove());
  const agent = new Agent({ ca: readFileSync(cluster.file.ca), keepAlive: true });
  t.after(() => agent.destroy());
  const client = new DataApiClient(
    cluster.file.nodes.map(({ url }) => url),
    {
      authentication: { username: 'admin', password: cluster.password },
      httpsAgent: agent,
    },
  );

  const created = await client.execute(
    'CREATE TABLE foo (id INTEGER PRIMARY KEY, name TEXT UNIQUE)',
  );
  assert.equal(created.hasError(), false, created.toString());

  const inserted = await client.execute([
    ['INSERT INTO foo(name) VALUES(?)', 'fiona'],
    ['INSERT INTO foo(name) VALUES(:name)', { name: 'žofie 🚀' }],
  ]);
  assert.equal(inserted.hasError(), false, inserted.toString());
  assert.equal(inserted.get(1)?.getLastInsertId(), 2);
  assert.equal(inserted.get(1)?.getRowsAffected(), 1);

  const read = await client.query('SELECT id, name FROM foo ORDER BY id', { level: 'strong' });
  assert.deepEqual(read.toArray(), [
    { id: 1, name: 'fiona' },
    { id: 2, name: 'žofie 🚀' },
  ]);

  const rolledBack = await client.execute(
    ["INSERT INTO foo(name) VALUES('third')", "INSERT INTO foo(name) VALUES('fiona')"],
    { transaction: true },
  );
  assert.equal(rolledBack.hasError(), true);
  assert.match(String(rolledBack.getFirstError()), /UNIQUE constraint failed: foo\.name/);
  const counted = await client.query('SELECT count(*) AS n FROM foo', { level: 'linearizable' });
  assert.equal(counted.get(0)?.get('n'), 2);

  const broken = await client.query('SELECT * FROM nothing_here');
  assert.match(String(broken.getFirstError()), /no such table: nothing_here/);
});

test('rqlite-js without the right password gets an error, not data', async (t) => {
  const cluster = await Cluster.start(1);
  t.after(() => cluster.remove());
  const agent = new Agent({ ca: readFileSync(cluster.file.ca) });
  const client = new DataApiClient(cluster.file.nodes[0]?.url ?? '', {
    authentication: { username: 'admin', password: 'guess' },
    httpsAgent: agent,
    retries: 0,
  });
  await assert.rejects(client.query('SELECT 1'), /401|Unauthorized/);
});
