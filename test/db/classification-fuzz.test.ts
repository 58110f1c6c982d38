// Random statements against the classifier, judged by the authorizer of SQLite itself.
import assert from 'node:assert/strict';
import { constants, DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { type Piece, takeApart } from '#db/statement-text.ts';

const schema = `CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); CREATE TABLE u(a UNIQUE);
  CREATE VIEW v AS SELECT a FROM t; CREATE INDEX i ON t(a);`;

// Words of statements, allowed and not: what stands between them is drawn.
const statements: readonly string[] = [
  'SELECT a FROM t WHERE id = ?',
  'SELECT * FROM v , u WHERE "t" . a = :n',
  "SELECT count ( * ) , 'it''s' , x'00' , 1.5e3 , 0x1f FROM t",
  'WITH c ( x ) AS ( SELECT 1 ) SELECT x FROM c',
  'WITH c AS ( SELECT 1 ) INSERT INTO t ( a ) SELECT * FROM c RETURNING id',
  'VALUES ( 1 ) , ( 2 )',
  'INSERT INTO t ( a ) VALUES ( ? ) ON CONFLICT DO NOTHING',
  'REPLACE INTO u VALUES ( @x )',
  'UPDATE t SET a = $a WHERE b = ?2',
  'DELETE FROM u WHERE a IN ( SELECT a FROM t )',
  'EXPLAIN DELETE FROM u',
  'EXPLAIN QUERY PLAN SELECT 1',
  'CREATE TABLE n ( a )',
  'CREATE TEMP TABLE n ( a )',
  'CREATE TRIGGER n AFTER INSERT ON t BEGIN DELETE FROM u ; SELECT CASE WHEN 1 THEN 2 END ; END',
  'DROP VIEW v',
  'REINDEX i',
  'ANALYZE t',
  'PRAGMA foreign_keys = ON',
  'PRAGMA table_info ( t )',
  'PRAGMA main . cache_size ( 10 )',
  "ATTACH ':memory:' AS x",
  'DETACH x',
  'BEGIN IMMEDIATE',
  'COMMIT',
  'SAVEPOINT s',
  'VACUUM',
  "SELECT load_extension ( 'x' )",
  'SELECT * FROM pragma_optimize',
  'SELECT * FROM dbstat',
];

const separator = fc.oneof(
  {
    weight: 40,
    arbitrary: fc.constantFrom(' ', '\n', '\t', '\f', '\r', '/**/', '/* ; */', '--\n', '-- ;\n'),
  },
  { weight: 1, arbitrary: fc.constantFrom('', '\v', '\ufeff', ';', '\u00a0', '\0', '\u200b') },
);
const additions = [
  '',
  '',
  '',
  ';',
  ';;',
  '-- x',
  '/* x',
  "'",
  '"',
  '`',
  '[',
  ')',
  'EXPLAIN ',
  '?',
  'END;',
  '\\',
];

const text = fc
  .tuple(
    fc.constantFrom(...additions),
    fc.array(fc.constantFrom(...statements), { minLength: 1, maxLength: 2 }),
    fc.infiniteStream(separator),
    fc.constantFrom(...additions),
    fc.boolean(),
  )
  .map(([before, parts, between, after, lower]) => {
    const words = parts.join(' ; ').split(' ');
    const joined = words.reduce((all, word) => `${all}${between.next().value}${word}`);
    const drawn = `${before}${joined}${after}`;
    return lower ? drawn.toLowerCase() : drawn;
  });

const writing = new Set<number>([
  constants.SQLITE_INSERT,
  constants.SQLITE_UPDATE,
  constants.SQLITE_DELETE,
]);
const reading = new Set<number>([
  constants.SQLITE_SELECT,
  constants.SQLITE_READ,
  constants.SQLITE_FUNCTION,
  constants.SQLITE_RECURSIVE,
]);
const never = new Set<number>([
  constants.SQLITE_PRAGMA,
  constants.SQLITE_ATTACH,
  constants.SQLITE_DETACH,
  constants.SQLITE_TRANSACTION,
  constants.SQLITE_SAVEPOINT,
  constants.SQLITE_CREATE_TEMP_TABLE,
  constants.SQLITE_CREATE_TEMP_VIEW,
  constants.SQLITE_CREATE_TEMP_TRIGGER,
  constants.SQLITE_CREATE_TEMP_INDEX,
]);

/** What SQLite itself says a text does; undefined when it cannot be prepared. */
const actionsOf = (database: DatabaseSync, piece: string): readonly number[] | undefined => {
  const actions: number[] = [];
  database.setAuthorizer((action, _first, second) => {
    actions.push(action);
    assert.ok(!(action === constants.SQLITE_FUNCTION && second === 'load_extension'));
    return constants.SQLITE_OK;
  });
  try {
    database.prepare(piece);
    return actions;
  } catch {
    return undefined;
  } finally {
    database.setAuthorizer(null);
  }
};

const check = (piece: Piece, oracle: DatabaseSync, engine: Database.Database): boolean => {
  const actions = actionsOf(oracle, piece.text);
  if (actions === undefined) return false;
  if (piece.verb !== 'PRAGMA') assert.ok(!actions.some((action) => never.has(action)), piece.text);
  // Throws when the text holds more statements than this one: then it was split wrongly.
  const statement = engine.prepare(piece.text);
  if (piece.access === 'read') {
    assert.ok((statement.readonly || piece.explained) && statement.reader, piece.text);
    const ok = (action: number): boolean =>
      reading.has(action) || piece.explained || piece.verb === 'PRAGMA';
    assert.ok(actions.every(ok), piece.text);
  } else if (piece.access === 'write') {
    assert.ok(
      actions.every((action) => reading.has(action) || writing.has(action)),
      piece.text,
    );
  }
  assert.notEqual(piece.access, 'unknown', piece.text);
  // As many parameters as SQLite counts: it binds exactly these.
  const values: Record<string, number> = {};
  let anonymous = 0;
  for (const name of piece.parameters) {
    if (name === undefined) anonymous += 1;
    else values[name] = 1;
  }
  const bindings: unknown[] = Array.from({ length: anonymous }, () => 1);
  if (piece.named) bindings.push(values);
  statement.bind(...bindings);
  return true;
};

test('SQL-40 what the tokens say of a statement is never less than what SQLite does with it', (t) => {
  const oracle = new DatabaseSync(':memory:');
  oracle.exec(schema);
  const engine = new Database(':memory:');
  engine.exec(schema);
  t.after(() => {
    oracle.close();
    engine.close();
  });
  let accepted = 0;
  fc.assert(
    fc.property(text, (drawn) => {
      const { pieces, refusal } = takeApart(drawn);
      if (refusal !== undefined) return;
      for (const piece of pieces) {
        if (piece.refusal === undefined && check(piece, oracle, engine)) accepted += 1;
      }
    }),
    { numRuns: 20_000 },
  );
  // The fuzz is worth something only while a good part of what it draws is accepted.
  assert.ok(accepted > 2000, String(accepted));
});
