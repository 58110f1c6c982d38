// How a virtual table is filled again from what it shows.
import { keywordOf, nameOf, type Token, tokensOf } from '#db/tokenizer.ts';
import { CodedError } from '#errors.ts';

/** See the head of this file. */
export interface VirtualTable {
  readonly name: string;
  /** Its rows have a rowid beside their columns. */
  readonly rowid: boolean;
  /** A command that fills it from elsewhere; '': it is filled row by row. */
  readonly setting: '' | 'rebuild';
  /** The table that holds its settings; '': it has none. */
  readonly config: string;
}

/** The value of the option `name = value` in the arguments of a module; undefined without it. */
const optionOf = (sql: string, tokens: readonly Token[], name: string): string | undefined => {
  const at = tokens.findIndex(
    (token, index) =>
      nameOf(sql, token) === name &&
      tokens[index + 1]?.kind === 'operator' &&
      ['open', 'comma'].includes(tokens[index - 1]?.kind ?? ''),
  );
  if (at < 0) return undefined;
  const value = tokens[at + 2];
  return value?.kind === 'number' ? sql.slice(value.start, value.end) : nameOf(sql, value);
};

const fullText = (name: string, sql: string, tokens: readonly Token[]): VirtualTable => {
  const content = optionOf(sql, tokens, 'content');
  if (content === '') {
    throw new CodedError(
      'bad_request',
      `the full-text index ${name} keeps no text, so it cannot be written as SQL`,
      { hint: 'Make a backup as a database file, or name the tables to dump.' },
    );
  }
  const config = `${name}_config`;
  return { name, rowid: true, setting: content === undefined ? '' : 'rebuild', config };
};

/**
 * Of the virtual table that this text makes.
 *
 * @throws CodedError `bad_request` for an index that keeps no text
 */
export const virtualTableFrom = (name: string, sql: string): VirtualTable => {
  const tokens = tokensOf(sql);
  const using = tokens.findIndex((token) => keywordOf(sql, token) === 'USING');
  const module = nameOf(sql, tokens[using + 1]);
  if (module === 'fts5') return fullText(name, sql, tokens);
  return { name, rowid: module === 'geopoly', setting: '', config: '' };
};
