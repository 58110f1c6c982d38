// The editor and its results.
import { run } from './api.js';
import { announce, begins, element, faultLine, part, table } from './elements.js';
import { historyIn, remember } from './history.js';
import { dataPath, resultsView } from './present.js';
import { splitStatements } from './split-statements.js';

/** @typedef {import('./present.js').Cell} Cell */
/** @typedef {import('./present.js').ResultView} ResultView */

const editor = () => part('editor', HTMLTextAreaElement);
const level = () => part('level', HTMLSelectElement);

/**
 * @param {Cell} cell
 * @returns {HTMLElement}
 */
const cellElement = ({ kind, text, whole, note }) => {
  const shown = element('span', { class: kind }, text);
  if (note === undefined) return shown;
  const length = element('small', {}, ` ${note}`);
  if (whole === undefined) return element('span', {}, shown, length);
  const opened = element('span', { class: 'text' }, whole);
  return element('details', {}, element('summary', {}, shown, length), opened);
};

/**
 * @param {ResultView} view
 * @param {string} statement
 * @returns {HTMLElement}
 */
const resultElement = (view, statement) => {
  const heading = element('h3', {}, element('code', {}, statement));
  if (view.kind === 'error') return element('section', {}, heading, faultLine(view.text));
  const note = element('p', { class: 'note' }, view.note);
  if (view.kind === 'done') return element('section', {}, heading, note);
  const { columns, types, rows } = view;
  const headings = columns.map((name, at) => `${name}${types[at] ? ` · ${types[at]}` : ''}`);
  const cells = rows.map((row) => row.map(cellElement));
  return element('section', {}, heading, note, table(headings, cells));
};

const shortened = (/** @type {string} */ text) => {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > 120 ? `${line.slice(0, 120)}…` : line;
};

const showHistory = () => {
  const list = part('history', HTMLSelectElement);
  const options = historyIn(sessionStorage).map((text) => {
    const option = element('option', {}, shortened(text));
    option.value = text;
    return option;
  });
  const first = element('option', {}, options.length === 0 ? 'nothing yet' : 'run before …');
  first.value = '';
  list.replaceChildren(first, ...options);
};

/** What is selected, or everything. */
const textToRun = () => {
  const { value, selectionStart, selectionEnd } = editor();
  return selectionStart === selectionEnd ? value : value.slice(selectionStart, selectionEnd);
};

/**
 * @param {readonly string[]} permissions
 */
const runEditor = async (permissions) => {
  const results = part('results', HTMLElement);
  const path = dataPath(permissions);
  const text = textToRun();
  const statements = splitStatements(text);
  if (path === undefined || statements.length === 0) {
    announce(path === undefined ? 'You may not run statements.' : 'There is no statement to run.');
    return;
  }
  announce(`running ${statements.length} statement${statements.length === 1 ? '' : 's'} …`);
  const transaction = part('transaction', HTMLInputElement).checked;
  const started = performance.now();
  const answer = await run(path, statements, { level: level().value, transaction });
  const waited = `${(performance.now() - started).toFixed(0)} ms with the way there and back`;
  remember(sessionStorage, text);
  showHistory();
  const { views, fault, time } = resultsView(answer);
  const shown = views.map((view, at) => resultElement(view, statements[at] ?? ''));
  results.replaceChildren(...(fault === '' ? [] : [faultLine(fault)]), ...shown);
  const failed = fault !== '' || views.some(({ kind }) => kind === 'error');
  announce(
    `${failed ? 'failed' : 'done'}: ${time === '' ? '' : `${time} in the server, `}${waited}`,
  );
};

/**
 * Puts a text into the editor.
 *
 * @param {string} text
 */
export const edit = (text) => {
  editor().value = text;
  editor().focus();
};

/**
 * Opens the editor for a user of these permissions.
 *
 * @param {readonly string[]} permissions
 */
export const openQuery = (permissions) => {
  const path = dataPath(permissions);
  const words = part('query-rights', HTMLElement);
  if (path === undefined) {
    words.textContent = 'You may neither read nor write here: that takes query, execute or both.';
  } else if (path !== '/db/request') {
    const only = path === '/db/query' ? 'only read' : 'only write';
    words.textContent = `You may ${only} here: your user does not hold query and execute both.`;
  }
  const press = part('run', HTMLButtonElement);
  press.disabled = path === undefined;
  const start = begins(async () => {
    if (press.disabled) return;
    press.disabled = true;
    try {
      await runEditor(permissions);
    } finally {
      press.disabled = false;
    }
  });
  press.addEventListener('click', start);
  editor().addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    start();
  });
  const list = part('history', HTMLSelectElement);
  list.addEventListener('change', () => {
    if (list.value !== '') edit(list.value);
    list.value = '';
  });
  showHistory();
};
