// Where full-text indexes take their text from: with `content=docs` an index stores none itself,
// and whoever reads the index is shown columns of `docs`, which SQLite's authorizer does not tell.
import { nameOf, tokensOf } from './tokenizer.ts';

/** The table or view that CREATE VIRTUAL TABLE names with `content=`; undefined for none. */
export const contentTableOf = (sql: string): string | undefined => {
  const tokens = tokensOf(sql);
  const at = tokens.findIndex((token, index) => {
    const next = tokens[index + 1];
    return (
      nameOf(sql, token) === 'content' &&
      next !== undefined &&
      sql.slice(next.start, next.end) === '='
    );
  });
  const name = at < 0 ? '' : nameOf(sql, tokens[at + 2]);
  return name === '' ? undefined : name;
};
