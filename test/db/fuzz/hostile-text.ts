// Random SQL text: statements of every kind that SQLite knows, allowed or not, with names quoted in
// all ways, odd white space, and then some of their words dropped, doubled or exchanged. Most of
// what comes out is refused or an error; what passes the guard is what the fuzz is about.
import type { Draw } from '../invariance/draw.ts';

const tables = ['t', 't', 't', 'u', 'w', 'v', 's', 'logged', 'ft', 'rt', 'n1', 'nope'];
const columns = ['a', 'a', 'a', 'b', 'rowid'];
const oddColumns = ['id', 'k', 'oid', 'x0', '*', 'rank', 'ft', 'new.a', 'old.b', 't.a'];
const odd = [
  'sqlite_schema',
  'sqlite_master',
  'sqlite_sequence',
  'sqlite_stat1',
  'sqlite_temp_schema',
  'temp.t',
  'main.t',
  '_stockade_meta',
  '_STOCKADE_values',
  '_stockade_state',
  'dbstat',
  'ft_data',
  'ft_config',
  'ft_content',
  'rt_node',
  'pragma_database_list',
  'pragma_optimize',
  'pragma_function_list',
  "pragma_table_info('t')",
  "pragma_index_list('t')",
  "json_each('[1,2]')",
  "json_tree('{}')",
  'fts5vocab',
  'sqlite_dbpage',
  'sqlite_stmt',
  "bytecode('SELECT 1')",
  'generate_series(1, 3)',
];
const functions = [
  'abs',
  'random',
  'randomblob',
  'zeroblob',
  'hex',
  'printf',
  'format',
  'count',
  'sum',
  'max',
  'total',
  'group_concat',
  'json',
  'json_extract',
  'json_group_array',
  'datetime',
  'strftime',
  'julianday',
  'unixepoch',
  'changes',
  'total_changes',
  'last_insert_rowid',
  'load_extension',
  'fts3_tokenizer',
  'sqlite_log',
  'sqlite_version',
  'sqlite_source_id',
  'sqlite_compileoption_get',
  'fts5',
  'fts5_locale',
  'bm25',
  'highlight',
  'snippet',
  'match',
  'like',
  'glob',
  'replace',
  'pow',
  'sin',
  'typeof',
  'quote',
  'instr',
  'substr',
  'coalesce',
  'iif',
  'nullif',
  'row_number',
  'lag',
  'ntile',
  'rtreecheck',
  'rtreenode',
  'geopoly_area',
  'readfile',
  'writefile',
  'edit',
  'unistr',
  'sqlite_rename_table',
  'optimize',
  'soundex',
  'subtype',
  'percentile',
] as const;

const plainFunctions = ['abs', 'hex', 'count', 'max', 'typeof', 'json', 'datetime', 'quote', 'sin'];

const quoted = (draw: Draw, name: string): string => {
  if (!/^\w+$/.test(name) || draw.chance(80)) return name;
  const cased = draw.chance(30) ? name.toUpperCase() : name;
  return draw.pick([`"${cased}"`, `[${cased}]`, `\`${cased}\``, `'${cased}'`, cased]);
};

const table = (draw: Draw): string =>
  quoted(draw, draw.chance(95) ? draw.pick(tables) : draw.pick(odd));

const column = (draw: Draw): string =>
  quoted(draw, draw.pick(draw.chance(94) ? columns : oddColumns));

const literal = (draw: Draw): string =>
  draw.pick([
    '1',
    '2',
    '-1',
    '0',
    '9223372036854775807',
    '1.5',
    '1e300',
    "'x'",
    "'now'",
    "x'00ff'",
    'NULL',
    '?',
    '?2',
    ':p',
    '@p',
    '$p',
    'TRUE',
    'CURRENT_TIMESTAMP',
    "'1000000000'",
    '1000000000',
    '0x7f',
  ]);

