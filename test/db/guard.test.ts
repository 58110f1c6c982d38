// What the guard refuses, in every disguise, and what it lets through.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { Guard } from '#db/guard.ts';
import type { Reader } from '#db/reader.ts';
import { executed, queried, readerIn, temporaryFolder, verdict, writerIn } from './support.ts';

const openGuarded = (t: TestContext): { readonly reader: Reader; readonly folder: string } => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, [
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)',
    'CREATE TABLE secret(k)',
    'CREATE VIEW v AS SELECT k FROM secret',
    'CREATE TABLE logged(a)',
    'CREATE TRIGGER log AFTER INSERT ON logged BEGIN INSERT INTO t(a) SELECT k FROM secret; END',
    'CREATE VIRTUAL TABLE ft USING fts5(a)',
    'CREATE VIEW stored AS SELECT block FROM ft_data',
    'CREATE TABLE telltale(a)',
    'CREATE TRIGGER tells AFTER INSERT ON telltale BEGIN INSERT INTO t(a) SELECT k FROM ft_config; END',
  ]);
  return { reader: readerIn(t, folder), folder };
};

const filesIn = (folder: string): ReadonlySet<string> =>
  new Set(readdirSync(folder, { recursive: true, encoding: 'utf8' }));

const refusedTexts: readonly (readonly [why: string, text: string])[] = [
  ['SQL-01 ATTACH', "ATTACH '/etc/passwd' AS x"],
  ['SQL-01 ATTACH by a parameter', 'ATTACH ? AS x'],
  ['SQL-01 ATTACH of memory', "ATTACH ':memory:' AS x"],
  ['SQL-01 ATTACH behind a query', "SELECT 1; ATTACH 'x' AS y"],
  ['SQL-01 EXPLAIN ATTACH', "EXPLAIN ATTACH 'x' AS y"],
  ['SQL-02 DETACH', 'DETACH x'],
  ['SQL-13 VACUUM INTO', "VACUUM INTO '/tmp/stolen'"],
  ['SQL-13 VACUUM INTO of main', "VACUUM main INTO '/tmp/stolen'"],
  ['SQL-14 VACUUM', 'VACUUM'],
  ['SQL-14 EXPLAIN VACUUM', 'EXPLAIN VACUUM'],
  ['SQL-15 load_extension', "SELECT load_extension('/tmp/x.so')"],
  ['SQL-15 load_extension in quotes', 'SELECT "load_extension"(\'x\')'],
  ['SQL-15 load_extension in brackets', "SELECT [load_extension]('x')"],
  [
    'SQL-15 load_extension in a trigger',
    "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT load_extension('x'); END",
  ],
  ['SQL-16 fts3_tokenizer', "SELECT fts3_tokenizer('x')"],
  ['SQL-17 dbstat', 'SELECT * FROM dbstat'],
  ['SQL-17 dbstat as a string', "SELECT * FROM 'dbstat'"],
  ['SQL-18 the database list', 'SELECT * FROM pragma_database_list'],
  ['SQL-18 the database list in capitals', 'SELECT * FROM PRAGMA_DATABASE_LIST'],
  ['SQL-18 pragma_optimize writes', 'SELECT * FROM pragma_optimize'],
  ['SQL-18 pragma_optimize in a view', 'CREATE VIEW w AS SELECT * FROM pragma_optimize'],
  ['SQL-20 a setting', 'PRAGMA foreign_keys=ON'],
  ['SQL-20 behind semicolons', ';;PRAGMA foreign_keys=ON'],
  ['SQL-20 behind a comment', '/**/PRAGMA foreign_keys=ON'],
  ['SQL-20 behind a line comment', '-- x\nPRAGMA foreign_keys=ON'],
  ['SQL-20 a comment for a space', 'PRAGMA/**/foreign_keys=ON'],
  ['SQL-20 behind a form feed', '\fPRAGMA foreign_keys=ON'],
  ['SQL-20 behind a byte order mark', '\ufeffPRAGMA foreign_keys=ON'],
  ['SQL-20 byte order marks between', 'PRAGMA\ufeff\ufeffforeign_keys=ON'],
  ['SQL-20 of a schema', 'PRAGMA main.foreign_keys=ON'],
  ['SQL-20 in quotes', 'PRAGMA "foreign_keys"=ON'],
  ['SQL-20 in brackets, as a call', 'PRAGMA [foreign_keys](ON)'],
  ['SQL-20 as a call', 'PRAGMA foreign_keys(ON)'],
  ['SQL-20 under EXPLAIN', 'EXPLAIN PRAGMA foreign_keys=ON'],
  ['SQL-20 under EXPLAIN QUERY PLAN', 'EXPLAIN QUERY PLAN PRAGMA foreign_keys=ON'],
  ['SQL-20 before a NUL', 'PRAGMA foreign_keys=ON\0'],
  ['SQL-20 behind a NUL', 'SELECT 1;\0PRAGMA foreign_keys=ON'],
  ['SQL-20 in the temporary schema', 'PRAGMA temp.cache_size=1'],
  ['SQL-20 a value of the temporary schema', 'PRAGMA temp.journal_mode'],
  ['SQL-20 in a schema that is attached', 'PRAGMA other.table_info(t)'],
  ['SQL-20 read_uncommitted', 'PRAGMA read_uncommitted=1'],
  ['SQL-20 the schema of temp without an argument', 'PRAGMA temp.table_list'],
  ['SQL-21 query_only', 'PRAGMA query_only=OFF'],
  ['SQL-21 query_only with a sign', 'PRAGMA query_only=-1'],
  ['SQL-22 journal_mode', 'PRAGMA journal_mode=DELETE'],
  ['SQL-23 a checkpoint', 'PRAGMA wal_checkpoint(TRUNCATE)'],
  ['SQL-24 locking_mode', 'PRAGMA locking_mode=EXCLUSIVE'],
  ['SQL-25 temp_store_directory', "PRAGMA temp_store_directory='/tmp'"],
  ['SQL-26 optimize', 'PRAGMA optimize'],
  ['SQL-27 writable_schema', 'PRAGMA writable_schema=ON'],
  ['SQL-28 BEGIN', 'BEGIN'],
  ['SQL-28 BEGIN IMMEDIATE behind a comment', '/* x */ begin immediate'],
  ['SQL-28 COMMIT', 'COMMIT'],
  ['SQL-28 END', 'END'],
  ['SQL-28 ROLLBACK', 'ROLLBACK'],
  ['SQL-28 SAVEPOINT', 'SAVEPOINT x'],
  ['SQL-28 RELEASE', 'RELEASE x'],
  ['SQL-29 a temporary table', 'CREATE TEMP TABLE x(a)'],
  ['SQL-29 a temporary view', 'CREATE TEMPORARY VIEW x AS SELECT 1'],
  ['SQL-29 a table in temp', 'CREATE TABLE temp.x(a)'],
  ['SQL-29 a trigger in temp', 'CREATE TRIGGER temp.x AFTER INSERT ON t BEGIN SELECT 1; END'],
  ['SQL-30 OR ROLLBACK', 'INSERT OR ROLLBACK INTO t(a) VALUES(1)'],
  ['SQL-30 UPDATE OR ROLLBACK', 'UPDATE OR ROLLBACK t SET a = 1'],
  ['our tables read', 'SELECT * FROM _stockade_meta'],
  ['our tables read in quotes', 'SELECT * FROM "_STOCKADE_meta"'],
  ['our tables written', 'DELETE FROM _stockade_meta'],
  ['our tables dropped', 'DROP TABLE _stockade_state'],
  ['our names taken', 'CREATE TABLE _stockade_x(a)'],
  [
    'our tables as the content of an index',
    "CREATE VIRTUAL TABLE x USING fts5(a, content='_stockade_meta')",
  ],
  ['an unknown module', 'CREATE VIRTUAL TABLE x USING csv(filename)'],
  ['the module dbstat', 'CREATE VIRTUAL TABLE x USING dbstat'],
  ['a function that differs by version, in a write', 'INSERT INTO t(a) SELECT sqlite_version()'],
  ['total_changes in a write', 'INSERT INTO t(a) VALUES(total_changes())'],
  ['what the build offers, in a write', 'INSERT INTO t(a) SELECT name FROM pragma_function_list'],
  ['compile options, in a write', 'INSERT INTO t(a) SELECT * FROM pragma_compile_options'],
  [
    'the order of indexes in memory, in a write',
    "DELETE FROM t WHERE a IN (SELECT name FROM pragma_index_list('t'))",
  ],
  ['the tables of this version, in a write', 'INSERT INTO t(a) SELECT rootpage FROM sqlite_schema'],
  [
    'the tables of this version, in a new table',
    'CREATE TABLE x AS SELECT name FROM sqlite_master',
  ],
  ['the build, in a new table', 'CREATE TABLE x AS SELECT name FROM pragma_module_list'],
  ['how an index stores its text, in a write', 'INSERT INTO t(a) SELECT block FROM ft_data'],
  ['how an index stores its text, in quotes', 'UPDATE t SET a = (SELECT max(id) FROM "FT_data")'],
  ['how an index stores its text, behind a view', 'INSERT INTO t(a) SELECT block FROM stored'],
  ['how an index stores its text, in a trigger', 'INSERT INTO telltale VALUES(1)'],
  ['fts5_locale draws random bytes', "INSERT INTO ft VALUES(fts5_locale('en', 'x'))"],
  ['a default that differs', 'CREATE TABLE x(a DEFAULT (sqlite_source_id()))'],
  ['an index over the time', 'CREATE INDEX x ON t(datetime(a))'],
  ['a generated column over the time', "CREATE TABLE x(a, b AS (strftime('%s', a)))"],
  ['an added column over the time', 'ALTER TABLE t ADD COLUMN c AS (date(a))'],
  ['a check over the time', "CREATE TABLE x(a, CHECK (a < julianday('now')))"],
  ['a partial index over the time', "CREATE INDEX x ON t(a) WHERE unixepoch('subsec') > b"],
  ['a repeated column name', 'CREATE TABLE x AS SELECT a, b, A FROM t'],
  ['a repeated column name in a view', 'CREATE VIEW x AS SELECT 1 AS n, 2 AS n'],
  ['a lone surrogate', "SELECT '\ud800'"],
  ['an unclosed comment', 'SELECT 1 /* and so on'],
];

