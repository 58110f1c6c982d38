// The only way anything is put into the page: elements by name, texts as texts. What comes from the
// server never becomes HTML.

/**
 * @typedef {Node | string} Content
 * @typedef {'type' | 'href' | 'download' | 'rel' | 'target' | 'title' | 'scope'} AttributeName
 * @typedef {Partial<Record<AttributeName | 'class', string>>} Attributes
 */

/**
 * A new element.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Attributes} given
 * @param {...Content} contents texts are put in as texts
 * @returns {HTMLElementTagNameMap[Name]}
 */
export const element = (name, given = {}, ...contents) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    made.setAttribute(key, value);
  }
  made.append(...contents);
  return made;
};

/**
 * A table that can be moved sideways by itself.
 *
 * @param {readonly string[]} headings
 * @param {readonly (readonly (Content | undefined)[])[]} rows
 * @returns {HTMLElement}
 */
export const table = (headings, rows) => {
  const head = headings.map((heading) => element('th', { scope: 'col' }, heading));
  const body = rows.map((row) =>
    element('tr', {}, ...row.map((content) => element('td', {}, content ?? ''))),
  );
  const made = element(
    'table',
    {},
    element('thead', {}, element('tr', {}, ...head)),
    element('tbody', {}, ...body),
  );
  const frame = element('div', { class: 'wide' }, made);
  // Who has no mouse moves it with the arrow keys.
  frame.tabIndex = 0;
  return frame;
};

/**
 * A sentence about something that failed.
 *
 * @param {string} text
 * @returns {HTMLElement}
 */
export const faultLine = (text) => element('p', { class: 'fault' }, text);

/**
 * An element of the page that is known to be there.
 *
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 * @returns {Kind}
 */
export const part = (id, kind) => {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
};

/**
 * Says something to those who look and to those who listen.
 *
 * @param {string} text
 */
export const announce = (text) => {
  part('announcement', HTMLElement).textContent = text;
};

/**
 * Something that may take a while, as a listener: what goes wrong in it is said.
 *
 * @param {() => void | Promise<void>} work
 * @returns {() => void}
 */
export const begins = (work) => () => {
  const said = (/** @type {unknown} */ error) => {
    announce(`This did not work: ${error instanceof Error ? error.message : 'nobody knows why'}`);
  };
  Promise.resolve().then(work).catch(said);
};

/**
 * Lets a button do something when it is pressed; not again while that is under way.
 *
 * @param {HTMLButtonElement} pressed
 * @param {() => void | Promise<void>} work
 */
export const onPress = (pressed, work) => {
  const once = async () => {
    pressed.disabled = true;
    try {
      await work();
    } finally {
      pressed.disabled = false;
    }
  };
  pressed.addEventListener('click', begins(once));
};

/**
 * A button that does something.
 *
 * @param {string} text
 * @param {() => void | Promise<void>} work
 * @returns {HTMLButtonElement}
 */
export const button = (text, work) => {
  const made = element('button', { type: 'button' }, text);
  onPress(made, work);
  return made;
};