const expression = (draw: Draw, depth: number): string => {
  if (depth <= 0) return draw.chance(50) ? literal(draw) : column(draw);
  const inner = (): string => expression(draw, depth - 1);
  return draw.pick([
    () => literal(draw),
    () => column(draw),
    () =>
      `${inner()} ${draw.pick(['+', '||', '=', '<', 'IS', 'AND', 'OR', '%', '->>', 'LIKE', 'MATCH', 'GLOB', 'COLLATE nocase ='])} ${inner()}`,
    () =>
      `${quoted(draw, draw.pick(draw.chance(70) ? plainFunctions : functions))}(${Array.from({ length: draw.chance(70) ? 1 : draw.below(4) }, inner).join(', ')})`,
    () => `${draw.pick(functions)}(${inner()}) OVER (PARTITION BY ${inner()} ORDER BY ${inner()})`,
    () => `(${select(draw, depth - 1)})`,
    () => `EXISTS (${select(draw, depth - 1)})`,
    () => `${inner()} IN (${draw.chance(50) ? select(draw, depth - 1) : `${inner()}, ${inner()}`})`,
    () => `CASE WHEN ${inner()} THEN ${inner()} ELSE ${inner()} END`,
    () => `CAST(${inner()} AS ${draw.pick(['INTEGER', 'TEXT', 'BLOB', 'REAL'])})`,
    () =>
      draw.pick([
        "RAISE(ABORT, 'x')",
        'RAISE(IGNORE)',
        "RAISE(ROLLBACK, 'x')",
        'NOT NULL',
        '(1, 2)',
      ]),
  ])();
};

const source = (draw: Draw, depth: number): string =>
  draw.pick([
    () => table(draw),
    () => table(draw),
    () => `${table(draw)} AS ${draw.pick(['x', 'y', 't', 'ft_data'])}`,
    () =>
      `${table(draw)} ${draw.pick(['JOIN', 'LEFT JOIN', ',', 'NATURAL JOIN', 'FULL JOIN', 'CROSS JOIN'])} ${table(draw)}${draw.chance(40) ? ` ON ${expression(draw, 1)}` : ''}`,
    () => `(${select(draw, depth - 1)}) AS z`,
  ])();

const select = (draw: Draw, depth: number): string => {
  const results = Array.from({ length: 1 + draw.below(2) }, () => expression(draw, depth)).join(
    ', ',
  );
  const from = draw.chance(75) ? ` FROM ${source(draw, depth)}` : '';
  const where = draw.chance(40) ? ` WHERE ${expression(draw, depth)}` : '';
  const group = draw.chance(15)
    ? ` GROUP BY ${expression(draw, 1)} HAVING ${expression(draw, 1)}`
    : '';
  const compound = draw.chance(10)
    ? ` ${draw.pick(['UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT'])} SELECT ${expression(draw, 1)}`
    : '';
  const order = draw.chance(20) ? ` ORDER BY ${expression(draw, 1)}` : '';
  const limit = draw.chance(25) ? ` LIMIT ${expression(draw, 0)}` : '';
  return `SELECT ${draw.chance(10) ? 'DISTINCT ' : ''}${results}${from}${where}${group}${compound}${order}${limit}`;
};

const withClause = (draw: Draw): string =>
  draw.pick([
    () => `WITH c AS (${select(draw, 1)}) `,
    () => 'WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c WHERE x < 5) ',
    () => 'WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c) ',
    () => `WITH t AS MATERIALIZED (${select(draw, 1)}), u(a) AS (SELECT 1) `,
  ])();

const or = (draw: Draw): string =>
  draw.pick(['', '', '', ' OR REPLACE', ' OR IGNORE', ' OR FAIL', ' OR ABORT', ' OR ROLLBACK']);

