// Splitting SQL text: where a statement ends and where it only seems to.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { splitSql } from '#cli/shell/split-sql.ts';

const textsOf = (sql: string): readonly string[] => splitSql(sql).map(({ text }) => text);

test('a semicolon inside a string, a quoted name or a comment ends nothing', () => {
  for (const statement of [
    "SELECT 'a;b', 'it''s; ok', ''",
    'SELECT "a;b""c;"',
    'SELECT `a;b``c;`',
    'SELECT [a;b]',
    'SELECT 1 -- one; two\n+ 2',
    'SELECT 1 /* one; two */ + 2',
    "SELECT '--', '/*', \"[\"",
  ]) {
    assert.deepEqual(textsOf(`${statement};SELECT 2;`), [statement, 'SELECT 2'], statement);
  }
});

test('what stands between statements is dropped: comments, blanks, empty statements', () => {
  const sql = '-- head\n;; /* more */ SELECT 1 /* inside */ ;\n\n-- tail\n SELECT 2 -- end';
  assert.deepEqual(textsOf(sql), ['SELECT 1 /* inside */', 'SELECT 2 -- end']);
  assert.deepEqual(textsOf(' -- nothing\n/* at all'), []);
});

test('a trigger ends with its END, whatever stands in its body', () => {
  const trigger = `CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN
    UPDATE t SET a = CASE WHEN b THEN 1 ELSE 2 END;
    SELECT 'END;' /* ;END; */;
  END`;
  assert.deepEqual(textsOf(`${trigger};SELECT 1;`), [trigger, 'SELECT 1']);
  const explained = trigger.replace('CREATE TEMP', 'explain query plan create temporary');
  assert.deepEqual(textsOf(`${explained};SELECT 1`), [explained, 'SELECT 1']);
});

test('a table named trigger is no trigger', () => {
  assert.equal(
    textsOf('CREATE TABLE trigger_log(a); INSERT INTO trigger_log VALUES(1);').length,
    2,
  );
});

test('the verb and the line of each statement are told', () => {
  const statements = splitSql("-- a\nbegin;\n\n/* b\n */ Insert into t\nvalues('x\ny');PRAGMA a=1");
  assert.deepEqual(
    statements.map(({ verb, line }) => [verb, line]),
    [
      ['BEGIN', 2],
      ['INSERT', 5],
      ['PRAGMA', 7],
    ],
  );
});

test('Chinook, statement by statement, becomes the database that SQLite makes of the whole text', () => {
  const path = join(import.meta.dirname, '..', '..', 'data', 'chinook', 'Chinook_Sqlite.sql');
  const sql = readFileSync(path, 'utf8');
  const whole = new Database(':memory:');
  const single = new Database(':memory:');
  try {
    whole.exec(sql);
    const statements = splitSql(sql);
    assert.ok(statements.length > 50);
    for (const { text } of statements) single.prepare(text).run();
    assert.deepEqual(single.serialize(), whole.serialize());
    const tables = single
      .prepare<[], { name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'")
      .all();
    assert.equal(tables.length, 11);
    const rows = tables.map(({ name }) =>
      Number(single.prepare(`SELECT count(*) FROM "${name}"`).pluck().get()),
    );
    assert.equal(
      rows.reduce((sum, count) => sum + count, 0),
      15_607,
    );
  } finally {
    whole.close();
    single.close();
  }
});
