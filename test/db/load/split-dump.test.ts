// SQL text taken apart for loading: BEGIN and COMMIT become stretches, what a dump says beside the
// data is left out, and nothing is begun that could not be ended.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SplitDump, splitDump } from '#db/load/split-dump.ts';

const segments = (text: string): readonly (readonly [boolean, readonly string[]])[] => {
  const split = splitDump(text);
  assert.equal(split.kind, 'segments', JSON.stringify(split));
  return split.kind === 'segments'
    ? split.segments.map(({ transaction, texts }) => [transaction, texts])
    : [];
};

const reasonOf = (split: SplitDump): string => (split.kind === 'unfit' ? split.reason : 'taken');

test('a dump as sqlite3 writes it is one transaction without its settings', () => {
  const text = `PRAGMA foreign_keys=OFF;
    BEGIN TRANSACTION;
    CREATE TABLE t(a); -- a comment; with a semicolon
    INSERT INTO t VALUES('x;y');
    CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; SELECT 2; END;
    ANALYZE sqlite_schema;
    INSERT INTO sqlite_stat1 VALUES('t',NULL,'1');
    DELETE FROM sqlite_sequence;
    INSERT INTO sqlite_sequence VALUES('t',7);
    COMMIT;`;
  assert.deepEqual(segments(text), [
    [
      true,
      [
        'CREATE TABLE t(a)',
        "INSERT INTO t VALUES('x;y')",
        'CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; SELECT 2; END',
        "DELETE FROM sqlite_sequence WHERE name = 't'",
        "INSERT INTO sqlite_sequence VALUES('t', 7)",
      ],
    ],
  ]);
  const split = splitDump(text);
  assert.deepEqual(split.kind === 'segments' && split.segments[0]?.own, [3, 4]);
});

test('stretches stand behind each other as the text says; what is rolled back is not there', () => {
  assert.deepEqual(
    segments(
      'SELECT 1; BEGIN IMMEDIATE; SELECT 2; END TRANSACTION; BEGIN; SELECT 3; ROLLBACK; SELECT 4; SELECT 5',
    ),
    [
      [false, ['SELECT 1']],
      [true, ['SELECT 2']],
      [false, ['SELECT 4', 'SELECT 5']],
    ],
  );
  assert.deepEqual(segments(''), []);
  assert.deepEqual(segments('-- nothing\n;;'), []);
});

test('statements without a transaction are cut into stretches of a bounded size', () => {
  const one = `INSERT INTO t VALUES('${'x'.repeat(1000)}');`;
  const split = segments(one.repeat(200));
  assert.ok(split.length > 2);
  assert.equal(
    split.reduce((sum, [, texts]) => sum + texts.length, 0),
    200,
  );
  for (const [transaction, texts] of split) {
    assert.equal(transaction, false);
    assert.ok(texts.join('').length < 80_000);
  }
});

test('a text that ends within a transaction, or whose transactions do not fit, is refused whole', () => {
  for (const [text, reason] of [
    ['SELECT 1; BEGIN; SELECT 2', /ends within a transaction/],
    ['BEGIN; BEGIN; COMMIT; COMMIT', /within a transaction/],
    ['SELECT 1; COMMIT', /COMMIT without BEGIN/],
    ['BEGIN; SAVEPOINT a; ROLLBACK TO a; COMMIT', /savepoints/],
    ['BEGIN; COMMIT;'.repeat(1) + 'BEGIN; SELECT 1; COMMIT;'.repeat(1001), /too many/],
    ['SELECT 1 /* not closed', /comment is not closed/],
    ['SELECT \0', /NUL/],
  ] as const) {
    assert.match(reasonOf(splitDump(text)), reason, text.slice(0, 40));
  }
});

test('only a plain counter below the end is set without being judged', () => {
  for (const text of [
    "INSERT INTO sqlite_sequence VALUES('t', 9223372036854775807)",
    "INSERT INTO sqlite_sequence VALUES('t', -1)",
    "INSERT INTO sqlite_sequence SELECT 't', 1",
    "INSERT INTO sqlite_sequence VALUES('t', 1), ('u', 2)",
    "INSERT INTO sqlite_sequence(name, seq) VALUES('t', 1)",
    "INSERT OR REPLACE INTO sqlite_sequence VALUES('t', 1)",
    "DELETE FROM sqlite_sequence WHERE name = 't'",
    'UPDATE sqlite_sequence SET seq = 1',
  ]) {
    const split = splitDump(text);
    assert.deepEqual(split, {
      kind: 'segments',
      segments: [{ transaction: false, texts: [text], own: [] }],
    });
  }
});
