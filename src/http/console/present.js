// What is shown of what the server says, and in which words. No part of the page is touched here.
import { NumberText, parseExactJson } from './exact-json.js';

/** Rows of one result that are shown; all of them arrived. */
export const rowsShownMax = 500;
/** Characters of a value that are shown at once; the rest opens with a click. */
export const charactersShownMax = 300;
/** Octets of a BLOB that are shown. */
export const octetsShownMax = 64;

/** @typedef {'null' | 'number' | 'boolean' | 'text' | 'blob'} CellKind */
/** @typedef {{ kind: CellKind, text: string, whole?: string, note?: string }} Cell */
/**
 * @typedef {{ kind: 'rows', columns: string[], types: string[], rows: Cell[][], note: string }
 *   | { kind: 'done', note: string }
 *   | { kind: 'error', text: string }} ResultView
 */
/** @typedef {{ status: number, text: string }} Answer */

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * @param {unknown} value
 * @returns {unknown[]}
 */
export const listOf = (value) => (Array.isArray(value) ? value : []);

/**
 * An object, empty where there is none.
 *
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 */
export const objectOf = (value) => (isObject(value) ? value : {});

/**
 * A scalar as text; empty where there is none.
 *
 * @param {unknown} value
 * @returns {string}
 */
export const textOf = (value) => {
  if (typeof value === 'string') return value;
  if (value instanceof NumberText) return value.text;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
};

/**
 * @param {number} count
 * @param {string} one
 * @returns {string}
 */
const counted = (count, one) => `${count.toLocaleString('en')} ${one}${count === 1 ? '' : 's'}`;

/**
 * @param {unknown[]} octets
 * @returns {Cell}
 */
const blobCell = (octets) => {
  const shown = octets.slice(0, octetsShownMax);
  const digits = shown.map((octet) => Number(octet).toString(16).padStart(2, '0')).join('');
  const more = octets.length > shown.length ? '…' : '';
  return { kind: 'blob', text: `X'${digits}${more}'`, note: counted(octets.length, 'byte') };
};

/**
 * A value of a row. BLOBs arrive as arrays of octets (`blob_array`), so no text looks like one.
 *
 * @param {unknown} value
 * @returns {Cell}
 */
export const cellOf = (value) => {
  if (value === null || value === undefined) return { kind: 'null', text: 'NULL' };
  if (Array.isArray(value)) return blobCell(value);
  if (typeof value === 'boolean') return { kind: 'boolean', text: textOf(value) };
  if (typeof value !== 'string') return { kind: 'number', text: textOf(value) };
  if (value.length <= charactersShownMax) return { kind: 'text', text: value };
  // Not between two halves of a character.
  const text = `${value.slice(0, charactersShownMax).replace(/[\uD800-\uDBFF]$/u, '')}…`;
  return { kind: 'text', text, whole: value, note: counted(value.length, 'character') };
};

/**
 * @param {unknown} seconds
 * @returns {string}
 */
export const secondsText = (seconds) =>
  typeof seconds === 'number' || seconds instanceof NumberText
    ? `${(Number(String(seconds)) * 1000).toFixed(1)} ms`
    : '';

/**
 * One entry of `results`.
 *
 * @param {unknown} result
 * @param {number} rowsMax that are shown
 * @returns {ResultView}
 */
export const resultView = (result, rowsMax = rowsShownMax) => {
  const { error, columns, types, values, rows_affected, last_insert_id, time } = objectOf(result);
  if (typeof error === 'string') return { kind: 'error', text: error };
  const took = secondsText(time);
  const timed = took === '' ? '' : `, ${took}`;
  if (!Array.isArray(columns)) {
    const id = last_insert_id === undefined ? '' : `, last insert id ${textOf(last_insert_id)}`;
    const count = Number(textOf(rows_affected));
    const changed = count === 0 ? 'no row' : counted(count, 'row');
    return { kind: 'done', note: `done: ${changed} changed${id}${timed}` };
  }
  const all = listOf(values);
  const shown = all.slice(0, rowsMax);
  const part = all.length > shown.length ? `the first ${shown.length} of ` : '';
  return {
    kind: 'rows',
    columns: columns.map(textOf),
    types: listOf(types).map(textOf),
    rows: shown.map((row) => listOf(row).map(cellOf)),
    note: `${part}${counted(all.length, 'row')}${part === '' ? '' : ' shown'}${timed}`,
  };
};

/**
 * A moment that the server wrote (ISO 8601, UTC), to the minute.
 *
 * @param {unknown} moment
 * @returns {string}
 */
export const momentText = (moment) => {
  const [, day, minute] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)/.exec(textOf(moment)) ?? [];
  return day === undefined ? textOf(moment) : `${day} ${minute} UTC`;
};

