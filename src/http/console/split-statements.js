// Splits SQL text into its statements, so that each has a result of its own: a semicolon ends one
// unless it stands in a string, a quoted name, a comment or the body of a trigger. Judges nothing
// else; the server does.

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

/** Its body has semicolons of its own; it ends with `; END ;`. */
const trigger = /^(?:EXPLAIN (?:QUERY PLAN )?)?CREATE (?:TEMP |TEMPORARY )?TRIGGER\b/;

/** Words that are looked at to recognize a trigger: EXPLAIN QUERY PLAN CREATE TEMP TRIGGER. */
const wordsKept = 6;

/**
 * The statements of a text, in order, without their semicolons; empty ones are left out.
 *
 * @param {string} sql
 * @returns {string[]}
 */
export const splitStatements = (sql) => {
  /** @type {string[]} */
  const statements = [];
  /** @type {string[]} */
  let words = [];
  let start = -1;
  let last = '';
  let beforeLast = '';
  /** @param {number} end */
  const close = (end) => {
    if (start !== -1) statements.push(sql.slice(start, end).trimEnd());
    start = -1;
    words = [];
    last = '';
    beforeLast = '';
  };
  for (const { 0: text, index } of sql.matchAll(piece)) {
    if (/^(?:\s|--|\/\*)/.test(text)) continue;
    const inTrigger = trigger.test(words.join(' '));
    if (text === ';' && (!inTrigger || (last === 'END' && beforeLast === ';'))) {
      close(index);
      continue;
    }
    if (start === -1) start = index;
    if (words.length < wordsKept) words.push(text.toUpperCase());
    beforeLast = last;
    last = text.toUpperCase();
  }
  close(sql.length);
  return statements;
};