for (const [why, text] of refusedTexts) {
  test(`${why}: refused, with a hint, and the reader is unchanged: ${JSON.stringify(text)}`, (t) => {
    const { reader, folder } = openGuarded(t);
    const files = filesIn(folder);
    const found = verdict(reader, text, true);
    assert.equal(found.kind, 'refused', JSON.stringify(found));
    if (found.kind === 'refused') assert.ok(found.hint.length > 0);
    // The layers behind the guard, by themselves.
    assert.match(queried(reader, [text]), /^\[\{"error"/);
    assert.equal(reader.intact(), true);
    assert.deepEqual(filesIn(folder), files);
  });
}

test("SQLite's own tables cannot be written, neither those that exist nor those that do not", (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, [
    'CREATE TABLE s(id INTEGER PRIMARY KEY AUTOINCREMENT)',
    'CREATE INDEX i ON s(id)',
  ]);
  executed(writer, ['ANALYZE'], {});
  const reader = readerIn(t, folder);
  for (const text of [
    "UPDATE sqlite_schema SET sql = ''",
    "INSERT INTO sqlite_master VALUES('table', 'x', 'x', 9, 'CREATE TABLE x(a)')",
    'DELETE FROM sqlite_sequence',
    "INSERT INTO sqlite_stat1 VALUES('t', 'i', '1 1')",
  ]) {
    assert.notEqual(verdict(reader, text, true).kind, 'allowed', text);
  }
});

interface Expected {
  readonly text: string;
  readonly access: 'read' | 'write' | 'schema';
  readonly rows?: boolean;
  readonly parameters?: number;
  readonly reads?: readonly string[];
  readonly writes?: readonly string[];
}

const allowedTexts: readonly Expected[] = [
  { text: 'SELECT a FROM t', access: 'read', rows: true, reads: ['t'] },
  {
    text: '/* x */ select ?, ?1, :n, @n, $n FROM t;',
    access: 'read',
    rows: true,
    parameters: 4,
    reads: ['t'],
  },
  { text: 'VALUES(1)', access: 'read', rows: true },
  { text: 'WITH x AS (SELECT 1) SELECT * FROM x', access: 'read', rows: true },
  { text: 'EXPLAIN INSERT INTO t(a) VALUES(1)', access: 'read', rows: true, writes: ['t'] },
  { text: 'EXPLAIN QUERY PLAN DELETE FROM t', access: 'read', rows: true, writes: ['t'] },
  { text: 'PRAGMA table_info(t)', access: 'read', rows: true, reads: ['pragma_table_info'] },
  { text: 'PRAGMA temp.table_info("t")', access: 'read', rows: true, reads: ['pragma_table_info'] },
  {
    text: 'PRAGMA read_uncommitted',
    access: 'read',
    rows: true,
    reads: ['pragma_read_uncommitted'],
  },
  { text: 'PRAGMA main."table_list"', access: 'read', rows: true, reads: ['pragma_table_list'] },
  { text: 'WITH x AS (SELECT 1) SELECT count(*) FROM x', access: 'read', rows: true },
  { text: 'SELECT count(*) FROM main.T', access: 'read', rows: true, reads: ['T'] },
  {
    text: "SELECT name FROM pragma_table_info('t')",
    access: 'read',
    rows: true,
    reads: ['pragma_table_info'],
  },
  { text: 'PRAGMA user_version', access: 'read', rows: true, reads: ['pragma_user_version'] },
  { text: 'SELECT * FROM v', access: 'read', rows: true, reads: ['secret', 'v'] },
  { text: 'SELECT name FROM sqlite_schema', access: 'read', rows: true, reads: ['sqlite_master'] },
  { text: 'SELECT block FROM stored', access: 'read', rows: true, reads: ['ft_data', 'stored'] },
  {
    text: "INSERT INTO t(a) SELECT name FROM pragma_table_info('t')",
    access: 'write',
    reads: ['pragma_table_info'],
    writes: ['t'],
  },
  { text: "SELECT * FROM ft WHERE ft MATCH 'x'", access: 'read', rows: true, reads: ['ft'] },
  {
    text: 'SELECT soundex(a), random(), sqlite_version() FROM t',
    access: 'read',
    rows: true,
    reads: ['t'],
  },
  { text: '-- nothing', access: 'read' },
  { text: 'INSERT INTO t(a) VALUES(?)', access: 'write', parameters: 1, writes: ['t'] },
  {
    text: 'INSERT INTO t(a) VALUES(?) RETURNING b',
    access: 'write',
    rows: true,
    parameters: 1,
    reads: ['t'],
    writes: ['t'],
  },
  {
    text: 'INSERT INTO t(id, a) VALUES(1, 2) ON CONFLICT(id) DO UPDATE SET b = (SELECT k FROM secret)',
    access: 'write',
    reads: ['t', 'secret'],
    writes: ['t'],
  },
  {
    text: 'INSERT INTO logged VALUES(1)',
    access: 'write',
    reads: ['secret'],
    writes: ['logged', 't'],
  },
  {
    text: 'WITH x AS (SELECT k FROM secret) DELETE FROM t WHERE a IN x',
    access: 'write',
    reads: ['t', 'secret'],
    writes: ['t'],
  },
  { text: "INSERT INTO t(a) VALUES(datetime('now')), (random())", access: 'write', writes: ['t'] },
  {
    text: "INSERT INTO t(a) VALUES('PRAGMA x; ATTACH y; _stockade_meta')",
    access: 'write',
    writes: ['t'],
  },
  {
    text: 'INSERT INTO t(a) VALUES(1); INSERT INTO secret VALUES(?)',
    access: 'write',
    parameters: 1,
    writes: ['t', 'secret'],
  },
  { text: 'SELECT 1; DELETE FROM t WHERE id = 1', access: 'write', reads: ['t'], writes: ['t'] },
  {
    text: "CREATE TABLE n(a DEFAULT (datetime('now')), b DEFAULT CURRENT_TIMESTAMP)",
    access: 'schema',
    writes: ['n'],
  },
  { text: "CREATE INDEX n ON t(date(a, 'unixepoch'))", access: 'schema', writes: ['t'] },
  { text: 'CREATE VIRTUAL TABLE n USING fts5(a)', access: 'schema', writes: ['n'] },
  {
    text: 'CREATE TRIGGER n AFTER INSERT ON t BEGIN DELETE FROM t; SELECT 1; END; DROP TRIGGER n',
    access: 'schema',
    writes: ['t'],
  },
  { text: 'ALTER TABLE t RENAME COLUMN a TO c', access: 'schema', writes: ['t'] },
  { text: 'ALTER TABLE t DROP COLUMN b', access: 'schema', writes: ['t'] },
  { text: 'DROP TABLE logged', access: 'schema', writes: ['logged'] },
  { text: 'ANALYZE secret', access: 'schema', writes: ['secret'] },
  { text: 'REINDEX', access: 'schema' },
];

for (const { text, access, rows = false, parameters = 0, reads, writes } of allowedTexts) {
  test(`allowed, and known what it touches: ${text}`, (t) => {
    const { reader } = openGuarded(t);
    const found = verdict(reader, text);
    assert.ok(found.kind === 'allowed', JSON.stringify(found));
    assert.deepEqual(
      { access: found.access, rows: found.returnsRows, parameters: found.parameters },
      { access, rows, parameters },
    );
    const own = (names: readonly string[]): readonly string[] =>
      names.filter((name) => access !== 'schema' || !name.startsWith('sqlite_')).toSorted();
    if (reads !== undefined || access !== 'schema') {
      assert.deepEqual(own(found.reads), [...(reads ?? [])].sort());
    }
    assert.deepEqual(own(found.writes), [...(writes ?? [])].sort());
  });
}

test('what SQLite cannot prepare is an error in its words, and a text that only fails stands for it', (t) => {
  const { reader, folder } = openGuarded(t);
  const texts = {
    'SELECT * FROM nope': 'no such table: nope',
    nonsense: 'near "nonsense": syntax error',
    'INSERT INTO t(nope) VALUES(1)': 'table t has no column named nope',
    "SELECT 'open": 'unrecognized token: "\'open"',
    'SELECT nope()': 'no such function: nope',
    'UPDATE t SET a = 1 LIMIT 1': 'near "LIMIT": syntax error',
  };
  const writer = writerIn(t, temporaryFolder(t));
  for (const [text, message] of Object.entries(texts)) {
    const found = verdict(reader, text);
    assert.ok(found.kind === 'error', text);
    assert.equal(found.message, message);
    assert.equal(executed(writer, [found.instead]), JSON.stringify([{ error: message }]));
  }
  assert.ok(folder);
});

test('schema statements are in force for later texts of the same request, and for no other', (t) => {
  const { reader } = openGuarded(t);
  const texts = ['CREATE TABLE n(a)', 'INSERT INTO n VALUES(1)', 'DROP TABLE n', 'SELECT * FROM n'];
  const kinds = reader.judge({ texts }).verdicts.map(({ kind }) => kind);
  assert.deepEqual(kinds, ['allowed', 'allowed', 'allowed', 'error']);
  assert.equal(verdict(reader, 'SELECT * FROM n').kind, 'error');
});

test('verdicts follow the schema that the writer changes', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, ['CREATE TABLE t(a)']);
  const reader = readerIn(t, folder);
  assert.equal(verdict(reader, 'SELECT b FROM t').kind, 'error');
  executed(writer, ['ALTER TABLE t ADD COLUMN b']);
  const { schemaIndex, verdicts } = reader.judge({ texts: ['SELECT b FROM t'] });
  assert.equal(schemaIndex, 2);
  assert.equal(verdicts[0]?.kind, 'allowed');
});

