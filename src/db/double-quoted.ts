// The compatibility switch for double-quoted strings: rqlite's SQLite takes "text" for a string
// where no column has that name. Ours does not, so the text is rewritten, before it is judged and
// goes into the log: replicas run the same text, whatever their settings are. Never inside DDL,
// where SQLite would keep the meaning of a name for later.
import type { Piece } from './statement-text.ts';
import { keywordOf } from './tokenizer.ts';

/** SQLite's error for a name in double quotes that is no column; it holds the name unquoted. */
const misquotedError =
  /^no such column: "(.*)" - should this be a string literal in single-quotes\?$/s;

/** Preparing once for each name and each of its places: bounds what one statement may cost. */
const placesMax = 256;

/** Prepares a text without running it; SQLite's error, or undefined when there is none. */
export type ErrorOf = (text: string) => string | undefined;

const unquoted = (raw: string): string => raw.slice(1, -1).replaceAll('""', '"');

/** Places in double quotes where a string could stand, with what it would be; by token. */
const placesIn = ({ text, tokens }: Piece): ReadonlyMap<number, string> => {
  const places = new Map<number, string>();
  for (const [at, { kind, start, end }] of tokens.entries()) {
    if (kind !== 'name' || text[start] !== '"') continue;
    const before = tokens[at - 1];
    const after = tokens[at + 1]?.kind;
    // Part of a qualified name, a function, an alias.
    if (before?.kind === 'dot' || keywordOf(text, before) === 'AS') continue;
    if (after === 'dot' || after === 'open') continue;
    places.set(at, unquoted(text.slice(start, end)));
  }
  return places;
};

/** The text with strings at the chosen places. */
const rewritten = (
  { text, tokens }: Piece,
  places: ReadonlyMap<number, string>,
  chosen: ReadonlySet<number>,
): string => {
  let result = '';
  let copied = 0;
  for (const [at, { start, end }] of tokens.entries()) {
    if (!chosen.has(at)) continue;
    const value = places.get(at) ?? '';
    result += `${text.slice(copied, start)}'${value.replaceAll("'", "''")}'`;
    copied = end;
  }
  return result + text.slice(copied);
};

/**
 * The statement with single quotes where SQLite would take what stands in double quotes for a
 * string; undefined when `message`, its error as it is, is another one or does not go away.
 */
export const withStrings = (
  piece: Piece,
  message: string,
  errorOf: ErrorOf,
): string | undefined => {
  if (piece.access !== 'read' && piece.access !== 'write') return undefined;
  const places = placesIn(piece);
  const chosen = new Set<number>();
  let error: string | undefined = message;
  while (error !== undefined) {
    const name = misquotedError.exec(error)?.[1];
    const before = chosen.size;
    for (const [at, value] of places) if (value === name) chosen.add(at);
    if (chosen.size === before || chosen.size > placesMax) return undefined;
    error = errorOf(rewritten(piece, places, chosen));
  }
  keepNames(piece, places, chosen, errorOf);
  return rewritten(piece, places, chosen);
};

/** The same word may be a string in one place and a column in another: that one stays a name. */
const keepNames = (
  piece: Piece,
  places: ReadonlyMap<number, string>,
  chosen: Set<number>,
  errorOf: ErrorOf,
): void => {
  for (const at of [...chosen]) {
    const alone = ![...chosen].some(
      (other) => other !== at && places.get(other) === places.get(at),
    );
    if (alone) continue;
    chosen.delete(at);
    if (errorOf(rewritten(piece, places, chosen)) !== undefined) chosen.add(at);
  }
};
