// The writer on real SQLite: what commands become, index and outcome in one transaction.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { executed, temporaryFolder, writerIn } from './support.ts';

test('statements of a command leave one result each, in order', (t) => {
  const writer = writerIn(t, temporaryFolder(t));
  assert.equal(
    executed(writer, [
      'CREATE TABLE t(id INTEGER PRIMARY KEY, v)',
      ['INSERT INTO t(v) VALUES(?)', 'a'],
    ]),
    '[{},{"last_insert_id":1,"rows_affected":1}]',
  );
  assert.equal(
    executed(writer, ['SELECT * FROM t', 'INSERT INTO t(v) VALUES(2.0) RETURNING *', 'nonsense'], {
      render: 17,
    }),
    '[{"columns":["id","v"],"types":["integer","text"],"values":[[1,"a"]]},{"columns":["id","v"],"types":["integer","real"],"values":[[2,2]]},{"error":"near \\"nonsense\\": syntax error"}]',
  );
});
