// What a schema statement may not put into the schema, read from its tokens: SQLite reports the
// functions of defaults, views and triggers only when they are used, and never what a string names.
import { functionAllowed, listedFunctions, timeFunctionNames } from './function-list.ts';
import { isDeniedName, type Refusal } from './statement-class.ts';
import type { Piece } from './statement-text.ts';
import { keywordOf, nameOf, type Token } from './tokenizer.ts';

const refusal = (reason: string, hint: string): Refusal => ({ reason, hint });

/** Words behind which a name with a parenthesis is a table or a module, not a call. */
const beforeNames = new Set(['TABLE', 'EXISTS', 'INTO', 'ON', 'REFERENCES', 'USING']);

/** A function that is called in the text and that no write may use. */
const forbiddenFunction = (piece: Piece): string | undefined => {
  for (const [at, token] of piece.tokens.entries()) {
    if (piece.tokens[at + 1]?.kind !== 'open') continue;
    const name = nameOf(piece.text, token);
    if (beforeNames.has(keywordOf(piece.text, piece.tokens[at - 1]))) continue;
    if (listedFunctions.has(name) && !functionAllowed(name, true)) return name;
  }
  return undefined;
};

/** A string can name a table: the content table of a full-text index, a quoted name. */
const forbiddenString = (piece: Piece): string | undefined =>
  piece.tokens
    .filter(({ kind }) => kind === 'string')
    .map((token) => nameOf(piece.text, token))
    .find(isDeniedName);

/** Index of the parenthesis that closes the one at `open`. */
const closeOf = (tokens: readonly Token[], open: number): number => {
  let depth = 0;
  for (let at = open; at < tokens.length; at++) {
    if (tokens[at]?.kind === 'open') depth += 1;
    if (tokens[at]?.kind === 'close') depth -= 1;
    if (depth === 0) return at;
  }
  return tokens.length;
};

/** The arguments of the call whose parenthesis opens at `open`. */
const argumentsOf = (tokens: readonly Token[], open: number): readonly (readonly Token[])[] => {
  const found: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens.slice(open + 1, closeOf(tokens, open))) {
    if (token.kind === 'open') depth += 1;
    if (token.kind === 'close') depth -= 1;
    if (token.kind === 'comma' && depth === 0) found.push([]);
    else found.at(-1)?.push(token);
  }
  return found;
};

/** Whether an argument is a constant that does not mean the time of the entry. */
const isFixedTime = (text: string, argument: readonly Token[] | undefined): boolean => {
  const [token] = argument ?? [];
  if (token === undefined || argument?.length !== 1) return false;
  if (token.kind === 'number') return true;
  return token.kind === 'string' && !['now', 'subsec', 'subsecond'].includes(nameOf(text, token));
};

/** These modifiers take a number for the time; of the text 'now' they make NULL. */
const wantsNumber = (text: string, argument: readonly Token[] | undefined): boolean =>
  argument?.length === 1 &&
  argument[0]?.kind === 'string' &&
  ['unixepoch', 'julianday'].includes(nameOf(text, argument[0]));

const isSafeCall = (
  name: string,
  text: string,
  tokens: readonly Token[],
  open: number,
): boolean => {
  const given = argumentsOf(tokens, open);
  if (name === 'timediff') {
    return given.length === 2 && given.every((one) => isFixedTime(text, one));
  }
  const at = name === 'strftime' ? 1 : 0;
  return isFixedTime(text, given[at]) || wantsNumber(text, given[at + 1]);
};

/**
 * A time function whose value would be stored or checked again later: it must not mean the time of
 * the entry, which is another one then (one INSERT would corrupt an index). Defaults are not kept.
 */
const movingTime = (piece: Piece): string | undefined => {
  const { text, tokens } = piece;
  for (let at = 0; at < tokens.length; at++) {
    if (keywordOf(text, tokens[at]) === 'DEFAULT') {
      at = tokens[at + 1]?.kind === 'open' ? closeOf(tokens, at + 1) : at + 1;
      continue;
    }
    const token = tokens[at];
    const name = token?.kind === 'word' ? nameOf(text, token) : '';
    if (!timeFunctionNames.has(name)) continue;
    if (name.startsWith('current_')) return name;
    if (tokens[at + 1]?.kind === 'open' && !isSafeCall(name, text, tokens, at + 1)) return name;
  }
  return undefined;
};

/** Index of the AS in CREATE TABLE ... AS or CREATE VIEW ... AS; -1 when there is none. */
const asOf = ({ text, tokens }: Piece): number => {
  let depth = 0;
  for (const [at, token] of tokens.entries()) {
    if (token.kind === 'open') depth += 1;
    else if (token.kind === 'close') depth -= 1;
    else if (depth === 0 && keywordOf(text, token) === 'AS') return at;
  }
  return -1;
};

const second = (piece: Piece): string => keywordOf(piece.text, piece.tokens[1]);

/** What CREATE TABLE AS or CREATE VIEW selects. */
export interface SelectedText {
  readonly select: string;
  /**
   * The statement for a database without rows: the query of a table is not run, it could never end.
   */
  readonly emptied: string;
  /** The names of the columns are those of the query. */
  readonly namesColumns: boolean;
  /** Its rows are stored: it is no view. */
  readonly fillsTable: boolean;
}

/** The query in CREATE TABLE AS or CREATE VIEW; undefined for other statements. */
export const selectedText = (piece: Piece): SelectedText | undefined => {
  if (piece.verb !== 'CREATE' || !['TABLE', 'VIEW'].includes(second(piece))) return undefined;
  const as = asOf(piece);
  const end = piece.tokens[as]?.end;
  if (end === undefined) return undefined;
  const select = piece.text.slice(end);
  const namesColumns = !piece.tokens.slice(0, as).some(({ kind }) => kind === 'open');
  const fillsTable = second(piece) === 'TABLE';
  const emptied = fillsTable
    ? `${piece.text.slice(0, end)} SELECT * FROM (${select}\n) LIMIT 0`
    : piece.text;
  return { select, emptied, namesColumns, fillsTable };
};

/** Whether what the text says is stored and evaluated again: indexes, checks, generated columns. */
const isKept = (piece: Piece): boolean => {
  if (piece.verb === 'ALTER') return true;
  if (piece.verb !== 'CREATE') return false;
  const kind = second(piece);
  return kind === 'INDEX' || kind === 'UNIQUE' || (kind === 'TABLE' && asOf(piece) < 0);
};

/** A column name that occurs twice: SQLite draws the name of the later one at random. */
export const repeatedName = (names: readonly string[]): string | undefined => {
  const lower = names.map((name) => name.toLowerCase());
  return names.find((_name, at) => lower.indexOf(lower[at] ?? '') < at);
};

/** Why this statement may not change the schema; undefined when it may. */
export const refuseSchemaText = (piece: Piece): Refusal | undefined => {
  const called = forbiddenFunction(piece);
  if (called !== undefined) {
    return refusal(
      `the function ${called}() may differ between nodes`,
      'leave it out of the schema',
    );
  }
  const string = forbiddenString(piece);
  if (string !== undefined) return refusal(`the name ${string} is reserved`, 'use another name');
  const time = isKept(piece) ? movingTime(piece) : undefined;
  if (time === undefined) return undefined;
  return refusal(
    `${time} could mean the current time in an index, a check or a generated column`,
    "add the modifier 'unixepoch' or 'julianday', or store the value in a column",
  );
};
