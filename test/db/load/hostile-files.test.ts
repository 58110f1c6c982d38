// Database files made to harm: each is refused with its reason before anything is replicated, and
// when one gets into the log all the same, every replica refuses it alike and keeps what it has.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { convertFile } from '#db/load/convert-file.ts';
import { CodedError } from '#errors.ts';
import { systemFiles } from '#io/file-system.ts';
import { executed, temporaryFolder, writerIn } from '../support.ts';
import { applySteps, converted, fileOf, fileWith, stepsOf } from './support.ts';

/** Writes the schema by hand, as no statement could. */
const crafted = (make: string, changes: string) => (database: Database.Database) => {
  database.exec(make);
  database.pragma('writable_schema = ON');
  database.exec(changes);
};

const insertInto = (type: string, name: string, table: string, sql: string): string =>
  `INSERT INTO sqlite_schema VALUES ('${type}', '${name}', '${table}', 0, '${sql.replaceAll("'", "''")}')`;

/** What is made, and what the refusal must say. */
const hostile: Readonly<Record<string, readonly [make: Parameters<typeof fileOf>[1], RegExp]>> = {
  'a trigger that loads an extension': [
    "CREATE TABLE t(a); CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT load_extension('x'); END",
    /load_extension/,
  ],
  'a trigger that never ends': [
    'CREATE TABLE t(a); CREATE TRIGGER x AFTER INSERT ON t BEGIN INSERT INTO t SELECT total_changes(); END',
    /total_changes/,
  ],
  'a trigger under a name that is passed over': [
    crafted(
      'CREATE TABLE t(a)',
      insertInto(
        'trigger',
        'sqlite_x',
        't',
        "CREATE TRIGGER sqlite_x AFTER INSERT ON t BEGIN SELECT load_extension('x'); END",
      ),
    ),
    /refused|reserved|damaged/,
  ],
  'a trigger that pretends to be on a table of ours': [
    crafted(
      'CREATE TABLE t(a)',
      insertInto(
        'trigger',
        'x',
        '_stockade_t',
        "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT load_extension('x'); END",
      ),
    ),
    /load_extension|damaged|malformed/,
  ],
  "a view of this program's own tables": [
    'CREATE TABLE _stockade_meta(x); CREATE VIEW v AS SELECT * FROM _stockade_meta',
    /_stockade_meta/,
  ],
  'a generated column with the time in it': [
    crafted(
      "CREATE TABLE t(a, b AS (a || 'x'))",
      "UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a, b AS (datetime(''now'')))' WHERE name = 't'",
    ),
    /current time/,
  ],
  'an index on random()': [
    crafted(
      'CREATE TABLE t(a); CREATE INDEX i ON t(a)',
      "UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t(random())' WHERE name = 'i'",
    ),
    /random|non-deterministic/,
  ],
  'a default that loads an extension': [
    crafted(
      'CREATE TABLE t(a)',
      "UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a DEFAULT (load_extension(''x'')))' WHERE name = 't'",
    ),
    /load_extension/,
  ],
  'a virtual table of a module that is not offered': [
    crafted(
      'CREATE TABLE t(a)',
      insertInto('table', 'd', 'd', 'CREATE VIRTUAL TABLE d USING dbstat(main)'),
    ),
    /dbstat/,
  ],
  'a shadow table that computes': [
    (database) => {
      database.exec("CREATE VIRTUAL TABLE f USING fts5(x); INSERT INTO f VALUES ('a')");
      database.pragma('writable_schema = ON');
      database.exec(
        "UPDATE sqlite_schema SET sql = 'CREATE TABLE f_content(id INTEGER PRIMARY KEY, c0, c1 AS (hex(zeroblob(1000000000))))' WHERE name = 'f_content'",
      );
    },
    /f_content/,
  ],
  'a statement behind the statement': [
    crafted(
      'CREATE TABLE t(a)',
      "UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a); ATTACH ''/tmp/x'' AS y' WHERE name = 't'",
    ),
    /ATTACH|damaged|malformed/,
  ],
  'texts in UTF-16': [
    (database) => {
      database.pragma("encoding = 'UTF-16le'");
      database.exec("CREATE TABLE t(a); INSERT INTO t VALUES ('x')");
    },
    /UTF-16/,
  ],
  'the largest rowid': [
    'CREATE TABLE t(a); INSERT INTO t(rowid, a) VALUES (9223372036854775807, 1)',
    /rowids of its table t/,
  ],
  'rowids that nobody can look at': [
    'CREATE TABLE t(rowid, _rowid_, oid)',
    /rowids of its table t/,
  ],
  'a counter that is used up': [
    'CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (1); UPDATE sqlite_sequence SET seq = 9223372036854775807',
    /counter/,
  ],
  'a counter that is no number': [
    "CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (1); UPDATE sqlite_sequence SET seq = 'x'",
    /counter/,
  ],
  'an index that lacks a row': [
    (database) => {
      database.exec('CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2); CREATE INDEX i ON t(a)');
      database.pragma('writable_schema = ON');
      database.exec("UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t(b)' WHERE name = 'i'");
    },
    /damaged/,
  ],
};

