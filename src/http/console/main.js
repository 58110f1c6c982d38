// The console: one page, four parts, of which one is shown. The part is named behind the # of the
// address, so that it can be linked to and the browser's way back works.
import { ask } from './api.js';
import { openBackup } from './backup.js';
import { showCluster } from './cluster.js';
import { announce, begins, onPress, part } from './elements.js';
import { faultText, listOf, objectOf, textOf } from './present.js';
import { edit, openQuery } from './query.js';
import { showSchema } from './schema.js';

const names = ['query', 'schema', 'cluster', 'backup'];

const shownName = () => {
  const wanted = location.hash.slice(1);
  return names.includes(wanted) ? wanted : 'query';
};

const clusterIsShown = () => shownName() === 'cluster' && document.visibilityState === 'visible';

/** @param {readonly string[]} permissions */
const schema = (permissions) =>
  showSchema(permissions, (sql) => {
    location.hash = 'query';
    edit(sql);
  });

/** @param {readonly string[]} permissions */
const cluster = (permissions) => showCluster(permissions, clusterIsShown);

/** @param {readonly string[]} permissions */
const show = async (permissions) => {
  const name = shownName();
  for (const each of names) {
    part(`part-${each}`, HTMLElement).hidden = each !== name;
    const link = part(`to-${each}`, HTMLAnchorElement);
    if (each === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  announce('');
  if (name === 'schema') await schema(permissions);
  if (name === 'cluster') await cluster(permissions);
};

const open = async () => {
  part('host', HTMLElement).textContent = location.host;
  const answer = await ask('/whoami');
  if (answer.status !== 200) {
    announce(faultText(answer));
    return;
  }
  const { user, permissions } = objectOf(JSON.parse(answer.text));
  const own = listOf(permissions).map(textOf);
  part('user', HTMLElement).textContent = textOf(user);
  openQuery(own);
  openBackup(own);
  onPress(part('refresh-schema', HTMLButtonElement), () => schema(own));
  onPress(part('refresh-cluster', HTMLButtonElement), () => cluster(own));
  const shown = begins(() => show(own));
  addEventListener('hashchange', shown);
  document.addEventListener('visibilitychange', () => {
    if (clusterIsShown()) shown();
  });
  await show(own);
};

begins(open)();
