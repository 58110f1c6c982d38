// Writes that never end or run long are refused before the log, and nobody else notices much.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cluster } from './cluster.ts';

const json = JSON.stringify;

test('PILL-01 a write that may take long is tried out: in time it is done, too long it is refused', async (t) => {
  const cluster = await Cluster.start(1);
  t.after(() => cluster.remove());
  await cluster.execute(0, [
    'CREATE TABLE numbers (n INTEGER PRIMARY KEY)',
    'CREATE TABLE copies (n)',
  ]);
  const rows = Array.from({ length: 3000 }, (_, at) => `(${at})`).join(',');
  await cluster.execute(0, [`INSERT INTO numbers VALUES ${rows}`]);

  // 9 million steps at most by its bound: not small, but quick.
  const quick =
    'INSERT INTO copies SELECT a.n FROM numbers a, numbers b WHERE a.n < 50 AND a.n + b.n = 60';
  const done = await cluster.ask(0, '/db/execute', { body: json([quick]) });
  assert.equal(done.status, 200, done.text);
  assert.match(done.text, /"rows_affected":50/);

  // 27 thousand million steps.
  const slow =
    'INSERT INTO copies SELECT a.n FROM numbers a, numbers b, numbers c WHERE a.n + b.n + c.n = -1';
  const refused = await cluster.ask(0, '/db/execute', { body: json([slow]) });
  assert.ok(refused.status >= 400, refused.text);
  assert.match(refused.text, /"code":"statement_too_expensive"/);
  assert.match(refused.text, /"applied":"no"/);

  // The writer that was killed is replaced, the data is as it was, the user waits for the next one.
  await cluster.execute(0, ['INSERT INTO copies VALUES (-1)']);
  assert.deepEqual(await cluster.query(0, 'SELECT count(*) FROM copies', 'strong'), [[51]]);
  const again = await cluster.ask(0, '/db/execute', { body: json([quick]) });
  assert.match(again.text, /"code":"statement_too_expensive"/);
});
