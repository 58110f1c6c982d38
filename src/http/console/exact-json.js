// JSON with every digit of every number: SQLite's integers have 64 bits, a number of JavaScript has
// 53, and a REAL that reads 1.0 is not the INTEGER 1.

/** A number as the server wrote it, where JavaScript would write it otherwise. */
export class NumberText {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }

  toString() {
    return this.text;
  }
}

/**
 * @param {string} _key
 * @param {unknown} value
 * @param {{ readonly source?: string } | undefined} context what stood in the text
 * @returns {unknown}
 */
const exactly = (_key, value, context) => {
  if (typeof value !== 'number') return value;
  const source = context?.source;
  if (source === undefined) throw new Error(tooOld);
  return String(value) === source ? value : new NumberText(source);
};

const tooOld =
  'This browser cannot show numbers exactly; it is older than Chrome 114, Firefox 135 or Safari 18.4';

/**
 * Parses JSON. Numbers that would not be written as they stood become a `NumberText`.
 *
 * @param {string} text
 * @returns {unknown}
 * @throws {SyntaxError} when it is no JSON; Error when the browser cannot tell how numbers stood
 */
export const parseExactJson = (text) =>
  JSON.parse(text, /** @type {(key: string, value: unknown) => unknown} */ (exactly));
