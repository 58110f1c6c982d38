// Random commands for such schemas: every verb with every conflict clause, values that differ where
// anything but the entry decides them, rowids at their end, statistics, changes of the schema.
import type { Draw } from './draw.ts';
import {
  drawObject,
  drawSchema,
  drawTable,
  drawTrigger,
  type Features,
  tableNames,
} from './hostile-schema.ts';

/** A command before it is judged. */
export interface DrawnCommand {
  readonly texts: readonly string[];
  readonly transaction: boolean;
}

/** A whole log before it is judged. */
export interface DrawnLog {
  readonly foreignKeys: boolean;
  readonly commands: readonly DrawnCommand[];
}

const orClauses = ['', '', '', ' OR REPLACE', ' OR IGNORE', ' OR FAIL', ' OR ABORT'];

const value = (draw: Draw): string =>
  draw.pick([
    () => String(draw.below(8)),
    () => String(draw.below(8)),
    () => 'NULL',
    () => `'w${draw.below(5)} w${draw.below(5)}'`,
    () => 'random()',
    () => 'hex(randomblob(2))',
    () => 'last_insert_rowid()',
    () => 'changes()',
    () => "strftime('%f', 'now')",
    () => 'CURRENT_TIMESTAMP',
    () => 'sin(0.7) + pow(1.3, 2.7)',
    () => '(SELECT max(id) FROM t0)',
    () => '(SELECT a FROM t1 LIMIT 1)',
    () => '(SELECT group_concat(u) FROM t2)',
  ])();

const ends = ['9223372036854775807', '9223372032559808511', '-1', '0', '1', '2', '3'];

const columns = ['u', 'a', 'b', 'r'];

/** Of a unique column: small, so that it collides. */
const smallValue = (draw: Draw): string => (draw.chance(70) ? String(draw.below(8)) : value(draw));

const assignments = (draw: Draw): string =>
  Array.from({ length: 1 + draw.below(2) }, () => `${draw.pick(columns)} = ${value(draw)}`).join();

const returning = (draw: Draw): string => (draw.chance(20) ? ' RETURNING rowid, *' : '');

const where = (draw: Draw): string =>
  draw.pick([
    () => '',
    () => ` WHERE u = ${draw.below(8)}`,
    () => ` WHERE id % ${draw.below(3) + 2} = 0`,
    () => ` WHERE a > ${value(draw)}`,
    () => ` WHERE id IN (SELECT r FROM ${draw.pick(tableNames)} LIMIT 2)`,
    () => ` WHERE EXISTS (SELECT 1 FROM ${draw.pick(tableNames)} AS x WHERE x.u = u)`,
  ])();

const columnValue = (draw: Draw, column: string): string => {
  if (column === 'id') return draw.pick(ends);
  return column === 'u' || column === 'r' ? smallValue(draw) : value(draw);
};

const insert = (draw: Draw): string => {
  const verb = draw.chance(15) ? 'REPLACE' : `INSERT${draw.pick(orClauses)}`;
  const named = draw.chance(25) ? ['id', 'u', 'a'] : ['u', 'a', 'b', 'r'].slice(draw.below(3));
  const row = (): string => `(${named.map((name) => columnValue(draw, name)).join(', ')})`;
  const rows = Array.from({ length: 1 + draw.below(3) }, row).join(', ');
  const upsert = draw.chance(15)
    ? ` ON CONFLICT DO ${draw.pick(['NOTHING', `UPDATE SET ${assignments(draw)}`])}`
    : '';
  return `${verb} INTO ${draw.pick(tableNames)}(${named.join(', ')}) VALUES ${rows}${upsert}${returning(draw)}`;
};

const ofFullText = [
  'SELECT rowid, a, b FROM ft',
  "SELECT rowid, rank, bm25(ft) FROM ft WHERE ft MATCH 'w1 OR w2'",
  'SELECT count(*), sum(length(block)), hex(group_concat(block)) FROM ft_data',
];

const ofSpatial = [
  'SELECT id, x0, x1 FROM rt',
  'SELECT x.id, a, x0 FROM rt AS x, t0 AS y WHERE x.x0 < y.u',
];

const insertSelect = (draw: Draw, { fullText, spatial }: Features): string => {
  const source = draw.pick([
    ...(fullText ? ofFullText : []),
    ...(spatial ? ofSpatial : []),
    `SELECT u, a, b FROM ${draw.pick(tableNames)}`,
    `SELECT x.u, y.a, random() FROM ${draw.pick(tableNames)} AS x, ${draw.pick(tableNames)} AS y`,
    `SELECT x.u, x.a, y.b FROM ${draw.pick(tableNames)} AS x JOIN ${draw.pick(tableNames)} AS y ON x.a = y.a`,
    `SELECT count(*), max(a), total(u) FROM ${draw.pick(tableNames)} GROUP BY b`,
    'SELECT rootpage, name, sql FROM sqlite_schema',
    'SELECT name, seq, 1 FROM sqlite_sequence',
    'SELECT tbl, idx, stat FROM sqlite_stat1',
    "SELECT value, key, type FROM json_each('[3, 5, 7]')",
  ]);
  const order = draw.pick(['', '', ' ORDER BY random()', ' ORDER BY 2']);
  const limit = draw.chance(60) ? ` LIMIT ${draw.below(4)}` : ' LIMIT 8';
  return `INSERT${draw.pick(orClauses)} INTO ${draw.pick(tableNames)}(u, a, b) ${source}${order}${limit}${returning(draw)}`;
};

