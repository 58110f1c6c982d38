// What a statement may cost, as a class: nothing more to ask, to be tried out first, or without
// end. Rows are counted in the snapshot of the reader that judges, each table to the limit and no
// further.
import { amplifiedBytesMax } from '#limits.ts';
import { boundOf } from './cost-bound.ts';
import { type Engine, type EngineStatement, noBindings, sqlErrorFrom } from './engine.ts';
import { explain, type Instruction } from './explain.ts';
import type { Piece } from './statement-text.ts';
import { nameOf, type Token } from './tokenizer.ts';

/** `small` runs as it is, `large` is finite, `unbounded` may never end. */
export type Cost = 'small' | 'large' | 'unbounded';

/** The class of a statement, and what it cannot tell before its parameters are known. */
export interface StatementCost {
  readonly cost: Cost;
  /** So many bytes a byte of its parameters may become, at most (`hex(?)` in each of many rows). */
  readonly copies: number;
}

/** Steps (turns of loops) that need no second thought: 50 ms at worst. */
const stepsSmallMax = 50_000;

/** Rows assumed for a table that the request itself makes. */
const newTableRows = 1000;

/** Counts rows of tables and indexes by their root page. */
export class RowCounts {
  readonly #engine: Engine;
  readonly #table: EngineStatement;
  readonly #known = new Map<number, number>();

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#table = engine.prepare('SELECT tbl_name FROM sqlite_schema WHERE rootpage = ?');
  }

  /** In another snapshot tables may have grown. */
  forget(): void {
    this.#known.clear();
  }

  /** Rows of the table (or the index's table) with this root page, at most the limit and one. */
  readonly ofRoot = (rootPage: number): number => {
    const known = this.#known.get(rootPage);
    if (known !== undefined) return known;
    const [name] = this.#table.all({ anonymous: [rootPage] }, false)[0] ?? [];
    const rows = typeof name === 'string' ? this.#count(name) : 1;
    this.#known.set(rootPage, rows);
    return rows;
  };

  /** Rows of all tables together. */
  ofAll(): number {
    const roots = this.#engine
      .prepare("SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")
      .all(noBindings, false);
    return roots.reduce((sum, [root]) => sum + this.ofRoot(Number(root)), 0);
  }

  #count(name: string): number {
    const quoted = `"${name.replaceAll('"', '""')}"`;
    const text = `SELECT count(*) FROM (SELECT 1 FROM main.${quoted} LIMIT ${stepsSmallMax + 1})`;
    return Number(this.#engine.value(text));
  }
}

/** Longest text that replace() may put in the place of another without a second thought. */
const replacementMax = 64;

/** The one token between two parentheses or commas, or undefined when there are more. */
const loneToken = (tokens: readonly Token[], at: number): Token | undefined =>
  ['close', 'comma'].includes(tokens[at + 1]?.kind ?? '') ? tokens[at] : undefined;

/** Bytes that zeroblob or randomblob makes; infinite unless a number says it, and nothing else. */
const blobBytes = ({ text, tokens }: Piece, open: number): number => {
  const size = loneToken(tokens, open + 1);
  return size?.kind === 'number'
    ? Number(text.slice(size.start, size.end))
    : Number.POSITIVE_INFINITY;
};

/** Where the last argument of a call begins. */
const lastArgument = (tokens: readonly Token[], open: number): number => {
  let depth = 0;
  let last = open + 1;
  for (let at = open; at < tokens.length; at += 1) {
    if (tokens[at]?.kind === 'open') depth += 1;
    if (tokens[at]?.kind === 'close') depth -= 1;
    if (tokens[at]?.kind === 'comma' && depth === 1) last = at + 1;
    if (depth === 0) break;
  }
  return last;
};

/** printf with a width from its arguments or of four digits and more makes bytes from nothing. */
const wideFormat = /\*|\d{4}/;

/** Bytes that a call makes out of little, as far as the text says. */
const madeBytes = (piece: Piece, at: number): number => {
  const { text, tokens } = piece;
  const argument = tokens[at + 2];
  switch (nameOf(text, tokens[at])) {
    case 'zeroblob':
    case 'randomblob':
      return blobBytes(piece, at + 1);
    case 'printf':
    case 'format':
      return argument?.kind !== 'string' || wideFormat.test(nameOf(text, argument))
        ? Number.POSITIVE_INFINITY
        : 0;
    case 'replace': {
      // `REPLACE INTO t (a)` is no call, and `replace(a, b)` is an error.
      const put = loneToken(tokens, lastArgument(tokens, at + 1));
      const short = put?.kind === 'string' && put.end - put.start <= replacementMax;
      return short ? 0 : Number.POSITIVE_INFINITY;
    }
    default:
      return 0;
  }
};

/** Bytes that one turn of the statement makes out of numbers, at most. */
const amplifiedBytes = (piece: Piece): number =>
  piece.tokens.reduce((sum, token, at) => {
    const call =
      (token.kind === 'word' || token.kind === 'name') && piece.tokens[at + 1]?.kind === 'open';
    return call ? sum + madeBytes(piece, at) : sum;
  }, 0);

/** Functions that make two bytes of one: several within each other double each time. */
const doubling = new Set(['hex', 'quote', 'json_quote']);

/** More of them in one statement are doubted: 64 bytes become a megabyte. */
const doublingsMax = 14;

const doublingsIn = ({ text, tokens }: Piece): number =>
  tokens.filter((token, at) => tokens[at + 1]?.kind === 'open' && doubling.has(nameOf(text, token)))
    .length;

/** Steps of a statement at most; on an engine that lacks what the request makes, by `onTwin`. */
const stepsOf = (
  engine: Engine,
  rows: RowCounts,
  piece: Piece,
  onTwin: () => readonly Instruction[],
): number => {
  if (piece.verb === 'ANALYZE' || piece.verb === 'REINDEX') return rows.ofAll();
  try {
    return boundOf(explain(engine, piece), rows.ofRoot);
  } catch (thrown) {
    if (sqlErrorFrom(thrown) === undefined) throw thrown;
    return boundOf(onTwin(), () => newTableRows);
  }
};

/** What a statement costs. */
export const costOf = (
  engine: Engine,
  rows: RowCounts,
  piece: Piece,
  onTwin: () => readonly Instruction[],
): StatementCost => {
  const steps = stepsOf(engine, rows, piece, onTwin);
  if (!Number.isFinite(steps)) return { cost: 'unbounded', copies: 1 };
  const bytes = amplifiedBytes(piece);
  const turns = Math.max(1, steps);
  const amplified = bytes > 0 ? bytes * turns : 0;
  const doublings = doublingsIn(piece);
  const large = steps > stepsSmallMax || amplified > amplifiedBytesMax || doublings > doublingsMax;
  const copies = turns * 2 ** Math.min(doublings, doublingsMax);
  return { cost: large ? 'large' : 'small', copies };
};
