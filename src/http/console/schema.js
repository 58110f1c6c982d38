// Tables, views, indexes and triggers, as sqlite_schema and the schema's own pragmas have them.
import { run } from './api.js';
import { button, element, faultLine, part, table } from './elements.js';
import { may, quotedName, resultsView } from './present.js';

/** A level that every node answers by itself where it can: the schema is no secret of a moment. */
const level = 'auto';

const objects = `SELECT type, name, tbl_name, sql FROM sqlite_schema
  WHERE name NOT LIKE 'sqlite!_stat%' ESCAPE '!' ORDER BY tbl_name, type = 'index', name`;

const columns = `SELECT m.name, c.name, c.type, c."notnull", c.dflt_value, c.pk, c.hidden
  FROM sqlite_schema AS m JOIN pragma_table_xinfo(m.name) AS c
  WHERE m.type IN ('table', 'view') ORDER BY m.name, c.cid`;

/** @typedef {import('./present.js').ResultView} ResultView */

/**
 * The rows of a result as texts.
 *
 * @param {ResultView | undefined} view
 * @returns {string[][]}
 */
const rowsOf = (view) =>
  view?.kind === 'rows'
    ? view.rows.map((row) =>
        row.map(({ kind, text, whole }) => (kind === 'null' ? '' : (whole ?? text))),
      )
    : [];

/**
 * @param {string[]} row
 * @returns {string[]}
 */
const columnCells = ([
  ,
  name = '',
  type = '',
  notNull = '',
  byDefault = '',
  key = '',
  hidden = '',
]) => {
  const rules = [
    key === '0' ? '' : `primary key ${key}`,
    notNull === '0' ? '' : 'not null',
    byDefault === '' ? '' : `default ${byDefault}`,
    hidden === '0' ? '' : 'generated or hidden',
  ];
  return [name, type, rules.filter(Boolean).join(', ')];
};

/**
 * @param {string[]} object
 * @param {string[][]} ownColumns
 * @param {string[][]} belonging
 * @param {(sql: string) => void} edit
 */
const objectElement = ([type = '', name = '', , sql = ''], ownColumns, belonging, edit) => {
  const others = belonging.map(([kind = '', other = '', , text = '']) => [
    kind,
    other,
    element('code', {}, text === '' ? 'made by a constraint' : text),
  ]);
  return element(
    'details',
    { class: 'object' },
    element('summary', {}, element('b', {}, name), ` ${type}`),
    button('look at its rows', () => edit(`SELECT * FROM ${quotedName(name)} LIMIT 100;`)),
    table(['column', 'type', 'rules'], ownColumns.map(columnCells)),
    ...(others.length === 0 ? [] : [table(['', 'name', 'SQL'], others)]),
    element('pre', {}, sql),
  );
};

/**
 * Shows the schema.
 *
 * @param {readonly string[]} permissions
 * @param {(sql: string) => void} edit puts a text into the editor and shows that
 */
export const showSchema = async (permissions, edit) => {
  const place = part('schema-list', HTMLElement);
  if (!may(permissions, 'query')) {
    place.replaceChildren(
      faultLine('You may not read the schema: that takes the permission query.'),
    );
    return;
  }
  const answer = await run('/db/query', [objects, columns], { level });
  const { views, fault } = resultsView(answer, Number.MAX_SAFE_INTEGER);
  const [all, theirs] = views;
  if (fault !== '' || all?.kind === 'error') {
    place.replaceChildren(faultLine(fault === '' && all?.kind === 'error' ? all.text : fault));
    return;
  }
  const found = rowsOf(all);
  const columnRows = rowsOf(theirs);
  const shown = found
    .filter(([type]) => type === 'table' || type === 'view')
    .map((object) =>
      objectElement(
        object,
        columnRows.filter(([of]) => of === object[1]),
        found.filter(
          ([type, , of]) => of === object[1] && (type === 'index' || type === 'trigger'),
        ),
        edit,
      ),
    );
  const broken =
    theirs?.kind === 'error' ? [faultLine(`The columns cannot be shown: ${theirs.text}`)] : [];
  const none = element('p', {}, 'There are no tables yet.');
  place.replaceChildren(...broken, ...(shown.length === 0 ? [none] : shown));
};
