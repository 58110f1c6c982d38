// The end of the rowid space: SQLite would draw random rowids there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Writer } from '#db/writer.ts';
import { lookInto } from './counted-log.ts';
import { executed, temporaryFolder, type Written, writerIn } from './support.ts';

const exhausted = '{"error":"rowid_space_exhausted: rowids end at 9223372032559808511"}';

const max = 9_223_372_036_854_775_807n;
const allowed = 9_223_372_032_559_808_511n;

const count = (writer: Writer, table: string): string =>
  executed(writer, [`SELECT count(*) AS n FROM ${table}`], { render: 17 });
const noRows = '[{"columns":["n"],"types":["integer"],"values":[[0]]}]';

interface Case {
  readonly name: string;
  readonly schema: readonly Written[];
  readonly statement: Written;
  readonly table: string;
}

const cases: readonly Case[] = [
  {
    name: 'an INTEGER PRIMARY KEY given by a parameter',
    schema: ['CREATE TABLE t(id INTEGER PRIMARY KEY, v)'],
    statement: ['INSERT INTO t(id, v) VALUES(?, 1)', max],
    table: 't',
  },
  {
    name: 'a text without column names, the last row being a small one',
    schema: ['CREATE TABLE t(id INTEGER PRIMARY KEY, v)'],
    statement: ['INSERT INTO t VALUES(?, 1), (3, 1)', max],
    table: 't',
  },
  {
    name: 'rowid named in the text, RETURNING asked for',
    schema: ['CREATE TABLE t(v)'],
    statement: ['INSERT INTO t(oid, v) VALUES(?, 1), (3, 1) RETURNING v', max],
    table: 't',
  },
  {
    name: 'a trigger that sets it',
    schema: [
      'CREATE TABLE s(v)',
      'CREATE TABLE t(id INTEGER PRIMARY KEY)',
      'CREATE TRIGGER g AFTER INSERT ON s BEGIN INSERT INTO t VALUES(new.v); END',
    ],
    statement: ['INSERT INTO s(v) VALUES(?)', max],
    table: 't',
  },
  {
    name: 'a trigger of a view that sets it',
    schema: [
      'CREATE TABLE t(id INTEGER PRIMARY KEY)',
      'CREATE VIEW s AS SELECT 1 AS v',
      'CREATE TRIGGER g INSTEAD OF INSERT ON s BEGIN INSERT INTO t VALUES(new.v); END',
    ],
    statement: ['INSERT INTO s(v) VALUES(?)', max],
    table: 't',
  },
  {
    name: 'AUTOINCREMENT, where the next insert would report a full disk',
    schema: ['CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, v)'],
    statement: ['INSERT INTO t(id) VALUES(?)', max],
    table: 't',
  },
  {
    name: 'a row that a later one of the statement replaces, with one between that SQLite numbers',
    schema: ['CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE)'],
    statement: ['REPLACE INTO t VALUES(?, 1), (NULL, 2), (5, 1)', max],
    table: 't',
  },
  {
    name: 'AUTOINCREMENT, and the next row in the same statement',
    schema: ['CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, v)'],
    statement: ['INSERT INTO t VALUES(?, 1), (NULL, 2)', max],
    table: 't',
  },
  {
    name: 'AUTOINCREMENT, a row that a trigger deletes at once',
    schema: [
      'CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT)',
      'CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; END',
    ],
    statement: ['INSERT INTO t VALUES(?)', max],
    table: 't',
  },
  {
    name: 'a trigger that would fail by the random rowid behind it',
    schema: [
      'CREATE TABLE t(id INTEGER PRIMARY KEY CHECK (id % 2 = 1))',
      "CREATE TRIGGER g AFTER INSERT ON t WHEN new.id % 3 = 0 BEGIN SELECT RAISE(ABORT, 'x'); END",
    ],
    statement: ['INSERT INTO t VALUES(?), (NULL)', max],
    table: 't',
  },
  {
    name: 'an UPDATE that a trigger follows with an insert',
    schema: [
      'CREATE TABLE t(id INTEGER PRIMARY KEY)',
      'CREATE TABLE s(v)',
      'INSERT INTO s VALUES(1)',
      'CREATE TRIGGER g AFTER UPDATE ON s BEGIN INSERT INTO t VALUES(new.v), (NULL); END',
    ],
    statement: ['UPDATE s SET v = ?', max],
    table: 't',
  },
  {
    name: 'an R-tree',
    schema: ['CREATE VIRTUAL TABLE t USING rtree(id, x0, x1)'],
    statement: ['INSERT INTO t VALUES(?, 1, 2), (NULL, 1, 2)', max],
    table: 't',
  },
  {
    name: 'a full-text table without its own content',
    schema: ["CREATE VIRTUAL TABLE t USING fts5(a, content='')"],
    statement: ["INSERT INTO t(rowid, a) VALUES(?, 'x')", max],
    table: 't',
  },
  {
    name: 'a full-text table that keeps no sizes',
    schema: ['CREATE VIRTUAL TABLE t USING fts5(a, columnsize=0)'],
    statement: ["INSERT INTO t(rowid, a) VALUES(?, 'x')", max],
    table: 't',
  },
  {
    name: 'a trigger that leaves no trace of it in a full-text table',
    schema: [
      'CREATE TABLE s(v)',
      'CREATE VIRTUAL TABLE t USING fts5(a)',
      `CREATE TRIGGER g AFTER INSERT ON s BEGIN INSERT INTO t(rowid, a) VALUES(new.v, 'x');
        INSERT INTO t(a) VALUES('y'); DELETE FROM t WHERE rowid = new.v; END`,
    ],
    statement: ['INSERT INTO s VALUES(?)', max],
    table: 't',
  },
  {
    name: 'a full-text table',
    schema: ['CREATE VIRTUAL TABLE t USING fts5(a)'],
    statement: ["INSERT INTO t(rowid, a) VALUES(?, 'x')", max],
    table: 't',
  },
];

