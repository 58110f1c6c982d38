// What the tests of backups share: a database with something of everything, and how it compares.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type Database from 'better-sqlite3';
import { encodeClusterRecord } from '#command/cluster-record-codec.ts';
import { encodeConfiguration } from '#command/configuration-codec.ts';
import { noClusterRecord } from '#command/member.ts';
import type { Writer } from '#db/writer.ts';
import { lookInto } from '../counted-log.ts';
import { executed, type Written, writerIn } from '../support.ts';

/** A store id that no backup may hold. */
export const secretStore = 'store-id-that-stays-here';

const everything: readonly Written[] = [
  'CREATE TABLE "zebra ""quoted"""(id INTEGER PRIMARY KEY AUTOINCREMENT, v)',
  'CREATE TABLE a(x TEXT, y REAL, z BLOB, n)',
  'CREATE TABLE pairs(k TEXT PRIMARY KEY, v) WITHOUT ROWID',
  'CREATE TABLE made(a, b GENERATED ALWAYS AS (a * 2) STORED, c AS (a + 1), d)',
  'CREATE TABLE child(p REFERENCES later(id))',
  'CREATE TABLE later(id INTEGER PRIMARY KEY)',
  'CREATE INDEX a_x ON a(x)',
  'CREATE VIEW seen AS SELECT v FROM "zebra ""quoted"""',
  'CREATE TRIGGER logged AFTER INSERT ON a BEGIN INSERT INTO pairs VALUES(new.x, new.rowid); END',
  "CREATE VIRTUAL TABLE docs USING fts5(title, body, prefix='2 3')",
  "CREATE VIRTUAL TABLE found USING fts5(x, content='a')",
  'CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1, +label)',
  'INSERT INTO "zebra ""quoted""" VALUES(5, \'five\'), (9, \'nine\')',
  'DELETE FROM "zebra ""quoted""" WHERE id = 9',
  [
    'INSERT INTO a VALUES(?, ?, ?, ?), (?, ?, ?, ?), (?, ?, ?, ?)',
    'it\'s; -- \n\t"quoted"',
    0.1,
    Buffer.from([0, 255, 10]),
    -9_223_372_036_854_775_808n,
    'nul \0 within',
    1e300,
    Buffer.alloc(0),
    9_007_199_254_740_993n,
    '\u{1F980} \uFEFF é',
    Number.POSITIVE_INFINITY,
    Buffer.alloc(200_000, 7),
    null,
  ],
  ['INSERT INTO a(x, y, n) VALUES(?, ?, ?)', '', -0.0, 12_345_678_912_345.0],
  ['INSERT INTO a(x, y, n) VALUES(?, ?, ?)', 'lowest', Number.NEGATIVE_INFINITY, 1 / 3],
  ['INSERT INTO a(x, y, n) VALUES(?, ?, ?)', 'tiny', 5e-324, 1e21],
  'INSERT INTO made(a, d) VALUES(21, 4), (NULL, 1)',
  'INSERT INTO child VALUES(1)',
  'INSERT INTO later VALUES(1)',
  "INSERT INTO docs(rowid, title, body) VALUES(7, 'one', 'words in a body'), (3, 'two', 'more')",
  "INSERT INTO docs(docs, rank) VALUES('automerge', 7)",
  "INSERT INTO found(found) VALUES('rebuild')",
  "INSERT INTO boxes VALUES(4, 0.1, 2.5, 'label'), (2, -1, 1, NULL)",
];

/** A writer with something of everything, and members that are nobody's business. */
export const writerWithEverything = (t: TestContext, folder: string): Writer => {
  const writer = writerIn(t, folder);
  const member = { name: 'a', storeId: secretStore, keyPin: 'k', peerAddress: 'p', apiUrl: 'u' };
  writer.apply([
    {
      index: 1,
      term: 1,
      kind: 'configuration',
      data: encodeConfiguration({
        voters: ['a'],
        votersOutgoing: [],
        learners: [],
        learnersNext: [],
        autoLeave: false,
        context: encodeClusterRecord({ ...noClusterRecord, members: [member] }),
      }),
      render: 0,
    },
  ]);
  for (const statement of everything) {
    assert.doesNotMatch(executed(writer, [statement]), /error/, String(statement));
  }
  executed(writer, ['ANALYZE']);
  return writer;
};

/** Statistics of this program's own tables stay behind, as the tables do. */
const isOurs = (row: unknown): boolean =>
  Array.isArray(row) && String(row[0]).startsWith('_stockade_');

const valuesIn = (database: Database.Database, table: string): readonly unknown[] =>
  database
    .prepare(`SELECT * FROM "${table.replaceAll('"', '""')}" ORDER BY 1`)
    .safeIntegers()
    .raw()
    .all()
    .filter((row) => !isOurs(row));

const rowTables = `SELECT name FROM pragma_table_list WHERE schema = 'main'
  AND type IN ('table', 'virtual') AND name NOT LIKE '\\_stockade\\_%' ESCAPE '\\'
  AND name <> 'sqlite_schema' ORDER BY name`;
const objects = `SELECT type, name, tbl_name, sql FROM sqlite_schema
  WHERE name NOT LIKE '%\\_stockade\\_%' ESCAPE '\\' ORDER BY type, name`;

const contentOf = (database: Database.Database): unknown => ({
  objects: database.prepare(objects).all(),
  rows: database
    .prepare(rowTables)
    .pluck()
    .all()
    .map((name) => [name, valuesIn(database, String(name))]),
  words: database.prepare("SELECT rowid FROM docs WHERE docs MATCH 'body'").all(),
  found: database.prepare("SELECT rowid FROM found WHERE found MATCH 'lowest'").all(),
  settings: database.prepare('SELECT k, v FROM docs_config ORDER BY k').all(),
});

/** The other database is sound and holds what the folder's does, and nothing of this program. */
export const assertSameContent = (folder: string, other: Database.Database): void => {
  const origin = lookInto(folder);
  assert.equal(other.pragma('integrity_check', { simple: true }), 'ok');
  assert.deepEqual(contentOf(other), contentOf(origin));
  const own = "SELECT name FROM sqlite_schema WHERE name LIKE '%stockade%'";
  assert.deepEqual(other.prepare(own).all(), []);
  origin.close();
};