/** @type {Readonly<Record<string, string>>} */
const appliedWords = {
  no: 'Nothing was changed.',
  yes: 'The change was made.',
  unknown: 'Whether it was done is not known: look before you do it again.',
};

/**
 * Why there is no result, in words.
 *
 * @param {Answer} answer
 * @returns {string}
 */
export const faultText = ({ status, text }) => {
  let body;
  try {
    body = objectOf(JSON.parse(text));
  } catch {
    body = {};
  }
  const said = textOf(body['error']) || text.trim() || 'The server says nothing more.';
  const sentence = /[.!?]$/.test(said) ? said : `${said}.`;
  const applied = appliedWords[textOf(body['applied'])] ?? '';
  const code = textOf(body['code']);
  const id = textOf(body['requestId']);
  const trace = [code, `status ${status}`, id === '' ? '' : `request ${id}`].filter(Boolean);
  return [sentence, applied, `(${trace.join(', ')})`].filter(Boolean).join(' ');
};

/**
 * What became of a request for data: views of its results, and what is wrong with it as a whole.
 *
 * @param {Answer} answer
 * @param {number} rowsMax of each result that are shown
 * @returns {{ views: ResultView[], fault: string, time: string }}
 */
export const resultsView = (answer, rowsMax = rowsShownMax) => {
  if (answer.status !== 200) return { views: [], fault: faultText(answer), time: '' };
  const body = objectOf(parseExactJson(answer.text));
  return {
    views: listOf(body['results']).map((result) => resultView(result, rowsMax)),
    fault: typeof body['error'] === 'string' ? faultText(answer) : '',
    time: secondsText(body['time']),
  };
};

/**
 * Whether a user with these permissions holds one; `heavy` is not part of `all`.
 *
 * @param {readonly string[]} permissions
 * @param {string} name
 * @returns {boolean}
 */
export const may = (permissions, name) =>
  permissions.includes(name) || (name !== 'heavy' && permissions.includes('all'));

/**
 * The path that a user can send statements to; undefined: none.
 *
 * @param {readonly string[]} permissions
 * @returns {'/db/request' | '/db/query' | '/db/execute' | undefined}
 */
export const dataPath = (permissions) => {
  const reads = may(permissions, 'query');
  const writes = may(permissions, 'execute');
  if (reads) return writes ? '/db/request' : '/db/query';
  return writes ? '/db/execute' : undefined;
};

/**
 * Whether none of the statements can write, as far as their first words say it for certain.
 *
 * @param {readonly string[]} statements
 * @returns {boolean}
 */
export const areReads = (statements) =>
  statements.every((text) => /^(?:SELECT|VALUES|EXPLAIN)\b/i.test(text));

/**
 * A name as SQL has it.
 *
 * @param {string} name
 * @returns {string}
 */
export const quotedName = (name) => `"${name.replaceAll('"', '""')}"`;

/**
 * What a file would do here, as the server tells it: by its first bytes.
 *
 * @param {Uint8Array} start
 * @returns {'database' | 'sql'}
 */
export const kindOfFile = (start) =>
  String.fromCharCode(...start.subarray(0, 13)) === 'SQLite format' ? 'database' : 'sql';

/**
 * @typedef {{ name: string, role: string, reachable: boolean, api: string, version: string,
 *   applied: string, lag: string }} NodeView
 */

/**
 * The nodes of `/nodes?ver=2`, with what `/consistency` knows of how far each has applied the log.
 *
 * @param {unknown} nodes
 * @param {unknown} consistency
 * @returns {NodeView[]}
 */
export const nodeViews = (nodes, consistency) => {
  const { leader, outcomes } = objectOf(consistency);
  const applied = new Map(
    listOf(objectOf(outcomes)['nodes']).map((each) => {
      const { id, applied_index } = objectOf(each);
      return [textOf(id), applied_index];
    }),
  );
  const first = applied.get(textOf(leader));
  return listOf(objectOf(nodes)['nodes']).map((each) => {
    const { id, leader: leads, voter, reachable, api_addr, version, error } = objectOf(each);
    const name = textOf(id);
    const own = applied.get(name);
    const known = typeof own === 'number' && typeof first === 'number';
    const others = voter === true ? 'follower' : 'read replica';
    return {
      name,
      role: leads === true ? 'leader' : others,
      reachable: reachable === true,
      // An address of anything but HTTPS is shown and leads nowhere.
      api: textOf(api_addr),
      version: textOf(version) || textOf(error),
      applied: textOf(own),
      lag: known ? lagText(first - own) : 'not known',
    };
  });
};

/**
 * @param {number} entries
 * @returns {string}
 */
const lagText = (entries) => {
  if (entries <= 0) return 'none';
  return `${entries.toLocaleString('en')} ${entries === 1 ? 'entry' : 'entries'} behind`;
};
