// What is captured of each kind of write: the rows that differ behind an entry from what they were
// before it, whatever statement, trigger or key action it was.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capturing, executed, temporaryFolder, type Written, writerIn } from '../support.ts';
import { storedEvents } from './events.ts';

const eventsOf = (folder: string, from = 1): readonly string[] =>
  storedEvents(folder)
    .filter(({ entry }) => entry >= from)
    .map(({ text }) => text);

const run = (
  context: Parameters<typeof temporaryFolder>[0],
  schema: readonly Written[],
  statements: readonly Written[],
): readonly string[] => {
  const folder = temporaryFolder(context);
  const writer = writerIn(context, folder, { changes: capturing });
  for (const statement of schema) executed(writer, [statement]);
  const from = writer.state.appliedIndex + 1;
  executed(writer, statements);
  return eventsOf(folder, from);
};

const table = 'CREATE TABLE t(id INTEGER PRIMARY KEY, a, u UNIQUE)';

test('inserts, updates and deletes are reported with rowids and values, each with its index', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder, { changes: capturing });
  executed(writer, [table]);
  executed(writer, [['INSERT INTO t VALUES (?, ?, ?)', 1n, 'one', new Uint8Array([1, 2])]]);
  executed(writer, ['UPDATE t SET a = 9223372036854775807, u = 1.5']);
  executed(writer, ['DELETE FROM t']);
  assert.deepEqual(
    storedEvents(folder).map(({ entry, text }) => `${entry} ${text}`),
    [
      '2 {"op":"INSERT","table":"t","new_row_id":1,"after":{"id":1,"a":"one","u":"AQI="}}',
      '3 {"op":"UPDATE","table":"t","new_row_id":1,"old_row_id":1,' +
        '"before":{"id":1,"a":"one","u":"AQI="},"after":{"id":1,"a":9223372036854775807,"u":1.5}}',
      '4 {"op":"DELETE","table":"t","old_row_id":1,"before":{"id":1,"a":9223372036854775807,"u":1.5}}',
    ],
  );
});

test('REPLACE reports the rows that it removed, and an upsert the row that it changed', (t) => {
  const events = run(
    t,
    [table, "INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 2), (3, 'z', 3)"],
    [
      "REPLACE INTO t VALUES (1, 'n', 2)",
      "INSERT INTO t VALUES (3, 'q', 9) ON CONFLICT DO UPDATE SET a = excluded.a",
    ],
  );
  assert.deepEqual(events, [
    '{"op":"DELETE","table":"t","old_row_id":2,"before":{"id":2,"a":"y","u":2}}',
    '{"op":"UPDATE","table":"t","new_row_id":1,"old_row_id":1,"before":{"id":1,"a":"x","u":1},"after":{"id":1,"a":"n","u":2}}',
    '{"op":"UPDATE","table":"t","new_row_id":3,"old_row_id":3,"before":{"id":3,"a":"z","u":3},"after":{"id":3,"a":"q","u":3}}',
  ]);
});

test('key actions and triggers are reported, and what an entry undid itself is not', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder, { changes: capturing, foreignKeys: true });
  executed(writer, ['CREATE TABLE p(id INTEGER PRIMARY KEY)']);
  executed(writer, ['CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE)']);
  executed(writer, ['CREATE TABLE log(a)']);
  executed(writer, [
    'CREATE TRIGGER x AFTER DELETE ON p BEGIN INSERT INTO log VALUES (old.id); END',
  ]);
  executed(writer, ['INSERT INTO p VALUES (1)', 'INSERT INTO c VALUES (7, 1)']);
  const from = writer.state.appliedIndex + 1;
  executed(writer, ['DELETE FROM p WHERE id = 1']);
  executed(writer, ["INSERT INTO log VALUES ('gone')", "DELETE FROM log WHERE a = 'gone'"]);
  executed(writer, ["INSERT INTO log VALUES ('undone')", 'SELECT nothing'], { transaction: true });
  assert.deepEqual(eventsOf(folder, from).toSorted(), [
    '{"op":"DELETE","table":"c","old_row_id":7,"before":{"id":7,"p":1}}',
    '{"op":"DELETE","table":"p","old_row_id":1,"before":{"id":1}}',
    '{"op":"INSERT","table":"log","new_row_id":1,"after":{"a":1}}',
  ]);
});

test('a change in the tail of a large value is reported, though the page of its row stays as it was', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder, { changes: capturing });
  executed(writer, ['CREATE TABLE t(id INTEGER PRIMARY KEY, a)']);
  const text = (end: string): string => 'x'.repeat(30_000) + end;
  executed(writer, [['INSERT INTO t VALUES (1, ?)', text('a')]]);
  executed(writer, [['UPDATE t SET a = ?', text('b')]]);
  executed(writer, ['DELETE FROM t']);
  executed(writer, [['INSERT INTO t VALUES (2, ?)', text('c')]]);
  executed(writer, [['UPDATE t SET a = ? WHERE id = 2', text('d')]]);
  assert.deepEqual(
    storedEvents(folder).map(({ entry, text: event }) => `${entry} ${event.replaceAll('x', '')}`),
    [
      '2 {"op":"INSERT","table":"t","new_row_id":1,"after":{"id":1,"a":"a"}}',
      '3 {"op":"UPDATE","table":"t","new_row_id":1,"old_row_id":1,"before":{"id":1,"a":"a"},"after":{"id":1,"a":"b"}}',
      '4 {"op":"DELETE","table":"t","old_row_id":1,"before":{"id":1,"a":"b"}}',
      '5 {"op":"INSERT","table":"t","new_row_id":2,"after":{"id":2,"a":"c"}}',
      '6 {"op":"UPDATE","table":"t","new_row_id":2,"old_row_id":2,"before":{"id":2,"a":"c"},"after":{"id":2,"a":"d"}}',
    ],
  );
});

test('a DELETE of a whole table of many pages reports every row', (t) => {
  const events = run(
    t,
    [
      'CREATE TABLE t(id INTEGER PRIMARY KEY, a)',
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t SELECT i, hex(i) || 'some text to fill pages' FROM n",
    ],
    ['DELETE FROM t'],
  );
  assert.equal(events.length, 5000);
  assert.equal(new Set(events).size, 5000);
  assert.ok(events.every((event) => event.startsWith('{"op":"DELETE"')));
});
