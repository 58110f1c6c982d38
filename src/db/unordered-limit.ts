// Whether a statement takes some of the rows by LIMIT in an order that nothing fixes. Every replica
// takes the same ones, because query plans are replicated; but another plan (an index, an ANALYZE)
// takes others, which whoever writes it should know. Reads tokens only; refuses nothing.
import type { Piece } from './statement-text.ts';
import { keywordOf, nameOf, type Token } from './tokenizer.ts';

/** Whether no two rows of a table can be equal in all of these columns. */
export type IsUnique = (table: string, columns: readonly string[]) => boolean;

/** A SELECT, or the parentheses that hold one; where its clauses begin, -1 for none. */
interface Scope {
  from: number;
  /** FROM comes again: a compound, whose rows come from several tables. */
  compound: boolean;
  order: number;
  /** EXISTS asks whether there is a row, not for which. */
  readonly exists: boolean;
}

const scopeOf = (exists: boolean): Scope => ({ from: -1, compound: false, order: -1, exists });

const clauses = new Set(['WHERE', 'GROUP', 'HAVING', 'WINDOW', 'ORDER', 'LIMIT', 'UNION']);

const ofName = (token: Token | undefined): boolean =>
  token?.kind === 'word' || token?.kind === 'name';

/** The one table that rows come from; undefined when there are more, or none by name. */
const loneTable = ({ text, tokens }: Piece, { from, compound }: Scope): string | undefined => {
  if (compound) return undefined;
  const qualified = tokens[from + 2]?.kind === 'dot';
  const table = tokens[qualified ? from + 3 : from + 1];
  if (!ofName(table)) return undefined;
  for (let at = from + 1; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (clauses.has(keywordOf(text, token))) return nameOf(text, table);
    // A second table, a table-valued function, a subquery.
    if (keywordOf(text, token) === 'JOIN') return undefined;
    if (token?.kind === 'comma' || token?.kind === 'open') return undefined;
  }
  return nameOf(text, table);
};

/** Columns that the rows are ordered by; terms that are more than a column are left out. */
const orderedBy = ({ text, tokens }: Piece, order: number, end: number): readonly string[] => {
  const columns: string[] = [];
  let depth = 0;
  let begins = order + 2;
  for (let at = begins; at <= end; at += 1) {
    if (tokens[at]?.kind === 'open') depth += 1;
    if (tokens[at]?.kind === 'close') depth -= 1;
    if (at < end && !(tokens[at]?.kind === 'comma' && depth === 0)) continue;
    const column = tokens[begins + 1]?.kind === 'dot' ? begins + 2 : begins;
    const follows = column + 1 < at ? keywordOf(text, tokens[column + 1]) : 'ASC';
    if (ofName(tokens[column]) && ['ASC', 'DESC', 'NULLS'].includes(follows)) {
      columns.push(nameOf(text, tokens[column]));
    }
    begins = at + 1;
  }
  return columns;
};

const unordered = (piece: Piece, scope: Scope, limit: number, isUnique: IsUnique): boolean => {
  if (scope.exists || scope.from < 0) return false;
  if (scope.order < 0) return true;
  const table = loneTable(piece, scope);
  return table === undefined || !isUnique(table, orderedBy(piece, scope.order, limit));
};

/** Whether any LIMIT of the statement takes rows in no fixed order. */
export const takesUnordered = (piece: Piece, isUnique: IsUnique): boolean => {
  const { text, tokens } = piece;
  let scope = scopeOf(false);
  const outer: Scope[] = [];
  for (const [at, token] of tokens.entries()) {
    if (token.kind === 'open') {
      outer.push(scope);
      scope = scopeOf(keywordOf(text, tokens[at - 1]) === 'EXISTS');
    } else if (token.kind === 'close') scope = outer.pop() ?? scope;
    // The next statement of a trigger.
    else if (token.kind === 'semicolon') scope = scopeOf(false);
    const word = keywordOf(text, token);
    if (word === 'FROM') {
      scope.compound ||= scope.from >= 0;
      scope.from = at;
    } else if (word === 'ORDER') scope.order = at;
    else if (word === 'LIMIT' && unordered(piece, scope, at, isUnique)) return true;
  }
  return false;
};