const write = (draw: Draw): string =>
  draw.pick([
    () =>
      `INSERT${or(draw)} INTO ${table(draw)}(${column(draw)}, ${column(draw)}) VALUES (${expression(draw, 1)}, ${expression(draw, 1)})`,
    () =>
      `INSERT INTO ${table(draw)}(a) VALUES (${expression(draw, 2)})${draw.chance(30) ? ` ON CONFLICT DO UPDATE SET a = ${expression(draw, 1)}` : ''}${draw.chance(30) ? ` RETURNING ${expression(draw, 1)}` : ''}`,
    () => `INSERT INTO ${table(draw)} ${select(draw, 2)}`,
    () => `INSERT INTO ${table(draw)} DEFAULT VALUES`,
    () =>
      `REPLACE INTO ${table(draw)} VALUES (${expression(draw, 1)}, ${expression(draw, 1)}, ${expression(draw, 1)})`,
    () =>
      `UPDATE${or(draw)} ${table(draw)} SET ${column(draw)} = ${expression(draw, 2)}${draw.chance(30) ? ` FROM ${source(draw, 1)}` : ''}${draw.chance(60) ? ` WHERE ${expression(draw, 2)}` : ''}`,
    () =>
      `DELETE FROM ${table(draw)}${draw.chance(70) ? ` WHERE ${expression(draw, 2)}` : ''}${draw.chance(20) ? ' RETURNING *' : ''}`,
    () =>
      `INSERT INTO ft(ft, rank) VALUES('${draw.pick(['merge', 'optimize', 'rebuild', 'pgsz', 'rank', 'secure-delete', 'integrity-check', 'flush', 'delete-all'])}', ${literal(draw)})`,
  ])();

const name = (draw: Draw): string =>
  quoted(draw, draw.pick(['n1', 'n2', 'n3', 't', 'temp.n', 'main.n4', 'sqlite_x', '_stockade_y']));

const change = (draw: Draw): string =>
  draw.pick([
    () =>
      `CREATE ${draw.pick(['', '', 'TEMP ', 'TEMPORARY '])}TABLE ${name(draw)}(a ${draw.pick(['', 'INTEGER PRIMARY KEY AUTOINCREMENT', `DEFAULT (${expression(draw, 1)})`, `CHECK (${expression(draw, 1)})`, `AS (${expression(draw, 1)}) STORED`])}, b REFERENCES ${table(draw)})`,
    () => `CREATE TABLE ${name(draw)} AS ${select(draw, 2)}`,
    () => `CREATE ${draw.pick(['', '', 'TEMP '])}VIEW ${name(draw)} AS ${select(draw, 2)}`,
    () =>
      `CREATE ${draw.pick(['', 'UNIQUE '])}INDEX ${name(draw)} ON ${table(draw)}(${expression(draw, 1)})${draw.chance(20) ? ` WHERE ${expression(draw, 1)}` : ''}`,
    () =>
      `CREATE ${draw.pick(['', '', 'TEMP '])}TRIGGER ${name(draw)} ${draw.pick(['BEFORE', 'AFTER', 'INSTEAD OF'])} ${draw.pick(['INSERT', 'DELETE', 'UPDATE OF a'])} ON ${table(draw)} BEGIN ${draw.pick([write, (d: Draw) => select(d, 1)])(draw)}; END`,
    () =>
      `CREATE VIRTUAL TABLE ${name(draw)} USING ${draw.pick(['fts5(a)', "fts5(a, content='_stockade_meta')", "fts5(a, content='t')", 'rtree(id, x0, x1)', 'fts5vocab(ft, row)', 'dbstat', "csv(filename='/etc/passwd')", 'geopoly(a)', 'fts3(a)', "fts5(a, tokenize='porter')"])}`,
    () =>
      `DROP ${draw.pick(['TABLE', 'VIEW', 'INDEX', 'TRIGGER'])} ${draw.pick(['', 'IF EXISTS '])}${table(draw)}`,
    () =>
      `ALTER TABLE ${table(draw)} ${draw.pick(['RENAME TO n5', 'ADD COLUMN z', `ADD COLUMN z DEFAULT (${expression(draw, 1)})`, 'RENAME COLUMN a TO q', 'DROP COLUMN b', 'RENAME TO sqlite_z', 'RENAME TO _stockade_z'])}`,
    () =>
      `${draw.pick(['REINDEX', 'ANALYZE'])} ${draw.pick(['', 'main', 'temp', 't', 'sqlite_schema', 'ft_data', '_stockade_meta'])}`,
  ])();

