// Hides this program's own tables from queries about the schema: tools that list tables, copy or
// drop them should see what users made. A query that names sqlite_schema reads a view of it in its
// place, whose name nobody can guess; a query for its rowids is left as it is, a view has none.
import type { Engine } from './engine.ts';
import type { Piece } from './statement-text.ts';
import { keywordOf, nameOf } from './tokenizer.ts';

const schemaTables = new Set(['sqlite_schema', 'sqlite_master']);
const rowids = new Set(['rowid', '_rowid_', 'oid']);

/** Makes the view, a temporary one; before the connection is closed to such things. */
export const makeVisibleSchema = (engine: Engine, view: string): void => {
  engine.execute(`CREATE TEMP VIEW ${view} AS SELECT type, name, tbl_name, rootpage, sql
    FROM main.sqlite_schema WHERE substr(lower(tbl_name), 1, 10) <> '_stockade_'`);
};

/** The text to prepare for a query: that of the piece, or one that reads the view. */
export const withVisibleSchema = (piece: Piece, view: string): string => {
  const { text, tokens } = piece;
  if (piece.access !== 'read' || piece.explained) return text;
  const names = tokens.map((token) => (token.kind === 'string' ? '' : nameOf(text, token)));
  if (!names.some((name) => schemaTables.has(name))) return text;
  if (names.some((name) => rowids.has(name))) return text;
  let result = '';
  let copied = 0;
  for (const [at, token] of tokens.entries()) {
    const qualified = tokens[at - 1]?.kind === 'dot';
    const ofMain = qualified && names[at - 2] === 'main';
    const isName = schemaTables.has(names[at] ?? '') && (!qualified || ofMain);
    if (!isName || keywordOf(text, tokens[at - 1]) === 'AS') continue;
    const start = ofMain ? (tokens[at - 2]?.start ?? token.start) : token.start;
    result += `${text.slice(copied, start)}temp.${view}`;
    copied = token.end;
  }
  return result + text.slice(copied);
};
