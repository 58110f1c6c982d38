// What a write may cost on every node, as the guard says before it is proposed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { executed, readerIn, temporaryFolder, verdict, writerIn } from './support.ts';

const endless = 'WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c)';

test('PILL-01 a write that may never end is refused without the permission heavy, allowed with it', (t) => {
  const folder = temporaryFolder(t);
  executed(writerIn(t, folder), ['CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)']);
  const reader = readerIn(t, folder);
  for (const text of [
    `${endless} INSERT INTO t(a) SELECT x FROM c`,
    `INSERT INTO t(a) ${endless} SELECT x FROM c WHERE x < 0`,
    `DELETE FROM t WHERE a IN (${endless} SELECT x FROM c)`,
    `UPDATE t SET a = (${endless} SELECT count(*) FROM c)`,
    `CREATE TABLE n AS ${endless} SELECT x FROM c`,
  ]) {
    const found = verdict(reader, text);
    assert.ok(found.kind === 'refused', text);
    assert.equal(found.code, 'statement_too_expensive');
    const heavy = verdict(reader, text, true);
    assert.ok(heavy.kind === 'allowed', text);
    assert.equal(heavy.cost, 'unbounded');
  }
  // A query has a deadline, so it may; but it says what it would be within a write.
  const read = verdict(reader, `${endless} SELECT x FROM c`);
  assert.ok(read.kind === 'allowed');
  assert.equal(read.cost, 'unbounded');
});

test('PILL-02 a write is small or large by the rows it may walk and the bytes it may make', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, [
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a)',
    'CREATE TABLE big(id INTEGER PRIMARY KEY, a)',
    `INSERT INTO big(a) ${endless} SELECT x FROM c LIMIT 60000`,
  ]);
  const reader = readerIn(t, folder);
  const cost = (text: string): string => {
    const found = verdict(reader, text);
    return found.kind === 'allowed' ? found.cost : found.kind;
  };
  const small = [
    'INSERT INTO t(a) VALUES(?)',
    'INSERT INTO big(a) VALUES(?), (?), (?)',
    'UPDATE big SET a = 1 WHERE id = ?',
    'DELETE FROM big WHERE id IN (?, ?)',
    'INSERT INTO big(id, a) VALUES(1, 2) ON CONFLICT(id) DO UPDATE SET a = 3',
    'INSERT INTO t(a) SELECT count(*) FROM t GROUP BY a',
    'UPDATE t SET a = 1',
    'INSERT INTO t(a) VALUES(zeroblob(1000))',
    "INSERT INTO t(a) VALUES(printf('%05d', ?))",
    'UPDATE big SET a = randomblob(16) WHERE id = ?',
    "UPDATE big SET a = replace(a, 'x', 'yy') WHERE id = ?",
    'REPLACE INTO t(id, a) VALUES(1, ?)',
    'CREATE INDEX i ON t(a)',
    'DROP TABLE t',
  ];
  for (const text of small) assert.equal(cost(text), 'small', text);
  const large = [
    'UPDATE big SET a = 1',
    'DELETE FROM big',
    'INSERT INTO t(a) SELECT a FROM big',
    'DELETE FROM t WHERE a IN (SELECT a FROM big)',
    'INSERT INTO t(a) VALUES(zeroblob(250000000))',
    'INSERT INTO t(a) VALUES(hex(randomblob(?)))',
    "INSERT INTO t(a) VALUES(printf('%500000000d', 1))",
    "INSERT INTO t(a) VALUES(printf('%*d', ?, 1))",
    'INSERT INTO t(a) VALUES(length(hex(zeroblob(1 * 250000000))))',
    'INSERT INTO t(a) VALUES(length("zeroblob"(250000000)))',
    `INSERT INTO t(a) VALUES ${Array.from({ length: 100 }, () => '(zeroblob(1000000))').join()}`,
    "INSERT INTO t(a) VALUES(replace(hex(zeroblob(1000)), '0', ?))",
    "UPDATE t SET a = replace(a, '0', a || a)",
    `INSERT INTO t(a) VALUES(${'hex('.repeat(15)}?${')'.repeat(15)})`,
  ];
  for (const text of large) assert.equal(cost(text), 'large', text);
  // Schema work over a large table is not tried out: it needs the permission.
  for (const text of ['CREATE INDEX i ON big(a)', 'DROP TABLE big', 'ANALYZE', 'REINDEX']) {
    assert.equal(cost(text), 'refused', text);
    assert.equal(verdict(reader, text, true).kind, 'allowed', text);
  }
});