test('ANALYZE is allowed as the only statement of a request', (t) => {
  const { reader } = openGuarded(t);
  const [first, second] = reader.judge({ texts: ['ANALYZE', 'SELECT 1'] }).verdicts;
  assert.equal(first?.kind, 'refused');
  assert.equal(second?.kind, 'allowed');
});

test('a schema that the guard cannot load is not judged: everything is refused, with its name', () => {
  const schema = [{ type: 'table', name: 'odd', sql: 'CREATE TABLE odd(a) NONSENSE' }];
  const guard = new Guard(schema, () => ({ cost: 'small', copies: 1 }));
  const [found] = guard.judge({ texts: ['SELECT 1'] });
  guard.close();
  assert.ok(found?.kind === 'refused');
  assert.match(found.reason, /odd/);
});

test('full-text and R-tree tables, sequences and statistics load into the guard', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, [
    'CREATE VIRTUAL TABLE ft USING fts5(a)',
    'CREATE VIRTUAL TABLE rt USING rtree(id, x0, x1)',
    'CREATE TABLE s(id INTEGER PRIMARY KEY AUTOINCREMENT, a)',
    'CREATE INDEX i ON s(a)',
    "INSERT INTO s(a) VALUES('x')",
    'CREATE VIEW late AS SELECT * FROM missing',
  ]);
  executed(writer, ['ANALYZE']);
  const reader = readerIn(t, folder);
  for (const text of [
    "INSERT INTO ft VALUES('x')",
    'INSERT INTO rt VALUES(1, 2, 3)',
    'SELECT * FROM sqlite_sequence, sqlite_stat1',
    'SELECT a FROM s INDEXED BY i WHERE a = 1',
  ]) {
    assert.equal(verdict(reader, text).kind, 'allowed', text);
  }
  assert.equal(verdict(reader, 'SELECT * FROM late').kind, 'error');
  // What belongs to the full-text index itself is written by nobody else.
  assert.notEqual(verdict(reader, 'DELETE FROM ft_data').kind, 'allowed');
});

test('what SQLAlchemy asks of a new connection and of a table is answered as by SQLite, and leaves the reader as it was', (t) => {
  const { reader } = openGuarded(t);
  assert.equal(
    queried(reader, ['PRAGMA read_uncommitted']),
    '[{"columns":["read_uncommitted"],"types":["integer"],"values":[[0]]}]',
  );
  const rows = queried(reader, [
    'PRAGMA main.table_info("nowhere")',
    'PRAGMA temp.table_info("t")',
  ]);
  assert.doesNotMatch(rows, /"error"|"values"/);
  assert.equal(reader.intact(), true);
});
