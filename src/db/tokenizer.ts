// SQL text to tokens, by SQLite's own rules (its tokenizer is the reference): what counts as white
// space, as a comment, as a name or as a literal here must count as the same there, or the guard
// judges another statement than the one that runs. Deviations err towards `illegal`.

/** What a token is. `word` is unquoted (keyword or name), `name` is quoted with ", ` or []. */
export type TokenKind =
  | 'word'
  | 'name'
  | 'string'
  | 'blob'
  | 'number'
  | 'parameter'
  | 'semicolon'
  | 'open'
  | 'close'
  | 'comma'
  | 'dot'
  | 'operator'
  | 'illegal';

/** One token: its place in the text, as UTF-16 offsets. */
export interface Token {
  readonly kind: TokenKind;
  readonly start: number;
  readonly end: number;
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** SQLite's IdChar: letters, digits, underscore, dollar and everything beyond ASCII. */
const isNameCode = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) ||
  (code >= 0x41 && code <= 0x5a) ||
  isDigit(code) ||
  code === 0x5f ||
  code === 0x24 ||
  code >= 0x80;

/** Space, tab, newline, form feed, carriage return; the vertical tab is none. */
const isSpace = (code: number): boolean =>
  code === 0x20 || (code >= 0x09 && code <= 0x0d && code !== 0x0b);

const nameEnd = (text: string, from: number): number => {
  let at = from;
  while (at < text.length && isNameCode(text.charCodeAt(at))) at += 1;
  return at;
};

/** The offset after the closing `quote`, doubled ones skipped; -1 when there is none. */
const quotedEnd = (text: string, start: number, quote: string): number => {
  for (let at = start + 1; ; at += 2) {
    at = text.indexOf(quote, at);
    if (at < 0) return -1;
    if (text[at + 1] !== quote) return at + 1;
  }
};

const quoted = (text: string, start: number, quote: string, kind: TokenKind): Token => {
  const end = quotedEnd(text, start, quote);
  return end < 0 ? { kind: 'illegal', start, end: text.length } : { kind, start, end };
};

const numberPattern =
  /(?:0[xX][0-9a-fA-F](?:_?[0-9a-fA-F])*|(?:\d(?:_?\d)*)?(?:\.(?:\d(?:_?\d)*)?)?(?:[eE][+-]?\d(?:_?\d)*)?)/y;

const numberToken = (text: string, start: number): Token => {
  numberPattern.lastIndex = start;
  numberPattern.test(text);
  const end = numberPattern.lastIndex;
  // `12abc` is one unrecognised token for SQLite, not a number and a name.
  if (end < text.length && isNameCode(text.charCodeAt(end))) {
    return { kind: 'illegal', start, end: nameEnd(text, end) };
  }
  return { kind: 'number', start, end };
};

/** `?`, `?12`, `:name`, `@name`, `$name`; SQLite's TCL forms `$a::b(c)` are refused as illegal. */
const parameterToken = (text: string, start: number): Token => {
  if (text[start] === '?') {
    let end = start + 1;
    while (isDigit(text.charCodeAt(end))) end += 1;
    return { kind: 'parameter', start, end };
  }
  const end = nameEnd(text, start + 1);
  const tcl = text[end] === '(' || (text[end] === ':' && text[end + 1] === ':');
  return { kind: end === start + 1 || tcl ? 'illegal' : 'parameter', start, end };
};

const blobPattern = /[xX]'(?:[0-9a-fA-F]{2})*'/y;

const wordToken = (text: string, start: number): Token => {
  if (text[start + 1] === "'" && (text[start] === 'x' || text[start] === 'X')) {
    blobPattern.lastIndex = start;
    if (blobPattern.test(text)) return { kind: 'blob', start, end: blobPattern.lastIndex };
    return { kind: 'illegal', start, end: text.length };
  }
  const end = nameEnd(text, start);
  // SQLite takes a byte order mark between tokens for white space, and within a name for a part of
  // it: a disguise, never needed.
  const marked = text.slice(start, end).includes('\ufeff');
  return { kind: marked ? 'illegal' : 'word', start, end };
};

const singles: Readonly<Record<string, TokenKind>> = {
  ';': 'semicolon',
  '(': 'open',
  ')': 'close',
  ',': 'comma',
  '.': 'dot',
};
const operators = '-+*/%=<>!|&~';

const otherToken = (text: string, start: number): Token => {
  const character = text.charAt(start);
  const kind = singles[character] ?? (operators.includes(character) ? 'operator' : 'illegal');
  return { kind, start, end: start + 1 };
};

/** The offset of the next token at or after `from`: white space and comments are passed over. */
const skipBlank = (text: string, from: number): number => {
  let at = from;
  for (;;) {
    while (at < text.length && isSpace(text.charCodeAt(at))) at += 1;
    if (text[at] === '-' && text[at + 1] === '-') {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end + 1;
    } else if (text[at] === '/' && text[at + 1] === '*' && text.indexOf('*/', at + 2) >= 0) {
      at = text.indexOf('*/', at + 2) + 2;
    } else {
      return at;
    }
  }
};

const tokenAt = (text: string, start: number): Token => {
  const character = text.charAt(start);
  const code = text.charCodeAt(start);
  if (character === "'") return quoted(text, start, "'", 'string');
  if (character === '"' || character === '`') return quoted(text, start, character, 'name');
  if (character === '[') {
    const end = text.indexOf(']', start);
    return end < 0
      ? { kind: 'illegal', start, end: text.length }
      : { kind: 'name', start, end: end + 1 };
  }
  if (isDigit(code) || (character === '.' && isDigit(text.charCodeAt(start + 1)))) {
    return numberToken(text, start);
  }
  if ('?:@$#'.includes(character)) return parameterToken(text, start);
  // An unterminated comment runs to the end of the text in SQLite; here it is illegal.
  if (character === '/' && text[start + 1] === '*') {
    return { kind: 'illegal', start, end: text.length };
  }
  return isNameCode(code) ? wordToken(text, start) : otherToken(text, start);
};

/** All tokens of `text`, without white space and comments. */
export const tokensOf = (text: string): readonly Token[] => {
  const tokens: Token[] = [];
  for (let at = skipBlank(text, 0); at < text.length; ) {
    const token = tokenAt(text, at);
    tokens.push(token);
    at = skipBlank(text, token.end);
  }
  return tokens;
};

/** A word in upper case, as keywords are compared; empty for every other token. */
export const keywordOf = (text: string, token: Token | undefined): string =>
  token?.kind === 'word' ? text.slice(token.start, token.end).toUpperCase() : '';

/** A name without its quotes, in lower case; empty for tokens that name nothing. */
export const nameOf = (text: string, token: Token | undefined): string => {
  if (token === undefined) return '';
  const raw = text.slice(token.start, token.end);
  if (token.kind === 'word') return raw.toLowerCase();
  if (token.kind !== 'name' && token.kind !== 'string') return '';
  const quote = raw.charAt(0);
  const inner = raw.slice(1, -1);
  return (quote === '[' ? inner : inner.replaceAll(quote + quote, quote)).toLowerCase();
};