const writeFullText = (draw: Draw): string =>
  draw.pick([
    `INSERT INTO ft(rowid, a, b) VALUES(${draw.below(6)}, 'w1 w2 w${draw.below(5)}', 'w3')`,
    `INSERT INTO ft(a, b) VALUES('w1 w${draw.below(9)}', ${value(draw)})`,
    `DELETE FROM ft WHERE rowid = ${draw.below(6)}`,
    `UPDATE ft SET a = 'w${draw.below(9)}' WHERE rowid = ${draw.below(6)}`,
    `DELETE FROM ft WHERE ft MATCH 'w${draw.below(9)}'`,
    "INSERT INTO ft(ft) VALUES('optimize')",
    "INSERT INTO ft(ft) VALUES('rebuild')",
    "INSERT INTO ft(ft, rank) VALUES('merge', 4)",
    "INSERT INTO ft(ft, rank) VALUES('usermerge', 2)",
    "INSERT INTO ft(ft, rank) VALUES('automerge', 2)",
    "INSERT INTO ft(ft, rank) VALUES('crisismerge', 3)",
    "INSERT INTO ft(ft, rank) VALUES('pgsz', 64)",
    "INSERT INTO ft(ft) VALUES('delete-all')",
    "INSERT INTO ft(ft) VALUES('integrity-check')",
  ]);

const writeSpatial = (draw: Draw): string =>
  draw.pick([
    `INSERT INTO rt VALUES(${draw.below(20)}, ${draw.below(9)}, ${9 + draw.below(9)})`,
    `INSERT INTO rt(x0, x1) VALUES(${draw.below(9)}, 20)`,
    `DELETE FROM rt WHERE x0 > ${draw.below(9)}`,
  ]);

const schemaChange = (draw: Draw): string => {
  const name = `o${draw.below(6)}`;
  return draw.pick([
    () => drawObject(draw, name),
    () => drawTrigger(draw, name),
    () => `DROP ${draw.pick(['TABLE', 'INDEX', 'TRIGGER', 'VIEW'])} IF EXISTS ${name}`,
    () => `ALTER TABLE ${draw.pick(tableNames)} ADD COLUMN c${draw.below(3)} DEFAULT 7`,
    () => `ALTER TABLE ${draw.pick(tableNames)} RENAME COLUMN b TO b${draw.below(2)}`,
    () => `ALTER TABLE ${draw.pick(tableNames)} DROP COLUMN c0`,
    () => `ALTER TABLE t3 RENAME TO ${draw.pick(['t4', 't3'])}`,
    () => `DROP TABLE IF EXISTS ${draw.pick(tableNames)}`,
    () => drawTable(draw, draw.pick(tableNames)),
    () => 'REINDEX',
  ])();
};

const statement = (draw: Draw, features: Features): string =>
  draw.pick([
    () => insert(draw),
    () => insert(draw),
    () => insert(draw),
    () => insert(draw),
    () => insertSelect(draw, features),
    () => insertSelect(draw, features),
    () => {
      const set = assignments(draw);
      return `UPDATE${draw.pick(orClauses)} ${draw.pick(tableNames)} SET ${set}${where(draw)}${returning(draw)}`;
    },
    () =>
      `UPDATE ${draw.pick(tableNames)} SET a = x.u FROM ${draw.pick(tableNames)} AS x WHERE x.b = 1`,
    () => `UPDATE ${draw.pick(tableNames)} SET id = ${draw.pick(ends)}${where(draw)}`,
    () => `DELETE FROM ${draw.pick(tableNames)}${where(draw)}${returning(draw)}`,
    () => `SELECT ${value(draw)}, changes() FROM ${draw.pick(tableNames)}`,
    ...(features.view ? [() => `INSERT INTO v VALUES(${smallValue(draw)}, ${value(draw)})`] : []),
    ...(features.fullText ? [() => writeFullText(draw), () => writeFullText(draw)] : []),
    ...(features.spatial ? [() => writeSpatial(draw)] : []),
    () => (draw.chance(40) ? schemaChange(draw) : insert(draw)),
    () =>
      draw.chance(30)
        ? draw.pick(['SELECT nothing', 'SELECT abs(-9223372036854775807 - 1)', 'nonsense'])
        : insert(draw),
  ])();

const command = (draw: Draw, features: Features): DrawnCommand => {
  if (draw.chance(6)) return { texts: ['ANALYZE'], transaction: draw.chance(50) };
  const text = (): string =>
    draw.chance(12)
      ? Array.from({ length: 2 + draw.below(2) }, () => statement(draw, features)).join('; ')
      : statement(draw, features);
  return {
    texts: Array.from({ length: 1 + draw.below(4) }, text),
    transaction: draw.chance(40),
  };
};

/** The log that a seed names. */
export const drawLog = (draw: Draw): DrawnLog => {
  const features = {
    fullText: draw.chance(50),
    spatial: draw.chance(20),
    view: draw.chance(30),
  };
  const first = drawSchema(draw, features).map((text) => ({ texts: [text], transaction: false }));
  const rest = Array.from({ length: 12 + draw.below(20) }, () => command(draw, features));
  return { foreignKeys: draw.chance(70), commands: [...first, ...rest] };
};
