// Rows as text: exact values, and nothing that a terminal would obey.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowsText } from '#cli/shell/render.ts';
import { type RowsResult, resultsFrom } from '#cli/shell/results.ts';

const rowsOf = (json: string): RowsResult => {
  const [result] = resultsFrom(json);
  assert.ok(result?.kind === 'rows');
  return result;
};

const mixed = rowsOf(
  '{"results":[{"columns":["id","name","b"],"types":["integer","text","blob"],"values":[[9223372036854775807,"a,\\"b\\"\\nc","AP8="],[-1.50e3,null,null],[0,"",""]]}]}',
);

test('every number keeps the digits that the server sent', () => {
  assert.match(rowsText(mixed, 'column'), /9223372036854775807/);
  assert.match(rowsText(mixed, 'csv'), /^-1\.50e3,,$/m);
  assert.match(rowsText(mixed, 'json'), /"id":9223372036854775807/);
});

test('columns are as wide as what stands in them, numbers to the right, NULL told from text', () => {
  assert.equal(
    rowsText(mixed, 'column'),
    [
      '                 id  name      b',
      '-------------------  --------  -------',
      '9223372036854775807  a,"b"\\nc  x\'00ff\'',
      '            -1.50e3  NULL      NULL',
      "                  0            x''",
      '',
    ].join('\n'),
  );
});

test('wide characters count twice, and a long value is cut for people only', () => {
  const long = 'x'.repeat(200);
  const wide = rowsOf(
    `{"results":[{"columns":["a","b"],"types":["text","text"],"values":[["世界","1"],["ab","${long}"]]}]}`,
  );
  const [, , first, second] = rowsText(wide, 'column').split('\n');
  assert.equal(first, '世界  1');
  assert.equal(second, `ab    ${'x'.repeat(59)}…`);
  assert.ok(rowsText(wide, 'csv').includes(long));
  assert.ok(rowsText(wide, 'json').includes(long));
});

test('control characters are shown to people and kept for programs', () => {
  const hostile = rowsOf(
    String.raw`{"results":[{"columns":["\u001b[2J"],"types":["text"],"values":[["\u001b]0;x\u0007\u202e\u009b31m"]]}]}`,
  );
  for (const mode of ['column', 'line'] as const) {
    assert.doesNotMatch(rowsText(hostile, mode).replaceAll('\n', ''), /[\p{Cc}\u202e]/u);
    assert.match(rowsText(hostile, mode), /\\u001b\]0;x\\u0007\\u202e\\u009b31m/);
  }
  assert.match(rowsText(hostile, 'csv'), /\p{Cc}\]0;x/u);
  assert.match(rowsText(hostile, 'json'), /\\u001b/);
});

test('CSV keeps NULL and the empty text apart and doubles quotes', () => {
  assert.equal(
    rowsText(mixed, 'csv'),
    'id,name,b\r\n9223372036854775807,"a,""b""\nc",x\'00ff\'\r\n-1.50e3,,\r\n0,"",x\'\'\r\n',
  );
});

test('errors, changes and nothing are read for what they are', () => {
  assert.deepEqual(
    resultsFrom('{"results":[{"error":"no"},{"last_insert_id":7,"rows_affected":2},{}]}'),
    [
      { kind: 'failed', message: 'no' },
      { kind: 'changed', rows: '2', lastInsertId: '7' },
      { kind: 'nothing' },
    ],
  );
  assert.deepEqual(resultsFrom('{"results":[],"error":"all of it"}'), [
    { kind: 'failed', message: 'all of it' },
  ]);
});
