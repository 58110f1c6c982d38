// A backup to take along, and the way back: a restore takes the place of the whole database, so the
// user types which one is meant.
import { ask } from './api.js';
import { announce, begins, element, faultLine, part } from './elements.js';
import { kindOfFile, may, resultsView } from './present.js';

const startBytes = 16;

/** As in the names of backups that the server makes: no colon, which some systems do not take. */
const moment = () => new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '');

/** @param {readonly string[]} permissions */
const showBackup = (permissions) => {
  const place = part('backup-links', HTMLElement);
  if (!may(permissions, 'backup')) {
    place.replaceChildren(
      faultLine('You may not take a backup: that takes the permission backup.'),
    );
    return;
  }
  /**
   * @param {string} text
   * @param {string} query
   * @param {string} ending
   */
  const link = (text, query, ending) => {
    const made = element('a', { href: `/db/backup${query}` }, text);
    made.addEventListener('click', () => {
      made.download = `stockade-${moment()}.${ending}`;
    });
    return element('li', {}, made);
  };
  place.replaceChildren(
    element(
      'ul',
      {},
      link('the database as a file', '', 'sqlite'),
      link('the same, compressed', '?compress', 'sqlite.gz'),
      link('as SQL', '?fmt=sql', 'sql'),
    ),
  );
};

/** @param {File} file */
const describe = async (file) => {
  const start = new Uint8Array(await file.slice(0, startBytes).arrayBuffer());
  const size = `${file.size.toLocaleString('en')} bytes`;
  return kindOfFile(start) === 'database'
    ? `A database file of ${size}: it takes the place of the whole database, on every node. What is there now is gone.`
    : `No database file, ${size}: it is run as SQL text on the database that is there.`;
};

/** @param {File} file */
const load = async (file) => {
  announce(`sending ${file.name} …`);
  const type = 'application/octet-stream';
  const answer = await ask('/db/load?timings', { method: 'POST', body: file, type });
  const { views, fault, time } = resultsView(answer);
  const failed = views.flatMap((view) => (view.kind === 'error' ? [view.text] : []));
  const why = [fault, ...failed].filter(Boolean).join(' ');
  const said =
    why === '' ? `${file.name} was loaded, ${time}` : `${file.name} was not loaded. ${why}`;
  announce(said);
  const outcome = part('restore-outcome', HTMLElement);
  outcome.replaceChildren(why === '' ? element('p', { class: 'good' }, said) : faultLine(said));
};

/** @param {readonly string[]} permissions */
const openRestore = (permissions) => {
  const words = part('restore-words', HTMLElement);
  if (!may(permissions, 'load')) {
    part('restore-controls', HTMLElement).hidden = true;
    words.replaceChildren(faultLine('You may not restore: that takes the permission load.'));
    return;
  }
  const chosen = part('restore-file', HTMLInputElement);
  const typed = part('restore-confirmation', HTMLInputElement);
  const press = part('restore', HTMLButtonElement);
  const { host } = location;
  part('restore-host', HTMLElement).textContent = host;
  const file = () => chosen.files?.[0];
  const look = () => {
    press.disabled = typed.value !== host || file() === undefined;
  };
  typed.addEventListener('input', look);
  const say = begins(async () => {
    typed.value = '';
    look();
    const given = file();
    words.textContent = given === undefined ? '' : await describe(given);
  });
  const restore = begins(async () => {
    const given = file();
    if (given === undefined || typed.value !== host) return;
    // One confirmation is for one restore.
    typed.value = '';
    look();
    await load(given);
  });
  chosen.addEventListener('change', say);
  press.addEventListener('click', restore);
  look();
};

/**
 * Opens both for a user of these permissions.
 *
 * @param {readonly string[]} permissions
 */
export const openBackup = (permissions) => {
  showBackup(permissions);
  openRestore(permissions);
};
