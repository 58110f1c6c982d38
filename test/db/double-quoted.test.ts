// The switch for strings in double quotes: what becomes a string, what stays a name, and that the
// judged text is the one that runs.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Reader, Verdict } from '#db/reader.ts';
import type { Writer } from '#db/writer.ts';
import { executed, readerIn, tableOf, temporaryFolder, writerIn } from './support.ts';

const opened = (t: TestContext): { readonly reader: Reader; readonly writer: Writer } => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, ['CREATE TABLE t(a, b)', 'CREATE TABLE u(x)', 'CREATE TABLE _mine(a)']);
  return { writer, reader: readerIn(t, folder) };
};

const judged = (reader: Reader, text: string, doubleQuotedStrings = true): Verdict => {
  const [verdict] = reader.judge({ texts: [text], doubleQuotedStrings }).verdicts;
  assert.ok(verdict);
  return verdict;
};

const strings: readonly (readonly [text: string, instead: string])[] = [
  ['INSERT INTO t VALUES("hello", 1)', "INSERT INTO t VALUES('hello', 1)"],
  ['INSERT INTO t("a") VALUES("it\'s")', "INSERT INTO t(\"a\") VALUES('it''s')"],
  ['SELECT * FROM t WHERE a = "te""xt"', "SELECT * FROM t WHERE a = 'te\"xt'"],
  ['UPDATE t SET a = "x" WHERE "b" = "y"', "UPDATE t SET a = 'x' WHERE \"b\" = 'y'"],
  ['SELECT "zz", "zz" FROM t', "SELECT 'zz', 'zz' FROM t"],
  ['SELECT a, "x" AS "x" FROM t', 'SELECT a, \'x\' AS "x" FROM t'],
  // One word, a text in one place and a column in another.
  ['SELECT "x", (SELECT "x" FROM u) FROM t', 'SELECT \'x\', (SELECT "x" FROM u) FROM t'],
  ['DELETE FROM t WHERE a = ""', "DELETE FROM t WHERE a = ''"],
  ['INSERT INTO t VALUES(?, "é;--")', "INSERT INTO t VALUES(?, 'é;--')"],
  ['SELECT 1; SELECT "q"; SELECT "a" FROM t', 'SELECT 1; SELECT \'q\'; SELECT "a" FROM t'],
  ['INSERT INTO t VALUES("a", 1) RETURNING "zz"', "INSERT INTO t VALUES('a', 1) RETURNING 'zz'"],
  [
    'SELECT name FROM sqlite_master WHERE type="table"',
    "SELECT name FROM sqlite_master WHERE type='table'",
  ],
  ['SELECT a FROM t WHERE a LIKE "%x%"', "SELECT a FROM t WHERE a LIKE '%x%'"],
];

for (const [text, instead] of strings) {
  test(`with the switch on ${text} is judged and proposed as ${instead}`, (t) => {
    const { reader } = opened(t);
    const found = judged(reader, text);
    assert.ok(found.kind === 'allowed', JSON.stringify(found));
    assert.equal(found.instead, instead);
    // What goes into the log needs no switch.
    assert.equal(judged(reader, instead, false).kind, 'allowed');
    assert.equal(judged(reader, text, false).kind, 'error');
  });
}

const errors = [
  'CREATE TABLE n(a DEFAULT "x", CHECK (a <> "y"))',
  'CREATE VIEW v AS SELECT "x" FROM t WHERE nope',
  'CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO t VALUES("x", nope); END',
  'CREATE INDEX i ON t("nope")',
  'SELECT t."zz" FROM t',
  'SELECT [zz] FROM t',
  'SELECT `zz` FROM t',
  'SELECT zz FROM t',
  'UPDATE t SET "zz" = 1',
  'SELECT * FROM "zz"',
  'SELECT "zz"(1)',
  'SELECT "x" FROM t WHERE nope = 1',
  `SELECT ${Array.from({ length: 300 }, () => '"x"').join(', ')} FROM t`,
];

for (const text of errors) {
  test(`with the switch on it is what it was without: ${text.slice(0, 80)}`, (t) => {
    const { reader } = opened(t);
    const found = judged(reader, text);
    assert.deepEqual(found, judged(reader, text, false));
    if (!text.startsWith('CREATE V') && !text.startsWith('CREATE TR')) {
      assert.equal(found.kind, 'error');
    }
  });
}

test('texts that prepare as they are stay as they are', (t) => {
  const { reader } = opened(t);
  for (const text of ['SELECT "a" FROM t', "SELECT 'x'", 'SELECT a AS "zz" FROM t ORDER BY "zz"']) {
    const found = judged(reader, text);
    assert.ok(found.kind === 'allowed');
    assert.equal(found.instead, undefined);
  }
});

test('what a string hides is judged again: no name that is denied comes through', (t) => {
  const { reader } = opened(t);
  for (const text of [
    'SELECT "x" FROM _stockade_meta',
    'SELECT "x", load_extension("y")',
    'INSERT INTO t VALUES("x", sqlite_version())',
    'SELECT "_stockade_meta"',
  ]) {
    assert.notEqual(judged(reader, text).kind, 'allowed', text);
  }
});

test('a read with the switch on runs with strings, without it fails; columns stay columns', (t) => {
  const { reader, writer } = opened(t);
  executed(writer, ["INSERT INTO t VALUES('one', 2)"], { render: 1 });
  const read = (doubleQuotedStrings: boolean): string => {
    const request = { transaction: false, render: 1, rowsMax: 10, bytesMax: 10_000 };
    const table = tableOf(['SELECT "a", "zz" FROM t WHERE "a" = "one"']);
    return reader.read({ ...table, ...request, doubleQuotedStrings }).json.toString();
  };
  assert.match(read(true), /"values":\[\["one","zz"\]\]/);
  assert.match(read(false), /no such column/);
  assert.match(read(true), /"values":\[\["one","zz"\]\]/);
  executed(writer, ['ALTER TABLE t ADD COLUMN one']);
  assert.doesNotMatch(read(true), /values/);
});
