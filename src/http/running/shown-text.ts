// How a statement is shown to others than its sender, in a list or a log: one line, not too long,
// without the values in it. Clients that put parameters into the text by themselves are many.

/** Longer texts are cut, in characters. */
export const shownCharactersMax = 200;

/** So much of a text is looked at: blanks and comments fall away. */
const readCharactersMax = 2000;

/** Literals, quoted names, comments, numbers that are no part of a name or a parameter. */
const pieces =
  /[xX]?'(?:[^']|'')*'?|"(?:[^"]|"")*"?|`(?:[^`]|``)*`?|\[[^\]]*\]?|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|(?<![\w?:@$])\.?\d[\w.]*(?:(?<=[eE])[+-]\d+)?/g;

const shownPiece = (piece: string, hidesDoubleQuoted: boolean): string => {
  if (piece.startsWith('-') || piece.startsWith('/')) return ' ';
  if (piece.startsWith('"')) return hidesDoubleQuoted ? '?' : piece;
  return piece.startsWith('`') || piece.startsWith('[') ? piece : '?';
};

/** White space and control characters. */
const blanks = /[\s\p{Cc}]+/gu;

/**
 * The text with a question mark for each value in it.
 *
 * @param hidesDoubleQuoted `"text"` may be a string here (`compat.doubleQuotedStrings`)
 */
export const shownText = (text: string, hidesDoubleQuoted: boolean): string => {
  const read = text.slice(0, readCharactersMax);
  const line = read
    .replace(pieces, (piece) => shownPiece(piece, hidesDoubleQuoted))
    .replace(blanks, ' ')
    .trim();
  const isWhole = line.length <= shownCharactersMax && read.length === text.length;
  return isWhole ? line : `${line.slice(0, shownCharactersMax)}…`;
};
