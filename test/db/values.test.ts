// Every kind of value in and out, as rqlite writes it.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { renderBits } from '#command/outcome.ts';
import type { Reader } from '#db/reader.ts';
import type { Writer } from '#db/writer.ts';
import { executed, queried, readerIn, temporaryFolder, type Written, writerIn } from './support.ts';

interface Opened {
  readonly writer: Writer;
  readonly reader: Reader;
}

const openWith = (t: TestContext, statements: readonly Written[]): Opened => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  if (statements.length > 0) executed(writer, statements);
  return { writer, reader: readerIn(t, folder) };
};

const { wanted, associative, blobArray, rows, timings, qualifyColumns } = renderBits;

/** Asserts that the query gives `expected` in the reader and as part of a write request. */
const gives = ({ writer, reader }: Opened, query: Written, expected: string, render = 0): void => {
  assert.equal(queried(reader, [query], { render: wanted | render }), `[${expected}]`);
  assert.equal(executed(writer, [query], { render: wanted | rows | render }), `[${expected}]`);
};

test('integers are exact to 64 bits, REALs the shortest text, integral ones without a point', (t) => {
  const opened = openWith(t, [
    'CREATE TABLE t(n INTEGER PRIMARY KEY, i INTEGER, x)',
    ['INSERT INTO t(i, x) VALUES(?, ?)', 9223372036854775807n, 9223372036854775807n],
    ['INSERT INTO t(i, x) VALUES(?, ?)', -9223372036854775808n, -9223372036854775808n],
    ['INSERT INTO t(i, x) VALUES(?, ?)', 9007199254740993n, 2n],
    ['INSERT INTO t(i, x) VALUES(?, ?)', 2 ** 63, 1.2345678901234568e29],
  ]);
  gives(
    opened,
    'SELECT n, i FROM t',
    '{"columns":["n","i"],"types":["integer","integer"],"values":[[1,9223372036854775807],[2,-9223372036854775808],[3,9007199254740993],[4,9223372036854776000]]}',
  );
  gives(
    opened,
    'SELECT x, typeof(x) FROM t',
    '{"columns":["x","typeof(x)"],"types":["integer","text"],"values":[[9223372036854775807,"integer"],[-9223372036854775808,"integer"],[2,"integer"],[1.2345678901234568e+29,"real"]]}',
  );
  gives(
    opened,
    'SELECT 2.0, -0.0, 1e21, 1e-6, 1e-7, 0.1, 1e3, 9e999, -9e999',
    '{"columns":["2.0","-0.0","1e21","1e-6","1e-7","0.1","1e3","9e999","-9e999"],"types":["real","real","real","real","real","real","real","real","real"],"values":[[2,-0,1e+21,0.000001,1e-7,0.1,1000,null,null]]}',
  );
});

test('types are the declared ones in lower case, else those of the first row', (t) => {
  const opened = openWith(t, [
    'CREATE TABLE t(a INTEGER, b VARCHAR(255), c Double Precision, e "weird type", f)',
    "INSERT INTO t VALUES(1, 'b', 1.5, 'e', 'f')",
    'INSERT INTO t(a, f) VALUES(2, 3.5)',
  ]);
  gives(
    opened,
    'SELECT * FROM t',
    '{"columns":["a","b","c","e","f"],"types":["integer","varchar(255)","double precision","weird type","text"],"values":[[1,"b",1.5,"e","f"],[2,null,null,null,3.5]]}',
  );
  gives(
    opened,
    'SELECT f FROM t ORDER BY a DESC',
    '{"columns":["f"],"types":["real"],"values":[[3.5],["f"]]}',
  );
  gives(
    opened,
    'SELECT NULL AS a UNION ALL SELECT 1',
    '{"columns":["a"],"types":[""],"values":[[null],[1]]}',
  );
  gives(
    opened,
    "SELECT count(*), avg(a), 1.0, 'x', x'00' FROM t",
    `{"columns":["count(*)","avg(a)","1.0","'x'","x'00'"],"types":["integer","real","real","text","text"],"values":[[2,1.5,1,"x","\\u0000"]]}`,
  );
  gives(opened, 'SELECT a, f FROM t WHERE 0', '{"columns":["a","f"],"types":["integer",""]}');
});

test('booleans, as declared: true above zero, other storage classes as they are', (t) => {
  const opened = openWith(t, [
    'CREATE TABLE t(b BOOLEAN, o BOOL)',
    ['INSERT INTO t VALUES(?, ?)', true, true],
    ['INSERT INTO t VALUES(?, ?)', -1n, 2n],
    "INSERT INTO t VALUES('true', NULL), (1.5, NULL), (x'01', NULL), (NULL, NULL)",
  ]);
  gives(
    opened,
    'SELECT * FROM t',
    '{"columns":["b","o"],"types":["boolean","bool"],"values":[[true,1],[false,2],["true",null],[1.5,null],["AQ==",null],[null,null]]}',
  );
});