const forbidden = (draw: Draw): string =>
  draw.pick([
    "ATTACH '/tmp/stolen.db' AS z",
    "ATTACH ':memory:' AS z",
    'ATTACH ? AS z',
    'DETACH main',
    "VACUUM INTO '/tmp/stolen.db'",
    'VACUUM',
    'BEGIN',
    'BEGIN IMMEDIATE',
    'COMMIT',
    'END',
    'ROLLBACK',
    'SAVEPOINT x',
    'RELEASE x',
    'ROLLBACK TO x',
    'PRAGMA query_only = 0',
    'PRAGMA writable_schema = 1',
    'PRAGMA journal_mode = DELETE',
    'PRAGMA foreign_keys(1)',
    "PRAGMA temp_store_directory = '/tmp'",
    'PRAGMA table_info(t)',
    'PRAGMA user_version',
    'PRAGMA user_version = 7',
    'PRAGMA main.cache_size',
    'PRAGMA optimize',
    'PRAGMA data_version',
    'PRAGMA foreign_key_check',
    'PRAGMA index_list(t)',
    'PRAGMA compile_options',
    'PRAGMA wal_checkpoint',
    "PRAGMA key = 'x'",
    'PRAGMA incremental_vacuum(10)',
    'PRAGMA integrity_check',
    'PRAGMA locking_mode = EXCLUSIVE',
    'PRAGMA case_sensitive_like = 1',
  ]);

const statement = (draw: Draw): string =>
  draw.pick([
    () => select(draw, 2),
    () => `${withClause(draw)}${select(draw, 2)}`,
    () => write(draw),
    () => write(draw),
    () => write(draw),
    () => `${withClause(draw)}${write(draw)}`,
    () => change(draw),
    () => change(draw),
    () => select(draw, 1),
    () => write(draw),
    () => (draw.chance(40) ? forbidden(draw) : write(draw)),
    () => `EXPLAIN ${draw.pick(['', 'QUERY PLAN '])}${draw.pick([write, change, forbidden])(draw)}`,
    () => `VALUES (${expression(draw, 1)}), (${expression(draw, 1)})`,
  ])();

const spaces = [
  ' ',
  ' ',
  ' ',
  ' ',
  ' ',
  ' ',
  ' ',
  ' ',
  '\n',
  '\t',
  '\f',
  '/**/',
  '--\n',
  '/* ; */',
  '\u00a0',
  '\ufeff',
  '\v',
  '',
  ';',
];
const words = [
  'SELECT',
  'FROM',
  ';',
  ';',
  '(',
  ')',
  'ATTACH',
  'PRAGMA',
  'INTO',
  'TEMP',
  'END',
  'BEGIN',
  'EXPLAIN',
  'WITH',
  '--',
  '/*',
  "'",
  '"',
  '.',
  'temp',
  'AS',
  'ROLLBACK',
  'DEFERRED',
  ',',
];

/** Drops, doubles or exchanges some words. */
const mutated = (draw: Draw, text: string): string => {
  const parts = text.split(' ');
  for (let count = draw.below(3); count >= 0; count -= 1) {
    const at = draw.below(parts.length);
    const part = parts[at] ?? '';
    const [one = ''] = [parts[draw.below(parts.length)]];
    parts.splice(
      at,
      1,
      ...draw.pick([[], [part, part], [draw.pick(words)], [part, draw.pick(words)], [one]]),
    );
  }
  return parts.join(' ');
};

const spaced = (draw: Draw, text: string): string =>
  text.split(' ').reduce((all, part) => `${all}${draw.pick(spaces)}${part}`);

/** One text, of one statement or several. */
export const drawText = (draw: Draw): string => {
  let text = statement(draw);
  if (draw.chance(12)) text = `${text}; ${statement(draw)}`;
  if (draw.chance(15)) text = mutated(draw, text);
  if (draw.chance(10)) text = spaced(draw, text);
  if (draw.chance(5))
    text = draw.pick([`;${text}`, `${text};`, `${text}\0`, `${text}--`, `\ufeff${text}`]);
  return text;
};
