// Takes SQL text that is to be loaded apart: into stretches that stand or fall together, as the
// BEGIN and COMMIT in it say, each with its statements. What a dump says about the connection or
// the statistics is left out; counters of AUTOINCREMENT are set by statements of our own making.
import { rowidEnd } from '#db/rowid-space.ts';
import { type Piece, takeApart } from '#db/statement-text.ts';
import { keywordOf, nameOf, type Token } from '#db/tokenizer.ts';

/** Statements that stand or fall together, or one behind the other. */
export interface DumpSegment {
  /** All or nothing. Without it each statement stands for itself, up to the first that fails. */
  readonly transaction: boolean;
  readonly texts: readonly string[];
  /** Places in `texts` of statements that were made here: they need no judge. */
  readonly own: readonly number[];
}

/** A dump taken apart, or why it cannot be loaded. */
export type SplitDump =
  | { readonly kind: 'segments'; readonly segments: readonly DumpSegment[] }
  | { readonly kind: 'unfit'; readonly reason: string; readonly hint: string };

/** Stretches in one text: real dumps have one. */
const segmentsMax = 1000;

/** Bytes of a stretch without a transaction: each becomes one entry of the log. */
const loosePartCharacters = 64 * 1024;

const word = (piece: Piece, at: number): string => keywordOf(piece.text, piece.tokens[at]);
const name = (piece: Piece, at: number): string => nameOf(piece.text, piece.tokens[at]);

/** Nothing but a change of a setting that a load does not need. */
const isSetting = (piece: Piece): boolean =>
  piece.verb === 'PRAGMA' && ['foreign_keys', 'defer_foreign_keys'].includes(name(piece, 1));

/** Where the table of INSERT INTO, DELETE FROM stands; quotes of any kind. */
const targetOf = (piece: Piece): string =>
  piece.verb === 'INSERT' || piece.verb === 'DELETE' ? name(piece, 2) : '';

const isStatistics = (piece: Piece): boolean => {
  const target = piece.verb === 'ANALYZE' ? name(piece, 1) : targetOf(piece);
  return piece.verb === 'ANALYZE'
    ? target === 'sqlite_schema' || target === 'sqlite_master'
    : /^sqlite_stat[134]$/.test(target);
};

const stringOf = (piece: Piece, token: Token | undefined): string | undefined =>
  token?.kind === 'string' ? piece.text.slice(token.start, token.end) : undefined;

/** `INSERT INTO sqlite_sequence VALUES('table', number)`, as two statements that do just that. */
const counterTexts = (piece: Piece): readonly string[] | undefined => {
  if (targetOf(piece) !== 'sqlite_sequence') return undefined;
  // Emptying it would reset the tables that are there already.
  if (piece.verb === 'DELETE') return piece.tokens.length === 3 ? [] : undefined;
  const [, , , values, open, table, comma, number, close] = piece.tokens;
  const form = [open?.kind, comma?.kind, close?.kind].join(' ') === 'open comma close';
  const literal = stringOf(piece, table);
  const digits = number === undefined ? '' : piece.text.slice(number.start, number.end);
  const fits =
    form &&
    piece.tokens.length === 9 &&
    keywordOf(piece.text, values) === 'VALUES' &&
    literal !== undefined &&
    /^\d{1,19}$/.test(digits) &&
    BigInt(digits) < rowidEnd;
  if (!fits) return undefined;
  return [
    `DELETE FROM sqlite_sequence WHERE name = ${literal}`,
    `INSERT INTO sqlite_sequence VALUES(${literal}, ${digits})`,
  ];
};

class Splitter {
  readonly segments: DumpSegment[] = [];
  #texts: string[] = [];
  #own: number[] = [];
  #characters = 0;
  open = false;

  add(piece: Piece): string | undefined {
    switch (piece.verb) {
      case 'BEGIN':
        if (this.open) return 'a transaction begins within a transaction';
        this.#end(true);
        this.open = true;
        return undefined;
      case 'COMMIT':
      case 'END':
      case 'ROLLBACK':
        return this.#close(piece);
      default:
        this.#statement(piece);
        return undefined;
    }
  }

  finish(): void {
    this.#end(true);
  }

  #close(piece: Piece): string | undefined {
    if (!this.open) return `${piece.verb} without BEGIN`;
    if (piece.verb === 'ROLLBACK' && piece.tokens.some((_, at) => word(piece, at) === 'TO')) {
      return 'savepoints are not for dumps';
    }
    this.#end(piece.verb !== 'ROLLBACK');
    this.open = false;
    return undefined;
  }

  #statement(piece: Piece): void {
    if (isSetting(piece) || isStatistics(piece)) return;
    const counters = counterTexts(piece);
    for (const text of counters ?? [piece.text]) {
      if (counters !== undefined) this.#own.push(this.#texts.length);
      this.#texts.push(text);
      this.#characters += text.length;
    }
    if (!this.open && this.#characters >= loosePartCharacters) this.#end(true);
  }

  #end(keep: boolean): void {
    if (keep && this.#texts.length > 0) {
      this.segments.push({ transaction: this.open, texts: this.#texts, own: this.#own });
    }
    this.#texts = [];
    this.#own = [];
    this.#characters = 0;
  }
}

const unfit = (reason: string, hint: string): SplitDump => ({ kind: 'unfit', reason, hint });

/** Takes a dump apart. */
export const splitDump = (text: string): SplitDump => {
  const { pieces, refusal } = takeApart(text);
  if (refusal !== undefined) return { kind: 'unfit', ...refusal };
  const splitter = new Splitter();
  for (const piece of pieces) {
    const fault = splitter.add(piece);
    if (fault !== undefined) return unfit(fault, 'a dump holds whole transactions');
    if (splitter.segments.length > segmentsMax) {
      return unfit('it has too many transactions', `at most ${segmentsMax}, or one around all`);
    }
  }
  if (splitter.open) {
    return unfit('the text ends within a transaction', 'end it with COMMIT; it may be cut off');
  }
  splitter.finish();
  return { kind: 'segments', segments: splitter.segments };
};
