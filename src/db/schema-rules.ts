// What a schema statement may not put into the schema, read from its tokens: SQLite reports the
// functions of defaults, views and triggers only when they are used.
import { functionAllowed, listedFunctions } from './function-list.ts';
import type { Refusal } from './statement-class.ts';
import type { Piece } from './statement-text.ts';
import { nameOf } from './tokenizer.ts';

/** A function that is called in a text and that no write may use. */
const forbiddenFunction = (piece: Piece): string | undefined => {
  for (const [at, token] of piece.tokens.entries()) {
    if (piece.tokens[at + 1]?.kind !== 'open') continue;
    const name = nameOf(piece.text, token);
    if (listedFunctions.has(name) && !functionAllowed(name, true)) return name;
  }
  return undefined;
};

/** Why this statement may not change the schema; undefined when it may. */
export const refuseSchemaText = (
  piece: Piece,
  _functions: ReadonlySet<string>,
): Refusal | undefined => {
  const name = forbiddenFunction(piece);
  if (name === undefined) return undefined;
  return {
    reason: `the function ${name}() may differ between nodes`,
    hint: 'leave it out of the schema',
  };
};
