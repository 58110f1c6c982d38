// How many views and common tables SQLite copies into a statement before it has prepared it: each
// mention is a copy, so fourteen views that each join the one before twice are sixteen thousand and
// take seconds, on every node. Counted from tokens, before anything is prepared. Counts too much
// rather than too little: a column that is called as a view counts as one.
import { type Piece, takeApart } from './statement-text.ts';
import { keywordOf, nameOf, type Token } from './tokenizer.ts';

/** A common table of WITH: the tokens between its parentheses. */
interface Common {
  readonly open: number;
  readonly close: number;
}

const closeOf = (tokens: readonly Token[], open: number): number => {
  let depth = 0;
  for (let at = open; at < tokens.length; at += 1) {
    if (tokens[at]?.kind === 'open') depth += 1;
    if (tokens[at]?.kind === 'close') depth -= 1;
    if (depth === 0) return at;
  }
  return tokens.length;
};

/** Where the name of a common table stands whose `AS` is at `as`. */
const nameBefore = (tokens: readonly Token[], as: number): number => {
  if (tokens[as - 1]?.kind !== 'close') return as - 1;
  for (let at = as - 2; at > 0; at -= 1) if (tokens[at]?.kind === 'open') return at - 1;
  return -1;
};

/** By name: `name [(columns)] AS [[NOT] MATERIALIZED] (`; those of one name together. */
const commonsOf = ({ text, tokens }: Piece): ReadonlyMap<string, readonly Common[]> => {
  const found = new Map<string, Common[]>();
  for (let at = 1; at < tokens.length; at += 1) {
    if (keywordOf(text, tokens[at]) !== 'AS') continue;
    let open = at + 1;
    while (['NOT', 'MATERIALIZED'].includes(keywordOf(text, tokens[open]))) open += 1;
    if (tokens[open]?.kind !== 'open') continue;
    const name = nameOf(text, tokens[nameBefore(tokens, at)]);
    const common = { open, close: closeOf(tokens, open) };
    found.set(name, [...(found.get(name) ?? []), common]);
  }
  return found;
};

/** Counts for the views of one schema; `views` gives their texts by names in lower case. */
export class Expansion {
  readonly #views: ReadonlyMap<string, string>;
  readonly #known = new Map<string, number>();

  constructor(views: ReadonlyMap<string, string>) {
    this.#views = views;
  }

  /** Copies that the statement is made of, itself included. */
  of(piece: Piece): number {
    const withCommon = piece.tokens.some((token) => keywordOf(piece.text, token) === 'WITH');
    if (this.#views.size === 0 && !withCommon) return 1;
    const commons = withCommon ? commonsOf(piece) : new Map<string, readonly Common[]>();
    const bodies = new Map([...commons.values()].flat().map(({ open, close }) => [open, close]));
    const known = new Map<string, number>();
    const within = (from: number, to: number): number => {
      let copies = 1;
      for (let at = from; at < to; at += 1) {
        // Counted where it is mentioned.
        const end = bodies.get(at);
        if (end !== undefined) at = end;
        const token = piece.tokens[at];
        if (token?.kind !== 'word' && token?.kind !== 'name' && token?.kind !== 'string') continue;
        copies += ofName(nameOf(piece.text, token));
      }
      return copies;
    };
    const ofName = (name: string): number => {
      const common = commons.get(name);
      if (common === undefined) return this.#ofView(name);
      const before = known.get(name);
      if (before !== undefined) return before;
      // What mentions itself does so once.
      known.set(name, 1);
      const copies = common.reduce((sum, { open, close }) => sum + within(open + 1, close), 0);
      known.set(name, copies);
      return copies;
    };
    return within(0, piece.tokens.length);
  }

  #ofView(name: string): number {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const text = this.#views.get(name);
    if (text === undefined) return 0;
    // Its own name, and whatever goes round, which SQLite refuses at once.
    this.#known.set(name, 0);
    const copies = takeApart(text).pieces.reduce((sum, piece) => sum + this.of(piece), 0);
    this.#known.set(name, copies);
    return copies;
  }
}