test('a write says how many bytes a byte of its parameters may become: rows times doublings', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, [
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a)',
    `INSERT INTO t(a) ${endless} SELECT x FROM c LIMIT 1000`,
  ]);
  const reader = readerIn(t, folder);
  const copies = (text: string): number => {
    const found = verdict(reader, text);
    assert.ok(found.kind === 'allowed' && found.cost === 'small', text);
    return found.copies;
  };
  assert.equal(copies('INSERT INTO t(a) VALUES(?)'), 1);
  assert.ok(copies('UPDATE t SET a = ? WHERE id = ?') <= 2);
  assert.ok(copies('UPDATE t SET a = ?') >= 1000);
  assert.ok(copies('UPDATE t SET a = hex(?)') >= 2000);
  assert.ok(copies('INSERT INTO t(a) SELECT hex(quote(?)) FROM t') >= 4000);
});

/** Each level is named twice by the next, as a view or as a common table. */
const levels = 14;
const joined = Array.from({ length: levels }, (_, at) =>
  at === 0 ? 'SELECT id FROM t' : `SELECT x.id FROM v${at - 1} x, v${at - 1} y`,
);
const united = joined.map((_, at) =>
  at === 0 ? 'SELECT id FROM t' : `SELECT id FROM V${at - 1} UNION SELECT id + 1 FROM "v${at - 1}"`,
);

test('PILL-03 a write over views upon views is refused before it is prepared, whoever sends it', (t) => {
  const folder = temporaryFolder(t);
  executed(writerIn(t, folder), ['CREATE TABLE t(id INTEGER PRIMARY KEY)']);
  const reader = readerIn(t, folder);
  for (const selects of [joined, united]) {
    const views = selects.map((select, at) => `CREATE VIEW v${at} AS ${select}`);
    const common = selects.map((select, at) => `v${at}(id) AS NOT MATERIALIZED (${select})`);
    for (const texts of [
      views,
      [...views.slice(0, 8), 'INSERT INTO t SELECT a.id FROM v7 a, v7 b'],
      [...views.slice(0, 8), 'DELETE FROM t WHERE id IN (SELECT a.id FROM v7 a, v7 b, v7 c)'],
      [...views.slice(0, 8), 'CREATE TABLE made AS SELECT a.id FROM v7 a, v7 b'],
      [`WITH ${common.join(', ')} INSERT INTO t SELECT id FROM v13`],
      [`INSERT INTO t WITH ${common.join(', ')} SELECT id FROM v13`],
    ]) {
      for (const heavy of [false, true]) {
        const { verdicts } = reader.judge({ texts, heavy });
        const found = verdicts.find(({ kind }) => kind === 'refused');
        assert.ok(found?.kind === 'refused', texts.at(-1));
        assert.equal(found.code, 'statement_too_expensive');
        assert.match(found.reason, /expands/);
      }
    }
  }
});

test('views that are used as people use them, and ones that go round, are no expansion', (t) => {
  const folder = temporaryFolder(t);
  executed(writerIn(t, folder), ['CREATE TABLE t(id INTEGER PRIMARY KEY)']);
  const reader = readerIn(t, folder);
  const chain = Array.from({ length: 40 }, (_, at) =>
    at === 0
      ? 'CREATE VIEW v0 AS WITH c AS (SELECT id FROM t) SELECT a.id FROM c a, c b'
      : `CREATE VIEW v${at} AS SELECT id FROM v${at - 1}`,
  );
  const round = ['CREATE VIEW a AS SELECT * FROM b', 'CREATE VIEW b AS SELECT * FROM a'];
  const recursive =
    'INSERT INTO t WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c';
  const judged = (texts: readonly string[]): unknown =>
    reader.judge({ texts, heavy: true }).verdicts.at(-1)?.kind;
  assert.equal(judged([...chain, 'INSERT INTO t SELECT id FROM v39']), 'allowed');
  assert.equal(judged([recursive]), 'allowed');
  assert.equal(judged([...round, 'INSERT INTO t SELECT * FROM a']), 'error');
});
