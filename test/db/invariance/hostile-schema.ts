// Random schemas made of what depends on transaction boundaries, connection state or the order of
// things in memory: conflict clauses, RAISE in all its forms, deferred keys, triggers that write,
// full-text indexes, sequences, generated columns.
import type { Draw } from './draw.ts';

/** Every table has these columns or most of them, so that statements fit by chance. */
export const tableNames = ['t0', 't1', 't2', 't3'] as const;

const conflicts = ['', '', 'ROLLBACK', 'ABORT', 'FAIL', 'IGNORE', 'REPLACE'];

const onConflict = (draw: Draw): string => {
  const word = draw.pick(conflicts);
  return word === '' ? '' : ` ON CONFLICT ${word}`;
};

const defaults = [
  '0',
  'CURRENT_TIMESTAMP',
  '(random())',
  '(hex(randomblob(3)))',
  "(datetime('now', '+1 day'))",
  '(last_insert_rowid())',
  '(changes())',
  '(pow(1.1, 2.3))',
];

const foreignKey = (draw: Draw): string => {
  const action = draw.pick(['', ' ON DELETE CASCADE', ' ON DELETE SET NULL', ' ON UPDATE CASCADE']);
  const deferred = draw.chance(50) ? ' DEFERRABLE INITIALLY DEFERRED' : '';
  return ` REFERENCES ${draw.pick(tableNames)}(id)${action}${deferred}`;
};

/** CREATE TABLE for one of the names. */
export const drawTable = (draw: Draw, name: string): string => {
  const increment = draw.chance(30) ? ' AUTOINCREMENT' : '';
  const withoutRowid = increment === '' && draw.chance(20);
  const key = draw.chance(15) && !withoutRowid ? 'id UNIQUE' : `id INTEGER PRIMARY KEY${increment}`;
  const columns = [
    key,
    `u UNIQUE${onConflict(draw)}`,
    `a${draw.chance(40) ? ` NOT NULL${onConflict(draw)}` : ''} DEFAULT ${draw.pick(defaults)}`,
    `b${draw.chance(30) ? ' CHECK (b IS NULL OR b <> 3)' : ''}`,
    `r${draw.chance(50) ? foreignKey(draw) : ''}`,
    ...(draw.chance(20) ? [`g AS (a || b) ${draw.pick(['STORED', 'VIRTUAL'])}`] : []),
    ...(draw.chance(20) ? [`UNIQUE (a, b)${onConflict(draw)}`] : []),
  ];
  return `CREATE TABLE ${name}(${columns.join(', ')})${withoutRowid ? ' WITHOUT ROWID' : ''}`;
};

const raises = ["RAISE(ROLLBACK, 'r')", "RAISE(ABORT, 'a')", "RAISE(FAIL, 'f')", 'RAISE(IGNORE)'];

const triggerBody = (draw: Draw): string => {
  const table = draw.pick(tableNames);
  return draw.pick([
    `SELECT ${draw.pick(raises)};`,
    `SELECT CASE WHEN (SELECT count(*) FROM ${table}) % 3 = 0 THEN ${draw.pick(raises)} END;`,
    `INSERT INTO ${table}(a, b) VALUES(new.id, last_insert_rowid());`,
    `INSERT OR REPLACE INTO ${table}(u, a) VALUES(new.u, changes());`,
    `INSERT OR IGNORE INTO ${table}(u, b) VALUES(random() % 5, 'i');`,
    `UPDATE ${table} SET b = b + 1, a = random() WHERE id = new.id;`,
    `DELETE FROM ${table} WHERE u = new.u;`,
    `INSERT INTO ${table}(u, a) SELECT u + 1, a FROM ${table} LIMIT 1;`,
  ]);
};

/** CREATE TRIGGER on one of the tables. */
export const drawTrigger = (draw: Draw, name: string): string => {
  const event = draw.pick(['INSERT', 'INSERT', 'UPDATE', 'UPDATE OF a', 'DELETE']);
  const when = draw.chance(60)
    ? ` WHEN ${event === 'DELETE' ? 'old' : 'new'}.u % ${draw.below(3) + 2} = 0`
    : '';
  const bodies = Array.from({ length: 1 + draw.below(2) }, () => triggerBody(draw)).join(' ');
  const body = event === 'DELETE' ? bodies.replaceAll('new.', 'old.') : bodies;
  const time = draw.pick(['BEFORE', 'AFTER']);
  return `CREATE TRIGGER ${name} ${time} ${event} ON ${draw.pick(tableNames)}${when} BEGIN ${body} END`;
};

const fullText = [
  'CREATE VIRTUAL TABLE ft USING fts5(a, b)',
  "CREATE VIRTUAL TABLE ft USING fts5(a, b, content='')",
  "CREATE VIRTUAL TABLE ft USING fts5(a, b, content='', contentless_delete=1)",
  "CREATE VIRTUAL TABLE ft USING fts5(a, b, content='t0', content_rowid='id')",
  "CREATE VIRTUAL TABLE ft USING fts5(a, b, prefix='2 3', tokenize='porter', detail=column)",
];

const index = (draw: Draw, name: string): string => {
  const unique = draw.chance(30) ? 'UNIQUE ' : '';
  const columns = draw.pick(['a', 'a, b', 'b', 'lower(a)', 'b DESC, a']);
  const where = draw.chance(20) ? ' WHERE b IS NOT NULL' : '';
  return `CREATE ${unique}INDEX ${name} ON ${draw.pick(tableNames)}(${columns})${where}`;
};

/** A statement that makes one more object, whatever is there. */
export const drawObject = (draw: Draw, name: string): string =>
  draw.pick([
    () => drawTrigger(draw, name),
    () => drawTrigger(draw, name),
    () => index(draw, name),
    () => `CREATE VIEW ${name} AS SELECT id, u, a, b FROM ${draw.pick(tableNames)} WHERE u > 0`,
    () => `CREATE TABLE ${name} AS SELECT * FROM ${draw.pick(tableNames)} LIMIT 3`,
  ])();

/** What a log has beside its four tables. */
export interface Features {
  readonly fullText: boolean;
  readonly spatial: boolean;
  readonly view: boolean;
}

const view = [
  'CREATE VIEW v AS SELECT u, a FROM t1',
  'CREATE TRIGGER vi INSTEAD OF INSERT ON v BEGIN INSERT INTO t1(u, a) VALUES(new.u, new.a); END',
];

/** The statements that begin a log. */
export const drawSchema = (draw: Draw, features: Features): readonly string[] => [
  ...tableNames.map((name) => drawTable(draw, name)),
  ...(features.fullText ? [draw.pick(fullText)] : []),
  ...(features.spatial ? ['CREATE VIRTUAL TABLE rt USING rtree(id, x0, x1)'] : []),
  ...(features.view ? view : []),
  ...Array.from({ length: draw.below(5) }, (_, at) => drawObject(draw, `o${at}`)),
];