test('blobs are text where the declared type is one or missing, base64 or arrays elsewhere', (t) => {
  const opened = openWith(t, [
    'CREATE TABLE t(b BLOB, none, tx TEXT, vc VARCHAR(10), nu NUMERIC, js JSON, im IMAGE)',
    "INSERT INTO t VALUES(x'0001ff', x'4142', x'4344', x'4546', x'4748', x'7b7d', x'494a')",
    "INSERT INTO t(b, none, tx) VALUES(x'', x'', x''), ('text', x'ff80', x'e282')",
  ]);
  const types = '"types":["blob","text","text","varchar(10)","numeric","json","image"]';
  const columns = '"columns":["b","none","tx","vc","nu","js","im"]';
  gives(
    opened,
    'SELECT * FROM t',
    `{${columns},${types},"values":[["AAH/","AB","CD","EF","R0g=","{}","SUo="],["","","",null,null,null,null],["text","\ufffd\ufffd","\ufffd\ufffd",null,null,null,null]]}`,
  );
  gives(
    opened,
    'SELECT b, nu FROM t',
    '{"columns":["b","nu"],"types":["blob","numeric"],"values":[[[0,1,255],[71,72]],[[],null],["text",null]]}',
    blobArray,
  );
});

const declaredTimes: readonly (readonly [stored: string, shown: string])[] = [
  ["'2024-05-01'", '"2024-05-01T00:00:00Z"'],
  ["'2024-05-01 10:20'", '"2024-05-01T10:20:00Z"'],
  ["'2024-05-01T10:20:30'", '"2024-05-01T10:20:30Z"'],
  ["'2024-05-01 10:20:30.120'", '"2024-05-01T10:20:30.12Z"'],
  ["'2024-05-01 10:20:30.000Z'", '"2024-05-01T10:20:30Z"'],
  ["'2024-05-01 10:20:30+02:00'", '"2024-05-01T10:20:30+02:00"'],
  ["'2024-05-01 10:20:30.5-05:30'", '"2024-05-01T10:20:30.5-05:30"'],
  ["'2024-05-01 10:20:30+00:00'", '"2024-05-01T10:20:30Z"'],
  ["'2024-02-30'", '"2024-02-30"'],
  ["'2023-02-29 10:00'", '"2023-02-29 10:00"'],
  ["'2024-05-01 24:00:00'", '"2024-05-01 24:00:00"'],
  ["'tomorrow'", '"tomorrow"'],
  ['1714558830', '"2024-05-01T10:20:30Z"'],
  ['1714558830120', '"2024-05-01T10:20:30.12Z"'],
  ['1', '"1970-01-01T00:00:01Z"'],
  ['-1', '"1969-12-31T23:59:59Z"'],
  ['1.5', '1.5'],
  ["x'41'", '"QQ=="'],
  ['NULL', 'null'],
];

for (const type of ['date', 'datetime', 'timestamp']) {
  test(`a column declared ${type} shows dates and times in RFC 3339, other text as it is`, (t) => {
    const values = declaredTimes.map(([stored]) => `(${stored})`).join(',');
    const opened = openWith(t, [`CREATE TABLE t(d ${type})`, `INSERT INTO t VALUES${values}`]);
    const shown = declaredTimes.map(([, text]) => `[${text}]`).join(',');
    gives(opened, 'SELECT d FROM t', `{"columns":["d"],"types":["${type}"],"values":[${shown}]}`);
  });
}

test('a time outside the years 0 to 9999 is the error of its statement alone', (t) => {
  const opened = openWith(t, ['CREATE TABLE t(d DATETIME)', 'INSERT INTO t VALUES(999999999999)']);
  const error = 'Time.MarshalText: year outside of range [0,9999]';
  assert.equal(
    queried(opened.reader, ['SELECT d FROM t', 'SELECT 1']),
    `[{"error":"${error}"},{"columns":["1"],"types":["integer"],"values":[[1]]}]`,
  );
  gives(opened, 'SELECT d FROM t', `{"rows":[],"error":"${error}"}`, associative);
});

