// Splits SQL text into its statements, as SQLite's own shell does: a semicolon ends a statement
// unless it stands in a string, a quoted name, a comment or the body of a trigger. Judges nothing
// else.

/** A statement, without its semicolon and without comments before it. */
export interface SqlStatement {
  readonly text: string;
  /** Line of its first word, from 1. */
  readonly line: number;
  /** Its first keyword in upper case; empty when it starts with something else. */
  readonly verb: string;
}

/** One piece of SQL; what is not closed reaches to the end of the text. */
const piece = new RegExp(
  [
    String.raw`\s+`,
    String.raw`--[^\n]*`,
    String.raw`/\*[\s\S]*?(?:\*/|$)`,
    "'[^']*(?:''[^']*)*(?:'|$)",
    '"[^"]*(?:""[^"]*)*(?:"|$)',
    '`[^`]*(?:``[^`]*)*(?:`|$)',
    String.raw`\[[^\]]*(?:\]|$)`,
    String.raw`[\p{L}\p{N}_$]+`,
    String.raw`[\s\S]`,
  ].join('|'),
  'gu',
);

const isBlank = (text: string): boolean => /^(?:\s|--|\/\*)/.test(text);

/** A trigger's body has semicolons of its own; it ends with `; END ;`. */
const startsTrigger = (words: readonly string[]): boolean =>
  /^(?:EXPLAIN (?:QUERY PLAN )?)?CREATE (?:TEMP |TEMPORARY )?TRIGGER\b/.test(words.join(' '));

/**
 * First words that are looked at to recognize a trigger: EXPLAIN QUERY PLAN CREATE TEMP TRIGGER.
 */
const wordsKept = 6;

/** The statements of a text, in order; empty ones are left out. */
export const splitSql = (sql: string): readonly SqlStatement[] => {
  const statements: SqlStatement[] = [];
  let start = -1;
  let line = 1;
  let startLine = 1;
  let words: string[] = [];
  /** The two pieces before the current one, blanks aside. */
  let last = '';
  let beforeLast = '';

  const close = (end: number): void => {
    const text = start === -1 ? '' : sql.slice(start, end).trimEnd();
    const verb = /^[A-Z]+$/.test(words[0] ?? '') ? (words[0] ?? '') : '';
    if (text !== '') statements.push({ text, line: startLine, verb });
    start = -1;
    words = [];
    last = '';
    beforeLast = '';
  };

  for (const match of sql.matchAll(piece)) {
    const text = match[0];
    if (!isBlank(text)) {
      const inTrigger = startsTrigger(words);
      const ends = text === ';' && (!inTrigger || (last === 'END' && beforeLast === ';'));
      if (ends) close(match.index);
      else {
        if (start === -1) {
          start = match.index;
          startLine = line;
        }
        if (words.length < wordsKept) words.push(text.toUpperCase());
        beforeLast = last;
        last = text.toUpperCase();
      }
    }
    line += text.split('\n').length - 1;
  }
  close(sql.length);
  return statements;
};

/**
 * Whether everything in a text is ended: its last statement by a semicolon, or there is none. A
 * string, a name or a trigger that is open is not.
 */
export const isComplete = (sql: string): boolean => {
  // Were it open, these words would be part of it; a whole text makes them a statement of their
  // own.
  const probe = splitSql(`${sql}\nprobe`).at(-1);
  return probe?.text === 'probe';
};
