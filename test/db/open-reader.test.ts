// A reader on real SQLite: each layer of its sandbox tried by itself.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { renderBits } from '#command/outcome.ts';
import { currentDatabaseFiles, prepareDatabaseFiles } from '#db/database-files.ts';
import { openReader } from '#db/open-reader.ts';
import { openQueryConnection, type QueryConnection } from '#db/query-connection.ts';
import type { Reader } from '#db/reader.ts';
import type { Writer } from '#db/writer.ts';
import { CodedError } from '#errors.ts';
import { effects, executed, queried, readerIn, temporaryFolder, writerIn } from './support.ts';

const opened = (t: TestContext): { readonly writer: Writer; readonly reader: Reader } => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, ['CREATE TABLE t(a INTEGER, b TEXT)', "INSERT INTO t VALUES(1, 'x'), (2, 'y')"]);
  return { writer, reader: readerIn(t, folder) };
};

test('a folder without a database, and a file without our tables, are refused', (t) => {
  const dataFolder = join(temporaryFolder(t), 'data');
  const refused = (error: unknown): boolean =>
    error instanceof CodedError && error.code === 'data_folder_foreign';
  mkdirSync(dataFolder, { mode: 0o700 });
  assert.throws(() => openReader({ dataFolder, ...effects }), refused);
  prepareDatabaseFiles(dataFolder, effects);
  assert.throws(() => openReader({ dataFolder, ...effects }), refused);
});

test('each statement has a result of its own, errors in the words of SQLite', (t) => {
  const { reader } = opened(t);
  assert.equal(
    queried(reader, [
      'SELECT a FROM t WHERE a = 1',
      'SELECT nope',
      'SELECT abs(a - 9223372036854775807 - 2) FROM t',
    ]),
    '[{"columns":["a"],"types":["integer"],"values":[[1]]},{"error":"no such column: nope"},{"error":"integer overflow"}]',
  );
  assert.equal(queried(reader, ['']), '[]');
  assert.equal(queried(reader, ['-- nothing', ';']), '[{},{}]');
});

test('errors of associative queries have empty rows; of the unified endpoint only those at run time', (t) => {
  const { reader } = opened(t);
  const statements = ['SELECT * FROM nope', 'SELECT abs(a - 9223372036854775807 - 2) FROM t'];
  const render = renderBits.wanted | renderBits.associative;
  assert.equal(
    queried(reader, statements, { render }),
    '[{"rows":[],"error":"no such table: nope"},{"rows":[],"error":"integer overflow"}]',
  );
  assert.equal(
    queried(reader, statements, { render: render | renderBits.rows }),
    '[{"error":"no such table: nope"},{"rows":[],"error":"integer overflow"}]',
  );
});

test('a value behind names takes the place that it has among all parameters', (t) => {
  const { reader } = opened(t);
  const values = (text: string, places: readonly number[], ...positional: bigint[]): string => {
    const statement = { text: 0, positional, named: [['a', 1n] as const], places };
    const request = { texts: [text], statements: [statement], transaction: false, render: 1 };
    const { json } = reader.read({ ...request, rowsMax: 10, bytesMax: 1000 });
    return json.toString('utf8');
  };
  assert.match(values('SELECT :a, ?', [2], 2n), /"values":\[\[1,2\]\]/);
  assert.match(values('SELECT ?, :a, ?', [1, 3], 7n, 8n), /"values":\[\[7,1,8\]\]/);
  // Two texts: what the first used up does not count for the second.
  assert.match(values('SELECT :a; SELECT ?', [2], 2n), /\[\[2\]\]/);
  assert.match(
    values('SELECT :a, ?, ?', [2], 2n),
    /not enough args to execute query: want 3 got 2/,
  );
});

test('too few parameters are an error, extra ones are ignored, names fill all their places', (t) => {
  const { reader } = opened(t);
  assert.equal(
    queried(reader, [
      ['SELECT ?, ?', 1n],
      ['SELECT ?5', 1n],
      ['SELECT ?', 1n, 2n],
    ]),
    '[{"error":"not enough args to execute query: want 2 got 1"},{"error":"not enough args to execute query: want 5 got 1"},{"columns":["?"],"types":["integer"],"values":[[1]]}]',
  );
  const named = (text: string, ...values: readonly (readonly [string, bigint])[]): string => {
    const statement = { text: 0, positional: [7n], named: values };
    const request = { texts: [text], statements: [statement], transaction: false, render: 1 };
    return reader.read({ ...request, rowsMax: 10, bytesMax: 1000 }).json.toString('utf8');
  };
  const values = (json: string): string => /"values":(.*)\}$/.exec(json)?.[1] ?? json;
  assert.equal(
    values(named('SELECT ?, :a, @a, $b', ['a', 1n], ['b', 2n], ['c', 3n])),
    '[[7,1,1,2]]',
  );
  assert.equal(values(named('SELECT :a, ?1, ?3', ['x', 5n], ['y', 6n])), '[[7,7,null]]');
  assert.equal(values(named('SELECT :a, :b', ['x', 5n])), '[[7,null]]');
  assert.equal(
    named('SELECT :a', [':a', 5n]),
    '{"error":"name \\":a\\" does not begin with a letter"}',
  );
});

