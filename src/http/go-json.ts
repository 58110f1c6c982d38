// JSON as rqlite's server writes it, where that differs from JSON.stringify: escaped `<`, `>`, `&`,
// and the layout of `pretty`. Neither ever parses a number, so every digit survives.

const escaped = /[<>&\u2028\u2029]/g;

/** A JSON string, with the characters escaped that Go escapes for HTML's sake. */
export const goJsonString = (text: string): string =>
  JSON.stringify(text).replace(
    escaped,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Strings as a whole, brackets, commas, colons, and whatever else there is in between. */
const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^"{}[\],:]+/g;
const indent = '    ';

/**
 * Compact JSON laid out in lines: four spaces a level, `": "`, empty lists and objects in one
 * piece.
 */
export const prettyJson = (compact: string): string => {
  const out: string[] = [];
  let level = 0;
  let opened = false;
  for (const [piece] of compact.matchAll(token)) {
    const opens = piece === '{' || piece === '[';
    const closes = piece === '}' || piece === ']';
    if (closes) level -= 1;
    if (opened !== closes) out.push('\n', indent.repeat(level));
    out.push(piece === ':' ? ': ' : piece);
    if (piece === ',') out.push('\n', indent.repeat(level));
    if (opens) level += 1;
    opened = opens;
  }
  return out.join('');
};
