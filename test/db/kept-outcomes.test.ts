// Requests that may be sent again: applied once, whatever else happens.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import type { Outcome } from '#command/outcome.ts';
import type { Writer } from '#db/writer.ts';
import { keptBytesMax, keptMs } from '#limits.ts';
import {
  type CommandOptions,
  commandEntry,
  entryTimeMs,
  execute,
  executed,
  temporaryFolder,
  type Written,
  writerIn,
} from './support.ts';

const insert: readonly Written[] = [['INSERT INTO t(v) VALUES(?) RETURNING id', 'a']];
const table = 'CREATE TABLE t(id INTEGER PRIMARY KEY, v UNIQUE)';

const opened = (context: TestContext, ...tables: readonly string[]): Writer => {
  const writer = writerIn(context, temporaryFolder(context));
  for (const text of [table, ...tables]) execute(writer, [text]);
  return writer;
};

const rows = (writer: Writer): unknown =>
  executed(writer, ['SELECT count(*) FROM t'], { render: 17 });

const textOf = (outcome: Outcome): string =>
  outcome.kind === 'repeated' && !outcome.lost
    ? `entry ${outcome.index}: ${Buffer.from(outcome.json).toString()}${outcome.error}`
    : outcome.kind === 'repeated'
      ? `entry ${outcome.index}: lost`
      : outcome.kind;

/** Sends the same twice; what came of the second. */
const twice = (
  writer: Writer,
  statements: readonly Written[],
  options: CommandOptions = {},
): string => {
  const first = execute(writer, statements, { key: 'k', ...options });
  assert.equal(first.kind, 'results');
  return textOf(execute(writer, statements, { key: 'k', ...options }));
};

test('a request under a known key applies nothing and gets the first outcome, rows included', (context) => {
  const writer = opened(context);
  const shown = '{"columns":["id"],"types":["integer"],"values":[[1]]}';
  assert.equal(twice(writer, insert), `entry 2: ${shown}`);
  assert.equal(rows(writer), '[{"columns":["count(*)"],"types":["integer"],"values":[[1]]}]');
});

test('nothing is remembered of a request without a key', (context) => {
  const writer = opened(context);
  execute(writer, ["INSERT INTO t(v) VALUES('a')"]);
  assert.match(executed(writer, ["INSERT INTO t(v) VALUES('a')"]), /UNIQUE/);
});

test('another request under a known key is refused, and the first stands', (context) => {
  const writer = opened(context);
  execute(writer, insert, { key: 'k' });
  const other = execute(writer, [['INSERT INTO t(v) VALUES(?) RETURNING id', 'b']], { key: 'k' });
  assert.equal(other.kind, 'key-reused');
  assert.match(twice(writer, insert, { user: 'bob' }), /UNIQUE/, 'bob has keys of his own');
});

test('a request that failed is repeated as failed, also when it would succeed by now', (context) => {
  const writer = opened(context);
  const statements = ['INSERT INTO t(id, v) VALUES(1, 1)', 'INSERT INTO t(id, v) VALUES(1, 2)'];
  const options = { key: 'k', transaction: true };
  execute(writer, statements, options);
  execute(writer, ['DELETE FROM t']);
  assert.match(
    textOf(execute(writer, statements, options)),
    /^entry 2: .*UNIQUE constraint failed/,
  );
  assert.match(String(rows(writer)), /\[\[0\]\]/);
});

test('a COMMIT that fails is remembered as the failure of the whole request', (context) => {
  const folder = temporaryFolder(context);
  const writer = writerIn(context, folder, { foreignKeys: true });
  execute(writer, ['CREATE TABLE p(id INTEGER PRIMARY KEY)']);
  execute(writer, ['CREATE TABLE c(p REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)']);
  const orphan = ['INSERT INTO c VALUES(9)'];
  assert.equal(
    twice(writer, orphan, { transaction: true }),
    'entry 3: FOREIGN KEY constraint failed',
  );
  assert.match(twice(writer, orphan, { user: 'bob' }), /entry 5: .*FOREIGN KEY constraint failed/);
});

test('a rollback by a trigger takes the memory of its request not along', (context) => {
  const writer = opened(
    context,
    "CREATE TRIGGER tr BEFORE INSERT ON t WHEN new.v = 7 BEGIN SELECT RAISE(ROLLBACK, 'seven'); END",
  );
  const seven = ['INSERT INTO t(v) VALUES(7)'];
  assert.match(twice(writer, seven, { transaction: true }), /^entry 3: .*seven/);
  assert.match(twice(writer, seven, { user: 'bob' }), /^entry 5: .*seven/);
});