test('whatever changes the database is refused, and changes nothing', (t) => {
  const { reader, writer } = opened(t);
  const refused = '[{"error":"attempt to change database via query operation"}]';
  for (const text of [
    'INSERT INTO t VALUES(3, 4)',
    'INSERT INTO t VALUES(3, 4) RETURNING a',
    'UPDATE t SET a = 1',
    'DELETE FROM t',
    'CREATE TABLE u(a)',
    'DROP TABLE t',
    'ANALYZE',
    'WITH x AS (SELECT 1) INSERT INTO t SELECT 1, 2',
    'DELETE FROM t; SELECT 1',
    'SELECT 1; DELETE FROM t',
  ]) {
    assert.equal(queried(reader, [text]), refused, text);
  }
  assert.equal(reader.intact(), true);
  assert.match(executed(writer, ['SELECT count(*) FROM t'], { render: 17 }), /\[\[2\]\]/);
});

test('of several queries in one text the last one is the result', (t) => {
  const { reader } = opened(t);
  assert.equal(
    queried(reader, [['SELECT ?; SELECT ? AS n; -- done', 1n, 2n], 'SELECT nope; SELECT 1']),
    '[{"columns":["n"],"types":["integer"],"values":[[2]]},{"error":"no such column: nope"}]',
  );
});

