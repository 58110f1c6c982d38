// The editor's text falls into statements as it does at the terminal.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { splitSql } from '#cli/shell/split-sql.ts';
import { splitStatements } from '#http/console/split-statements.js';

test('a semicolon in a string, a name, a comment or a trigger ends no statement', () => {
  const trigger = 'CREATE TRIGGER r AFTER INSERT ON t BEGIN DELETE FROM t; SELECT 1; END';
  assert.deepEqual(
    splitStatements(
      `SELECT ';' ; SELECT "a;b", [c;d], \`e;f\` -- ;\n; /* ; */ ${trigger};\nSELECT 'it''s;';;`,
    ),
    [`SELECT ';'`, 'SELECT "a;b", [c;d], `e;f` -- ;', trigger, `SELECT 'it''s;'`],
  );
});

test('text without a statement has none, and what is not closed reaches to the end', () => {
  assert.deepEqual(splitStatements(' ; -- only this\n;/* and this'), []);
  assert.deepEqual(splitStatements("SELECT 'a; b; c"), ["SELECT 'a; b; c"]);
});

test('whatever the text, the statements are those of `stockade shell`', () => {
  const words = ['SELECT', ' ', ';', "'", '"', '`', '[', ']', '--', '\n', '/*', '*/'];
  const more = ['CREATE', 'TRIGGER', 'TEMP', 'BEGIN', 'END', 'é', "'x'", '$1', '\u{1f600}'];
  const texts = fc.array(fc.constantFrom(...words, ...more), { maxLength: 40 });
  fc.assert(
    fc.property(texts, (parts) => {
      const sql = parts.join('');
      assert.deepEqual(
        splitStatements(sql),
        splitSql(sql).map(({ text }) => text),
      );
    }),
    { numRuns: 500 },
  );
});