test('text is escaped as Go does: markup and line separators as numbers, the rest as it is', (t) => {
  const opened = openWith(t, []);
  gives(
    opened,
    ['SELECT ? AS s', '<a href="x">&</a>\t\n\r\b\f\u0001\u007f\u0085\u2028\u2029\\/ ü✓🎉'],
    '{"columns":["s"],"types":["text"],"values":[["\\u003ca href=\\"x\\"\\u003e\\u0026\\u003c/a\\u003e\\t\\n\\r\\b\\f\\u0001\u007f\u0085\\u2028\\u2029\\\\/ ü✓🎉"]]}',
  );
  gives(
    opened,
    'SELECT 1 AS "<ü>"',
    '{"columns":["\\u003cü\\u003e"],"types":["integer"],"values":[[1]]}',
  );
});

test('associative rows have sorted keys, of equal names the last, and an empty list without rows', (t) => {
  const opened = openWith(t, []);
  gives(
    opened,
    'SELECT 1 AS z, 2.5 AS a, 3 AS z',
    '{"types":{"a":"real","z":"integer"},"rows":[{"a":2.5,"z":3}]}',
    associative,
  );
  gives(opened, 'SELECT 1 AS z WHERE 0', '{"types":{"z":""},"rows":[]}', associative);
});

test('qualified columns name the table a column comes from, not its alias', (t) => {
  const opened = openWith(t, ['CREATE TABLE a(id INTEGER)', 'INSERT INTO a VALUES(1)']);
  gives(
    opened,
    'SELECT x.id AS other, x.id + 1 FROM a AS x',
    '{"columns":["a.other","x.id + 1"],"types":["integer","integer"],"values":[[1,2]]}',
    qualifyColumns,
  );
});

test('writes show what they inserted and changed, zeros left out', (t) => {
  const { writer } = openWith(t, ['CREATE TABLE t(id INTEGER PRIMARY KEY, v)']);
  const cases: readonly (readonly [Written, string])[] = [
    ['INSERT INTO t(id, v) VALUES(500, 1)', '{"last_insert_id":500,"rows_affected":1}'],
    ['CREATE TABLE u(a)', '{}'],
    ['UPDATE t SET v = 2', '{"rows_affected":1}'],
    ['UPDATE t SET v = 2 WHERE 0', '{}'],
    ['INSERT OR IGNORE INTO t(id) VALUES(500)', '{}'],
    ['REPLACE INTO t(id) VALUES(500)', '{"last_insert_id":500,"rows_affected":1}'],
    ['INSERT INTO t(id) VALUES(0)', '{"rows_affected":1}'],
    ['INSERT INTO t(id) VALUES(-7)', '{"last_insert_id":-7,"rows_affected":1}'],
    ['INSERT INTO t(id) VALUES(500) ON CONFLICT DO UPDATE SET v = 3', '{"rows_affected":1}'],
    ['DELETE FROM t', '{"rows_affected":3}'],
    ['INSERT INTO t(v) VALUES(1), (2)', '{"last_insert_id":2,"rows_affected":2}'],
    ['SELECT * FROM t', '{}'],
    ['-- nothing', '{}'],
    ['INSERT INTO t(v) VALUES(3);', '{"last_insert_id":3,"rows_affected":1}'],
    ['INSERT INTO t(id) VALUES(3)', '{"error":"UNIQUE constraint failed: t.id"}'],
  ];
  for (const [written, expected] of cases)
    assert.equal(executed(writer, [written]), `[${expected}]`);
  assert.equal(executed(writer, ['', 'DELETE FROM t WHERE 0', '']), '[{}]');
  const render = wanted | associative;
  assert.equal(
    executed(writer, ['INSERT INTO t(v) VALUES(9)', 'DELETE FROM u', 'nonsense'], { render }),
    '[{"last_insert_id":4,"rows_affected":1,"rows":null},{"rows":null},{"error":"near \\"nonsense\\": syntax error"}]',
  );
  assert.match(
    executed(writer, ['INSERT INTO t(v) VALUES(9)'], { render: render | timings }),
    /^\[\{"last_insert_id":5,"rows_affected":1,"time":0\.\d+(e-\d+)?,"rows":null\}\]$/,
  );
});

test('RETURNING gives its rows with and without the wish for rows', (t) => {
  const { writer } = openWith(t, ['CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)']);
  const row = '{"columns":["id","v"],"types":["integer","text"],"values":[[1,"a"]]}';
  assert.equal(executed(writer, ["INSERT INTO t(v) VALUES('a') RETURNING *"]), `[${row}]`);
  assert.equal(
    executed(writer, ["UPDATE t SET v = 'b' RETURNING v, NULL"], { render: wanted | rows }),
    '[{"columns":["v","NULL"],"types":["text",""],"values":[["b",null]]}]',
  );
  assert.equal(
    executed(writer, ['DELETE FROM t WHERE 0 RETURNING id']),
    '[{"columns":["id"],"types":["integer"]}]',
  );
});