test('rows and bytes beyond a bound are an error, never a cut result', (t) => {
  const { reader } = opened(t);
  assert.equal(
    queried(reader, ['SELECT a FROM t', 'SELECT 1 AS one'], { rowsMax: 1 }),
    '[{"error":"result too large: more than 1 rows"},{"columns":["one"],"types":["integer"],"values":[[1]]}]',
  );
  assert.match(queried(reader, ['SELECT a FROM t'], { rowsMax: 2 }), /\[\[1\],\[2\]\]/);
  // Bytes are those of UTF-8: three for each of these.
  const text = "SELECT '漢漢漢漢漢漢漢漢漢漢' AS s";
  const whole = queried(reader, [text]);
  const bytes = Buffer.byteLength(whole) - 2;
  assert.equal(queried(reader, [text], { bytesMax: bytes }), whole);
  assert.match(queried(reader, [text], { bytesMax: bytes - 1 }), /^\[\{"error":"result too large/);
});

test('a request sees one snapshot and says which; the next one sees the writes between', (t) => {
  const { reader, writer } = opened(t);
  const request = {
    texts: ['SELECT count(*) AS n FROM t'],
    statements: [{ text: 0, positional: [], named: [] }],
    transaction: true,
    render: 1,
    rowsMax: 10,
    bytesMax: 1000,
  };
  assert.equal(reader.read(request).appliedIndex, 1);
  executed(writer, ["INSERT INTO t VALUES(3, 'z')"]);
  const second = reader.read(request);
  assert.equal(second.appliedIndex, 2);
  assert.match(second.json.toString('utf8'), /\[\[3\]\]/);
});

test('a changed schema shows in the columns and types of a text that ran before', (t) => {
  const { reader, writer } = opened(t);
  assert.match(queried(reader, ['SELECT * FROM t']), /"columns":\["a","b"\]/);
  executed(writer, ['ALTER TABLE t ADD COLUMN c REAL DEFAULT 2.5']);
  assert.match(
    queried(reader, ['SELECT * FROM t']),
    /"columns":\["a","b","c"\],"types":\["integer","text","real"\],"values":\[\[1,"x",2.5\]/,
  );
});

test('integers beyond 2^53 are exact however often a text has run before', (t) => {
  const { reader, writer } = opened(t);
  executed(writer, [['INSERT INTO t VALUES(?, ?)', 9007199254740993n, 'big']]);
  for (let run = 0; run < 4; run++) {
    assert.match(queried(reader, ['SELECT a, b FROM t']), /\[9007199254740993,"big"\]/);
  }
});

test('queries about the schema show what users made, not our own tables', (t) => {
  const { reader } = opened(t);
  const names = '[{"columns":["name"],"types":["text"],"values":[["t"]]}]';
  for (const text of [
    'SELECT name FROM sqlite_schema',
    "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
    'SELECT main.sqlite_master.name FROM main.sqlite_master',
    'SELECT s.name FROM "sqlite_schema" AS s, [sqlite_master] AS m WHERE s.name = m.name',
    'SELECT sqlite_schema.name FROM t, SQLITE_SCHEMA WHERE a = 1',
  ]) {
    assert.equal(queried(reader, [text]), names, text);
  }
  // On which page it begins depends on this program's own tables.
  assert.equal(
    queried(reader, ['SELECT * FROM sqlite_schema']).replace(/"t",\d+,/, '"t",0,'),
    '[{"columns":["type","name","tbl_name","rootpage","sql"],"types":["text","text","text","int","text"],"values":[["table","t","t",0,"CREATE TABLE t(a INTEGER, b TEXT)"]]}]',
  );
  // Names that only look like it, and rowids, which a view has not.
  assert.match(
    queried(reader, ["SELECT 'sqlite_schema' AS sqlite_master"]),
    /"columns":\["sqlite_master"\].*\[\["sqlite_schema"\]\]/,
  );
  assert.match(
    queried(reader, ["SELECT rowid FROM sqlite_schema WHERE name = 't'"]),
    /"values":\[\[\d+\]\]/,
  );
  assert.equal(reader.intact(), true);
});

/** The connection alone, for texts that the guard never lets come this far. */
const connectionOf = (
  t: TestContext,
): { readonly folder: string; readonly connection: QueryConnection } => {
  const folder = temporaryFolder(t);
  executed(writerIn(t, folder), ['CREATE TABLE t(a)']);
  const { database } = currentDatabaseFiles(folder, effects.files);
  const connection = openQueryConnection(database, effects.random);
  t.after(() => {
    connection.engine.close();
  });
  return { folder, connection };
};

test('SQL-01 SQL-13 filled slots by themselves stop ATTACH and VACUUM INTO, within a snapshot and outside', (t) => {
  const { folder, connection } = connectionOf(t);
  const file = join(folder, 'new.sqlite');
  const attempt = (): void => {
    for (const text of [
      `ATTACH '${file}' AS x`,
      "ATTACH ':memory:' AS x",
      `VACUUM INTO '${file}'`,
    ]) {
      assert.throws(() => {
        connection.engine.execute(text);
      }, /too many attached databases|cannot VACUUM|cannot ATTACH/);
    }
  };
  attempt();
  connection.begin();
  attempt();
  connection.end();
  assert.equal(existsSync(file), false);
  assert.equal(connection.unchanged(), true);
});

test('SQL-02 within a snapshot DETACH fails by itself', (t) => {
  const { connection } = connectionOf(t);
  const slot = connection.engine.value(
    "SELECT name FROM pragma_database_list WHERE name LIKE 'slot%'",
  );
  connection.begin();
  assert.throws(() => {
    connection.engine.execute(`DETACH ${String(slot)}`);
  }, /is locked/);
});

test('the read-only file and query_only each stop a write by themselves', (t) => {
  const { connection } = connectionOf(t);
  const write = (): void => {
    connection.engine.execute('INSERT INTO t VALUES(1)');
  };
  assert.throws(write, { code: 'SQLITE_READONLY' });
  connection.engine.execute('PRAGMA query_only = OFF');
  assert.throws(write, { code: 'SQLITE_READONLY' });
});

const changes: readonly string[] = [
  'PRAGMA query_only = OFF',
  'PRAGMA trusted_schema = ON',
  'PRAGMA foreign_keys = ON',
  'PRAGMA recursive_triggers = ON',
  'PRAGMA locking_mode = EXCLUSIVE',
  'PRAGMA temp_store = MEMORY',
  'PRAGMA cell_size_check = OFF',
  'PRAGMA reverse_unordered_selects = ON',
  'PRAGMA cache_size = 10',
  'PRAGMA busy_timeout = 1000',
  'PRAGMA legacy_alter_table = ON',
  'PRAGMA automatic_index = OFF',
  'PRAGMA analysis_limit = 7',
  'PRAGMA threads = 2',
  'PRAGMA secure_delete = ON',
  'PRAGMA synchronous = OFF',
  'PRAGMA read_uncommitted = ON',
  'PRAGMA short_column_names = OFF',
  'PRAGMA full_column_names = ON',
  'PRAGMA soft_heap_limit = 1000000',
  'PRAGMA hard_heap_limit = 1000000000',
  'PRAGMA query_only = OFF; CREATE TEMP TABLE x(a); PRAGMA query_only = ON',
  'BEGIN',
  "DETACH (SELECT name FROM pragma_database_list WHERE name LIKE 'slot%')",
];

for (const text of changes) {
  test(`SQL-20 a connection that is not as it was is noticed: ${text}`, (t) => {
    const { connection } = connectionOf(t);
    assert.equal(connection.unchanged(), true);
    try {
      connection.engine.execute(text);
    } catch {
      // Refused by another layer: then nothing may have changed.
      assert.equal(connection.unchanged(), true);
      return;
    }
    assert.equal(connection.unchanged(), false);
  });
}
