// One text of a request, taken apart: its statements, what each is, and which parameters it wants.
// A pure function of the text, so that every replica comes to the same; callers keep the result.
import { classify, type Refusal, type StatementClass } from './statement-class.ts';
import { keywordOf, type Token, tokensOf } from './tokenizer.ts';

/** One statement of a text. */
export interface Piece extends StatementClass {
  readonly text: string;
  readonly tokens: readonly Token[];
  /**
   * Names of the parameters by index less one, without their prefix; undefined for anonymous ones.
   */
  readonly parameters: readonly (string | undefined)[];
  readonly named: boolean;
  /** A RETURNING clause: its rows are the result. */
  readonly returning: boolean;
}

/** Whether running a statement may change the schema or the statistics. */
export const touchesSchema = ({ access, explained }: Piece): boolean =>
  !explained && (access === 'schema' || access === 'maintenance');

/** A text, taken apart. */
export interface StatementText {
  /** Its statements; none for a text of comments and white space only. */
  readonly pieces: readonly Piece[];
  /** The token ROLLBACK or DEFERRED occurs: such a command gets a transaction of its own. */
  readonly solo: boolean;
  /** Something no statement may hold anywhere. */
  readonly refusal: Refusal | undefined;
}

/** Whether the statement that starts here has a body with semicolons of its own. */
const startsTrigger = (text: string, tokens: readonly Token[], from: number): boolean => {
  let at = from;
  if (keywordOf(text, tokens[at]) === 'EXPLAIN') {
    at += keywordOf(text, tokens[at + 1]) === 'QUERY' ? 3 : 1;
  }
  if (keywordOf(text, tokens[at]) !== 'CREATE') return false;
  const next = keywordOf(text, tokens[at + 1]);
  return (
    next === 'TRIGGER' ||
    ((next === 'TEMP' || next === 'TEMPORARY') && keywordOf(text, tokens[at + 2]) === 'TRIGGER')
  );
};

/** Index of the semicolon that ends the statement starting at `from`, or the number of tokens. */
const statementEnd = (text: string, tokens: readonly Token[], from: number): number => {
  const trigger = startsTrigger(text, tokens, from);
  for (let at = from; at < tokens.length; at++) {
    if (tokens[at]?.kind !== 'semicolon') continue;
    const closesBody =
      keywordOf(text, tokens[at - 1]) === 'END' && tokens[at - 2]?.kind === 'semicolon';
    if (!trigger || closesBody) return at;
  }
  return tokens.length;
};

/** SQLite numbers them from 1: `?` the next, `?NNN` that one, a name the first free or its own. */
const parametersOf = (text: string, tokens: readonly Token[]): (string | undefined)[] => {
  const names: (string | undefined)[] = [];
  const indexByName = new Map<string, number>();
  for (const token of tokens) {
    if (token.kind !== 'parameter') continue;
    const raw = text.slice(token.start, token.end);
    if (raw === '?') {
      names.push(undefined);
    } else if (raw.startsWith('?')) {
      const index = Math.min(Number(raw.slice(1)), parameterIndexMax + 1);
      while (names.length < index) names.push(undefined);
      names[index - 1] ??= raw.slice(1);
    } else if (!indexByName.has(raw)) {
      indexByName.set(raw, names.push(raw.slice(1)));
    }
  }
  return names;
};

/** SQLITE_MAX_VARIABLE_NUMBER: beyond it SQLite refuses the statement. */
const parameterIndexMax = 32_766;

const pieceOf = (text: string, tokens: readonly Token[]): Piece => {
  const first = tokens[0]?.start ?? 0;
  const moved = tokens.map(({ kind, start, end }) => ({
    kind,
    start: start - first,
    end: end - first,
  }));
  const own = text.slice(first, tokens.at(-1)?.end ?? first);
  const parameters = parametersOf(own, moved);
  const kind = classify(own, moved);
  return {
    ...kind,
    text: own,
    tokens: moved,
    parameters,
    named: parameters.some((name) => name !== undefined),
    returning:
      kind.access === 'write' && moved.some((token) => keywordOf(own, token) === 'RETURNING'),
  };
};

/** Begins a text that stands for an error; no text of a user may hold this character. */
const errorMark = '\0';

/** A text that does nothing but fail with `message`, on every replica. */
export const recordedError = (message: string): string => `${errorMark}${message}`;

const refusalOfText = (text: string): Refusal | undefined => {
  if (text.startsWith(errorMark)) {
    return { reason: text.slice(errorMark.length), hint: 'this text stands for an error' };
  }
  if (text.includes('\0')) {
    return { reason: 'the text holds a NUL character', hint: 'pass such a value as a parameter' };
  }
  if (!text.isWellFormed()) {
    return { reason: 'the text is not valid Unicode', hint: 'pass bytes as a BLOB parameter' };
  }
  return undefined;
};

const noPieces: readonly Piece[] = [];

/** Takes a text apart. Its cost grows with the length of the text; keep the result by text. */
export const takeApart = (text: string): StatementText => {
  const refusal = refusalOfText(text);
  if (refusal !== undefined) return { pieces: noPieces, solo: false, refusal };
  const tokens = tokensOf(text);
  const pieces: Piece[] = [];
  for (let from = 0; from < tokens.length; ) {
    const end = statementEnd(text, tokens, from);
    if (end > from) pieces.push(pieceOf(text, tokens.slice(from, end)));
    from = end + 1;
  }
  return { pieces, solo: hasSoloToken(text, tokens), refusal: illegalIn(text, tokens) };
};

/**
 * A disguise that SQLite accepts and we do not: a byte order mark. Every other illegal token is
 * illegal for SQLite as well and becomes its own error message.
 */
const illegalIn = (text: string, tokens: readonly Token[]): Refusal | undefined => {
  for (const { kind, start, end } of tokens) {
    if (kind !== 'illegal') continue;
    if (text.slice(start, end).includes('\ufeff')) {
      return { reason: 'the text holds a byte order mark', hint: 'remove U+FEFF' };
    }
    if (text.startsWith('/*', start)) {
      return { reason: 'a comment is not closed', hint: 'close it with */' };
    }
  }
  return undefined;
};

/** Tokens after which a statement may end or fail the transaction around it. */
export const hasSoloToken = (text: string, tokens: readonly Token[]): boolean =>
  tokens.some((token) => {
    const word = keywordOf(text, token);
    return word === 'ROLLBACK' || word === 'DEFERRED';
  });