const refusalOf = (context: TestContext, path: string): string => {
  const to = join(temporaryFolder(context), 'made.sqlite');
  try {
    convertFile(path, to, systemFiles);
  } catch (error) {
    assert.ok(error instanceof CodedError, String(error));
    assert.equal(error.code, 'bad_request');
    assert.equal(error.details.applied, 'no');
    return error.message;
  }
  return 'taken';
};

for (const [what, [make, reason]] of Object.entries(hostile)) {
  test(`LOAD-05 ${what} is refused before anything is replicated, and alike when it is`, (t) => {
    const path = fileOf(t, make);
    const bytes = readFileSync(path);
    assert.match(refusalOf(t, path), reason);
    const states = [1, 2].map(() => {
      const writer = writerIn(t, temporaryFolder(t));
      executed(writer, ['CREATE TABLE old(x)', 'INSERT INTO old VALUES (1)']);
      const said = applySteps(writer, stepsOf(bytes, 'database'));
      const left = executed(writer, ['SELECT count(*) FROM old'], { render: 17 });
      const chain = Buffer.from(writer.state.outcomeChain).toString('hex');
      return { said, left, chain };
    });
    assert.deepEqual(states[1], states[0]);
    // An index is compared with its table only before a file is replicated.
    if (what === 'an index that lacks a row') return;
    assert.match(states[0]?.said ?? '', /the database file is refused/);
    assert.match(states[0]?.left ?? '', /\[\[1\]\]/);
  });
}

const sound = (t: TestContext): Buffer =>
  readFileSync(
    fileOf(
      t,
      'CREATE TABLE t(a); INSERT INTO t VALUES (hex(randomblob(20000))); CREATE INDEX i ON t(a)',
    ),
  );

test('LOAD-01 a file that is cut off, at any page, is refused', (t) => {
  const bytes = sound(t);
  for (const length of [0, 15, 99, 100, 4095, 4096, 8192, bytes.length - 4096, bytes.length - 1]) {
    assert.match(refusalOf(t, fileWith(t, bytes.subarray(0, length))), /refused/, `${length}`);
  }
});

test('LOAD-02 LOAD-04 another magic, page sizes that are none and huge claims are refused', (t) => {
  const bytes = sound(t);
  const changed = (at: number, ...values: number[]): string => {
    const copy = Buffer.from(bytes);
    copy.set(values, at);
    return fileWith(t, copy);
  };
  for (const [why, path] of [
    ['magic', changed(0, 0x73)],
    ['page size 0', changed(16, 0, 0)],
    ['page size 1000', changed(16, 3, 232)],
    ['page size 512', changed(16, 2, 0)],
    ['four thousand million pages', changed(28, 255, 255, 255, 255)],
    ['no pages', changed(100, 0)],
    ['a later format', changed(18, 3, 3)],
    ['payload fractions', changed(21, 1, 2, 3)],
  ] as const) {
    assert.match(refusalOf(t, path), /refused/, why);
  }
});

test('LOAD-05 damaged pages are refused, or the file is sound all the same', (t) => {
  const bytes = sound(t);
  let refused = 0;
  for (let at = 100; at < bytes.length; at += 997) {
    const copy = Buffer.from(bytes);
    copy[at] = 0xff ^ (copy[at] ?? 0);
    const path = fileWith(t, copy);
    const said = refusalOf(t, path);
    if (said === 'taken') continue;
    assert.match(said, /refused/);
    refused += 1;
  }
  assert.ok(refused > 3);
});

test('LOAD-03 a file that says WAL is taken as it is; other page sizes become ours', (t) => {
  const path = fileOf(t, (database) => {
    database.pragma('page_size = 512');
    database.pragma('auto_vacuum = FULL');
    database.pragma('application_id = 77');
    database.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
    database.pragma('journal_mode = WAL');
    database.exec('INSERT INTO t VALUES (2)');
  });
  const header = readFileSync(path);
  assert.deepEqual([header[18], header[19]], [2, 2]);
  const made = new Database(fileWith(t, converted(t, path)), { readonly: true });
  t.after(() => made.close());
  assert.deepEqual(made.prepare('SELECT a FROM t').pluck().all(), [1, 2]);
  for (const [name, value] of [
    ['page_size', 4096],
    ['auto_vacuum', 0],
    ['application_id', 77],
    ['journal_mode', 'delete'],
    ['integrity_check', 'ok'],
  ] as const) {
    assert.equal(made.pragma(name, { simple: true }), value, name);
  }
});

test("LOAD-06 statistics and tables under this program's prefix stay behind, with every trace", (t) => {
  const path = fileOf(
    t,
    "CREATE TABLE t(a); CREATE INDEX i ON t(a); INSERT INTO t VALUES (1); ANALYZE; CREATE TABLE _stockade_secret(x); INSERT INTO _stockade_secret VALUES ('of another cluster'); CREATE INDEX _stockade_i ON _stockade_secret(x)",
  );
  const bytes = converted(t, path);
  assert.equal(bytes.includes('of another cluster'), false);
  const made = new Database(fileWith(t, bytes), { readonly: true });
  t.after(() => made.close());
  assert.deepEqual(made.prepare('SELECT name FROM sqlite_schema ORDER BY 1').pluck().all(), [
    'i',
    't',
  ]);
});
