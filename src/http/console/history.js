// What was run, for as long as the tab is open: the storage is the session's, and nothing but the
// texts of statements goes into it.

const key = 'stockade-history';
/** Texts kept; the oldest go first. */
const textsMax = 50;
/** Characters of a text that is kept; a longer one is a bulk, nothing to run again by hand. */
const charactersMax = 20_000;

/**
 * The texts, newest first.
 *
 * @param {Pick<Storage, 'getItem'>} storage
 * @returns {string[]}
 */
export const historyIn = (storage) => {
  try {
    const kept = JSON.parse(storage.getItem(key) ?? '[]');
    return Array.isArray(kept) ? kept.filter((text) => typeof text === 'string') : [];
  } catch {
    return [];
  }
};

/**
 * Puts a text first; one that was there already moves up. A storage that is full or forbidden keeps
 * nothing.
 *
 * @param {Pick<Storage, 'getItem' | 'setItem'>} storage
 * @param {string} text
 */
export const remember = (storage, text) => {
  if (text.length > charactersMax) return;
  const others = historyIn(storage).filter((other) => other !== text);
  try {
    storage.setItem(key, JSON.stringify([text, ...others].slice(0, textsMax)));
  } catch {
    // The statement was run; only its text is not offered again.
  }
};