test('of several statements with a transaction each is remembered that they were carried out', (context) => {
  const writer = opened(context);
  assert.equal(twice(writer, ['CREATE TABLE one(a)', 'CREATE TABLE two(a)']), 'entry 2: lost');
  assert.match(twice(writer, ['CREATE TABLE three(a)'], { key: 'other' }), /^entry 4: \{\}$/);
});

test('results of more than a few bytes are not kept, a failure of all is said as one', (context) => {
  const writer = opened(context);
  const long = 'x'.repeat(300);
  assert.equal(twice(writer, [['INSERT INTO t(v) VALUES(?) RETURNING v', long]]), 'entry 2: lost');
  const failing: readonly Written[] = [
    ['INSERT INTO t(v) VALUES(?) RETURNING v', 'y'.repeat(300)],
    ['INSERT INTO t(v) VALUES(?)', long],
  ];
  const told = twice(writer, failing, { key: 'failing', transaction: true });
  assert.equal(told, 'entry 4: the request failed when it was sent first; nothing was applied');
});

test('a command judged under another schema is not remembered: it was not begun', (context) => {
  const writer = opened(context);
  assert.equal(execute(writer, insert, { key: 'k', schemaIndex: 0 }).kind, 'schema-changed');
  assert.equal(execute(writer, insert, { key: 'k' }).kind, 'results');
  // Known by now, so the schema does not matter any more.
  assert.equal(execute(writer, insert, { key: 'k', schemaIndex: 0 }).kind, 'repeated');
});

test('after an hour by the time of the log a key is free again', (context) => {
  const writer = opened(context);
  execute(writer, insert, { key: 'k' });
  const late = { key: 'k', timeMs: entryTimeMs + keptMs };
  assert.equal(execute(writer, insert, late).kind, 'repeated');
  const later = { key: 'k', timeMs: entryTimeMs + keptMs + 1 };
  assert.match(executed(writer, insert, later), /UNIQUE/, 'it was applied anew');
  assert.match(textOf(execute(writer, insert, later)), /^entry 4: .*UNIQUE/);
});

test('what is remembered survives a writer that is killed, in the transaction of what it did', (context) => {
  const folder = temporaryFolder(context);
  let writer = writerIn(context, folder);
  execute(writer, [table]);
  const entries = [2, 3].map((index) => commandEntry(index, insert, { key: 'k', schemaIndex: 1 }));
  writer.apply(entries.slice(0, 1));
  writer.close();
  writer = writerIn(context, folder);
  writer.apply(entries.slice(1));
  assert.match(String(rows(writer)), /\[\[1\]\]/);
});

interface Kept {
  readonly rows: number;
  readonly bytes: number;
  readonly oldest: number;
}

const keptIn = (folder: string): Kept => {
  const database = new Database(join(folder, 'db', '00000001', 'state.sqlite'));
  try {
    const kept = database
      .prepare(
        'SELECT count(*) AS rows, sum(bytes) AS bytes, min(entry) AS oldest FROM _stockade_kept',
      )
      .get() as Kept;
    const stored = database
      .prepare("SELECT name, value FROM _stockade_values WHERE name LIKE 'kept_%' ORDER BY name")
      .raw()
      .all();
    assert.deepEqual(stored, [
      ['kept_bytes', kept.bytes],
      ['kept_rows', kept.rows],
    ]);
    return kept;
  } finally {
    database.close();
  }
};

test('the oldest go, two for each that comes, when their hour is over or there are too many bytes', (context) => {
  const folder = temporaryFolder(context);
  let writer = writerIn(context, folder);
  execute(writer, [table]);
  for (let count = 0; count < 10; count++) execute(writer, ['SELECT 1'], { key: `k${count}` });
  const [first] = [keptIn(folder)];
  assert.deepEqual([first.rows, first.oldest], [10, 2]);
  execute(writer, ['SELECT 1'], { key: 'late', timeMs: entryTimeMs + keptMs + 1 });
  assert.deepEqual([keptIn(folder).rows, keptIn(folder).oldest], [9, 4]);
  writer.close();
  // As if the rest were much larger.
  const database = new Database(join(folder, 'db', '00000001', 'state.sqlite'));
  database.exec(`UPDATE _stockade_kept SET bytes = ${keptBytesMax} WHERE entry = 4;
    UPDATE _stockade_kept SET time_ms = ${entryTimeMs + keptMs};
    UPDATE _stockade_values SET value = (SELECT sum(bytes) FROM _stockade_kept)
      WHERE name = 'kept_bytes'`);
  database.close();
  writer = writerIn(context, folder);
  execute(writer, ['SELECT 1'], { key: 'one-more', timeMs: entryTimeMs + keptMs + 2 });
  assert.deepEqual([keptIn(folder).rows, keptIn(folder).oldest], [9, 5]);
});
