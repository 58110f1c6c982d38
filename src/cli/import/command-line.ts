// The command line of rqlited as somebody wrote it: in a terminal, or in a unit of systemd. Read as
// a shell would as far as quotes and backslashes go; nothing is run and no variable is put in.
import { CodedError } from '#errors.ts';

const unreadable = (why: string): CodedError =>
  new CodedError('usage', `the command line of rqlited cannot be read: ${why}`, {
    hint: "For example: stockade import --flags '-node-id 1 -http-addr localhost:4001 data'",
  });

/** Words of a text; quotes hold words together. */
export const wordsOf = (text: string): readonly string[] => {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const sign = text.charAt(at);
    if (quote !== '') {
      if (sign === quote) quote = '';
      else word = (word ?? '') + sign;
    } else if (sign === '"' || sign === "'") {
      quote = sign;
      word ??= '';
    } else if (sign === '\\') {
      at += 1;
      const next = text.charAt(at);
      // A backslash before the end of a line joins it to the next one.
      if (next !== '\n') word = (word ?? '') + next;
    } else if (/\s/.test(sign)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + sign;
  }
  if (quote !== '') throw unreadable(`a quote ${quote} is not closed`);
  return word === undefined ? words : [...words, word];
};

/** The words of the program that a unit of systemd starts. @throws CodedError `usage` */
export const wordsOfUnit = (unit: string): readonly string[] => {
  const joined = unit.replaceAll(/\\\r?\n/g, ' ');
  const line = /^ExecStart=[-@:+!]*(.*)$/m.exec(joined)?.[1];
  if (line === undefined) throw unreadable('there is no ExecStart in that file');
  return wordsOf(line);
};

/** One flag as it was given. */
export interface GivenFlag {
  readonly flag: string;
  /** Empty for a switch that stands alone. */
  readonly value: string;
}

/** The flags, in order. `switches`: those that take no word after them. */
export const flagsFrom = (
  words: readonly string[],
  switches: ReadonlySet<string>,
): { readonly flags: readonly GivenFlag[]; readonly dataFolder: string } => {
  const first = words[0];
  const rest =
    first !== undefined && !first.startsWith('-') && words.length > 1 ? words.slice(1) : words;
  const flags: GivenFlag[] = [];
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] ?? '';
    const [, flag, , given] = /^--?([a-z][a-z0-9-]*)(=(.*))?$/s.exec(word) ?? [];
    if (flag === undefined) {
      // As in Go: the first word that is no flag ends them.
      if (at === rest.length - 1 && !word.startsWith('-')) return { flags, dataFolder: word };
      throw unreadable(`what is ${JSON.stringify(word)}?`);
    }
    if (given !== undefined || switches.has(flag)) flags.push({ flag, value: given ?? '' });
    else {
      at += 1;
      const value = rest[at];
      if (value === undefined) throw unreadable(`-${flag} has no value`);
      flags.push({ flag, value });
    }
  }
  return { flags, dataFolder: '' };
};
