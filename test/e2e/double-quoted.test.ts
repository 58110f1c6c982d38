// The switch for strings in double quotes, through a whole node: off it is an error; on, the text
// is rewritten before the log, so that what was written does not depend on the switch.
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Cluster } from './cluster.ts';

const write = JSON.stringify([['INSERT INTO t (a, b) VALUES ("text", ?)', 1]]);

test('double-quoted strings are an error until the switch is on; what was written stays without it', async (t) => {
  const cluster = await Cluster.start(1);
  t.after(() => cluster.remove());
  const { folder, portBase } = cluster;
  const config = cluster.file.nodes[0]?.config ?? '';
  await cluster.execute(0, ['CREATE TABLE t (a, b)']);
  const off = await cluster.ask(0, '/db/execute', { body: write });
  assert.match(off.text, /no such column/);
  await cluster.stop();

  const plain = readFileSync(config, 'utf8');
  appendFileSync(config, '\ncompat:\n  doubleQuotedStrings: true\n');
  const on = await Cluster.resume(folder, portBase, 1);
  t.after(() => on.stop());
  await on.execute(0, [['INSERT INTO t (a, b) VALUES ("text", ?)', 1]]);
  assert.deepEqual(await on.query(0, 'SELECT "a", "b", "c" FROM t WHERE a = "text"'), [
    ['text', 1, 'c'],
  ]);
  await on.stop();

  writeFileSync(config, plain);
  const again = await Cluster.resume(folder, portBase, 1);
  t.after(() => again.stop());
  assert.deepEqual(await again.query(0, "SELECT a FROM t WHERE a = 'text'"), [['text']]);
});
