// The cluster as this node sees it: who leads, who is behind, alarms, certificates, what runs.
import { ask, askJson } from './api.js';
import { announce, begins, button, element, faultLine, part, table } from './elements.js';
import { faultText, listOf, may, momentText, nodeViews, objectOf, textOf } from './present.js';

const everyMs = 5000;

/** @typedef {import('./elements.js').Content} Content */

/**
 * @param {string} title
 * @param {...Content} contents
 */
const block = (title, ...contents) => element('section', {}, element('h3', {}, title), ...contents);

/**
 * @param {string} title
 * @param {string} fault
 * @param {() => Content} contents
 */
const blockOr = (title, fault, contents) =>
  block(title, fault === '' ? contents() : faultLine(fault));

/**
 * @param {string} api
 * @returns {Content}
 */
const consoleLink = (api) =>
  api.startsWith('https://')
    ? element('a', { href: `${api}/console/`, target: '_blank', rel: 'noreferrer noopener' }, api)
    : api;

/**
 * @param {unknown} nodes
 * @param {unknown} consistency
 */
const nodesTable = (nodes, consistency) =>
  table(
    ['node', 'role', 'answers', 'lag', 'applied', 'its console', 'version'],
    nodeViews(nodes, consistency).map(({ name, role, reachable, lag, applied, api, version }) => [
      element('b', {}, name),
      role,
      element('span', { class: reachable ? 'good' : 'bad' }, reachable ? 'yes' : 'no'),
      lag,
      applied,
      consoleLink(api),
      version,
    ]),
  );

/** @param {unknown} status */
const alarmList = (status) => {
  const alarms = listOf(objectOf(status)['alarms']).map(objectOf);
  if (alarms.length === 0) return element('p', { class: 'good' }, 'none at this node');
  const rows = alarms.map(({ name, message, since }) => [
    textOf(name),
    textOf(message),
    momentText(since),
  ]);
  return table(['alarm', 'what', 'since'], rows);
};

/** @param {unknown} status */
const certificateTable = (status) =>
  table(
    ['certificate', 'days left', 'state', 'ends'],
    listOf(objectOf(status)['certificates'])
      .map(objectOf)
      .map(({ name, days_left, state, not_after }) => [
        textOf(name),
        textOf(days_left),
        element('span', { class: state === 'good' ? 'good' : 'bad' }, textOf(state)),
        momentText(not_after),
      ]),
  );

/** @param {string} id */
const kill = async (id) => {
  const answer = await ask(`/queries/${encodeURIComponent(id)}`, { method: 'DELETE' });
  announce(answer.status === 200 ? `request ${id} was ended` : faultText(answer));
  // Away from the button, which goes with the next look.
  part('refresh-cluster', HTMLButtonElement).focus();
};

/**
 * @param {unknown} queries
 * @param {boolean} mayKill
 */
const queryTable = (queries, mayKill) => {
  const running = listOf(objectOf(queries)['queries']).map(objectOf);
  if (running.length === 0) return element('p', {}, 'none at this node');
  const rows = running.map(({ id, user, state, ms, text }) => [
    textOf(user),
    textOf(state),
    `${textOf(ms)} ms`,
    element('code', {}, textOf(text)),
    mayKill ? button('end it', () => kill(textOf(id))) : '',
  ]);
  const rights = mayKill
    ? []
    : [element('p', { class: 'note' }, 'Ending one takes the permission kill.')];
  return element('div', {}, table(['user', 'state', 'for', 'statement', ''], rows), ...rights);
};

const readiness = async () => {
  const answer = await ask('/readyz');
  const known = answer.status === 200 || answer.status === 503;
  // A line for each part of the node; an error of another kind is JSON.
  if (!known || answer.text.startsWith('{')) return faultLine(faultText(answer));
  return element('pre', { class: answer.status === 200 ? 'good' : 'bad' }, answer.text);
};

/** @param {readonly string[]} permissions */
const contents = async (permissions) => {
  if (!may(permissions, 'status')) {
    const words = 'You may not see the cluster: that takes the permission status.';
    return [faultLine(words), block('This node', await readiness())];
  }
  const [nodes, consistency, status, queries, ready] = await Promise.all([
    askJson('/nodes?ver=2&nonvoters&timeout=3s'),
    askJson('/consistency?timeout=3s'),
    askJson('/status'),
    askJson('/queries'),
    readiness(),
  ]);
  const version = textOf(objectOf(objectOf(status.value)['build'])['version']);
  const node = textOf(objectOf(objectOf(status.value)['store'])['node_id']);
  return [
    blockOr('Nodes', nodes.fault, () => nodesTable(nodes.value, consistency.value)),
    ...(consistency.fault === '' ? [] : [faultLine(`Lag is not known: ${consistency.fault}`)]),
    block(node === '' ? 'This node' : `This node: ${node}, version ${version}`, ready),
    blockOr('Alarms', status.fault, () => alarmList(status.value)),
    blockOr('Certificates', status.fault, () => certificateTable(status.value)),
    blockOr('Under way', queries.fault, () => queryTable(queries.value, may(permissions, 'kill'))),
  ];
};

let turn = 0;

/**
 * Shows the cluster, and again every few seconds as long as `isShown`.
 *
 * @param {readonly string[]} permissions
 * @param {() => boolean} isShown
 */
export const showCluster = async (permissions, isShown) => {
  turn += 1;
  const own = turn;
  const place = part('cluster-parts', HTMLElement);
  const shown = await contents(permissions);
  if (own !== turn) return;
  // Who is about to press a button must not have it taken away.
  if (!place.contains(document.activeElement)) place.replaceChildren(...shown);
  const again = async () => {
    if (own === turn && isShown()) await showCluster(permissions, isShown);
  };
  setTimeout(begins(again), everyMs);
};