for (const { name, schema, statement, table } of cases) {
  for (const transaction of [false, true]) {
    test(`a rowid near the end is refused and undone${transaction ? ' in a transaction' : ''}: ${name}`, (t) => {
      const folder = temporaryFolder(t);
      const writer = writerIn(t, folder);
      executed(writer, schema);
      assert.equal(executed(writer, [statement], { transaction }), `[${exhausted}]`);
      assert.equal(count(writer, table), noRows);
      const database = lookInto(folder);
      assert.equal(database.pragma('integrity_check', { simple: true }), 'ok');
      database.close();
    });
  }
}

test('an ignored row near the end does not use up an AUTOINCREMENT sequence, which would stop every node', (t) => {
  const writer = writerIn(t, temporaryFolder(t));
  const results = executed(writer, [
    'CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, u UNIQUE)',
    'INSERT INTO t(u) VALUES(1)',
    ['INSERT OR IGNORE INTO t(id, u) VALUES(?, 1)', max],
    ['INSERT INTO t(id, u) VALUES(?, 1) ON CONFLICT DO NOTHING', max],
    'INSERT INTO t(u) VALUES(2)',
  ]);
  assert.match(results, /"error":"rowid_space.*"error":"rowid_space.*"last_insert_id":2/);
});

test('the guards follow the schema: within a command, through renames, after a rollback and a restart', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  const steps = [
    'CREATE TABLE t(id INTEGER PRIMARY KEY, v)',
    ['INSERT INTO t(id) VALUES(?)', max],
    'ALTER TABLE t RENAME TO u',
    'ALTER TABLE u RENAME COLUMN id TO k',
    'ALTER TABLE u ADD COLUMN w',
    'ALTER TABLE u DROP COLUMN v',
    ['INSERT INTO u(k) VALUES(?)', max],
    ['UPDATE u SET rowid = ?', max],
    'INSERT INTO u(w) VALUES(1)',
    ['UPDATE u SET oid = ?', max],
    'CREATE VIRTUAL TABLE f USING fts5(a)',
    ["INSERT INTO f(rowid, a) VALUES(?, 'x')", max],
  ] as const;
  const errors = executed(writer, steps, { transaction: false }).match(/rowid_space_exhausted/g);
  assert.equal(errors?.length, 4, 'the UPDATE of an empty table does nothing');
  executed(writer, ['DROP TABLE u', 'CREATE TABLE u(a)', 'nonsense'], { transaction: true });
  const attempts: readonly Written[] = [
    ['INSERT INTO u(k) VALUES(?)', max],
    ["INSERT INTO f(rowid, a) VALUES(?, 'x')", max],
  ];
  assert.equal(executed(writer, attempts), `[${exhausted},${exhausted}]`);
  writer.close();
  assert.equal(executed(writerIn(t, folder), attempts), `[${exhausted},${exhausted}]`);
});

test('an UPDATE to a rowid near the end is refused, the row keeps its own', (t) => {
  const writer = writerIn(t, temporaryFolder(t));
  executed(writer, ['CREATE TABLE t(id INTEGER PRIMARY KEY)', 'INSERT INTO t VALUES(1)']);
  assert.equal(executed(writer, [['UPDATE t SET id = ?', max]]), `[${exhausted}]`);
  assert.match(executed(writer, ['SELECT id FROM t'], { render: 17 }), /\[\[1\]\]/);
});

test('an insert that SQLite gives a rowid near the end is refused, those before it stand', (t) => {
  const writer = writerIn(t, temporaryFolder(t));
  executed(writer, ['CREATE TABLE t(id INTEGER PRIMARY KEY, v)']);
  const results = executed(writer, [
    ['INSERT INTO t(id, v) VALUES(?, 1)', allowed],
    'INSERT INTO t(v) VALUES(2)',
    'INSERT INTO t(v) VALUES(2), (3), (4)',
    ['INSERT INTO t(id, v) VALUES(?, 3)', 5n],
  ]);
  assert.equal(
    results,
    `[{"last_insert_id":${allowed},"rows_affected":1},${exhausted},${exhausted},{"last_insert_id":5,"rows_affected":1}]`,
  );
});

test('a failing statement that keeps its first rows does not keep a rowid near the end', (t) => {
  const writer = writerIn(t, temporaryFolder(t));
  executed(writer, [
    'CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE)',
    'INSERT INTO t(u) VALUES(1)',
    ['INSERT INTO t(id) VALUES(?)', allowed],
  ]);
  assert.equal(executed(writer, ['INSERT OR FAIL INTO t(u) VALUES(2), (1)']), `[${exhausted}]`);
  assert.match(executed(writer, ['SELECT count(*) FROM t'], { render: 17 }), /\[\[2\]\]/);
});

test('what a writer looks up for itself does not show in changes(), also right after it was opened', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, [
    'CREATE TABLE s(a, b)',
    'CREATE TABLE log(a)',
    'CREATE TRIGGER g AFTER INSERT ON s BEGIN INSERT INTO log VALUES(new.a); END',
  ]);
  writer.close();
  const opened = writerIn(t, folder);
  const statements = ['INSERT INTO s(a) VALUES(1), (2)', 'INSERT INTO s(b) VALUES(changes())'];
  executed(opened, statements, { transaction: true });
  assert.match(
    executed(opened, ['SELECT b FROM s'], { render: 17 }),
    /\[\[null\],\[null\],\[2\]\]/,
  );
});
