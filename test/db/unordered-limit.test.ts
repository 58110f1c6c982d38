// Which LIMITs in a write are told: those whose rows nothing fixes but the query plan.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { executed, readerIn, temporaryFolder, verdict, writerIn } from './support.ts';

const unordered: readonly string[] = [
  'INSERT INTO log SELECT a FROM t LIMIT 1',
  'INSERT INTO log SELECT a FROM t ORDER BY a LIMIT 1',
  'INSERT INTO log SELECT a FROM t ORDER BY abs(id) LIMIT 1',
  'INSERT INTO log SELECT a FROM t ORDER BY id + 1 LIMIT 1',
  'INSERT INTO log SELECT a FROM t ORDER BY maybe LIMIT 1',
  'INSERT INTO log SELECT a FROM t ORDER BY x LIMIT 1',
  'INSERT INTO log SELECT a FROM t ORDER BY part LIMIT 1',
  'INSERT INTO log SELECT t.a FROM t, log ORDER BY t.id LIMIT 1',
  'INSERT INTO log SELECT t.a FROM t JOIN log ORDER BY t.id LIMIT 1',
  'INSERT INTO log SELECT a FROM (SELECT a, id FROM t) ORDER BY id LIMIT 1',
  'INSERT INTO log SELECT a FROM t UNION SELECT a FROM log ORDER BY a LIMIT 1',
  'INSERT INTO log SELECT a FROM v ORDER BY id LIMIT 1',
  'INSERT INTO log SELECT a FROM keyed ORDER BY k LIMIT 1',
  'INSERT INTO log SELECT a FROM t ORDER BY id; DELETE FROM t WHERE id = (SELECT id FROM t LIMIT 1)',
  'DELETE FROM t WHERE id IN (SELECT id FROM t WHERE a > 1 limit 10)',
  'UPDATE t SET a = (SELECT a FROM log LIMIT 1) WHERE id = 1',
  'WITH some AS (SELECT id FROM t LIMIT 5) DELETE FROM t WHERE id IN some',
  'INSERT INTO t(a) VALUES (1) RETURNING (SELECT a FROM log LIMIT 1)',
  'CREATE TABLE made AS SELECT a FROM t LIMIT 5',
  'CREATE TRIGGER g AFTER INSERT ON log BEGIN DELETE FROM t WHERE id = (SELECT id FROM t ORDER BY id LIMIT 1); INSERT INTO t(a) SELECT a FROM log LIMIT 1; END',
];

const ordered: readonly string[] = [
  'SELECT a FROM t LIMIT 1',
  'EXPLAIN INSERT INTO log SELECT a FROM t LIMIT 1',
  'CREATE VIEW w AS SELECT a FROM t LIMIT 1',
  'INSERT INTO log SELECT a FROM t',
  'INSERT INTO log SELECT 1 LIMIT 1',
  "INSERT INTO log VALUES ('LIMIT')",
  'INSERT INTO log SELECT "limit" FROM odd',
  'INSERT INTO log SELECT a FROM t ORDER BY id LIMIT 1',
  'INSERT INTO log SELECT a FROM main.t ORDER BY t.ID DESC NULLS LAST LIMIT 1 OFFSET 2',
  'INSERT INTO log SELECT a FROM t ORDER BY a + 1, id LIMIT 1',
  'INSERT INTO log SELECT a FROM t AS u ORDER BY u.rowid LIMIT 1',
  'INSERT INTO log SELECT a FROM t ORDER BY sure LIMIT 1',
  'INSERT INTO log SELECT a FROM keyed ORDER BY l, k LIMIT 1',
  'INSERT INTO log SELECT a FROM t WHERE EXISTS (SELECT 1 FROM log LIMIT 1)',
  'DELETE FROM t WHERE id IN (SELECT id FROM t WHERE a > 1 ORDER BY a, id LIMIT 10)',
];

test('a write that takes rows by LIMIT without ORDER BY on a unique key is told apart', (t) => {
  const folder = temporaryFolder(t);
  executed(writerIn(t, folder), [
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a, x UNIQUE, sure NOT NULL UNIQUE, part NOT NULL, maybe)',
    'CREATE UNIQUE INDEX parts ON t(part) WHERE a > 1',
    'CREATE UNIQUE INDEX computed ON t(abs(part))',
    'CREATE TABLE keyed(k NOT NULL, l NOT NULL, a, PRIMARY KEY (k, l)) WITHOUT ROWID',
    'CREATE TABLE log(a)',
    'CREATE TABLE odd("limit")',
    'CREATE VIEW v AS SELECT id, a FROM t',
  ]);
  const reader = readerIn(t, folder);
  for (const [texts, expected] of [
    [unordered, true],
    [ordered, false],
  ] as const) {
    for (const text of texts) {
      const judged = verdict(reader, text);
      assert.equal(judged.kind, 'allowed', `${text}: ${JSON.stringify(judged)}`);
      assert.equal(judged.kind === 'allowed' && judged.unordered, expected, text);
    }
  }
});
