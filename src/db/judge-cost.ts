// What a statement may cost, as a class: nothing more to ask, to be tried out first, or without
// end. Rows are counted in the snapshot of the reader that judges, each table to the limit and no
// further.
import { boundOf } from './cost-bound.ts';
import { type Engine, type EngineStatement, noBindings, sqlErrorFrom } from './engine.ts';
import { explain, type Instruction } from './explain.ts';
import type { Piece } from './statement-text.ts';
import { nameOf, type Token } from './tokenizer.ts';

/** `small` runs as it is, `large` is finite, `unbounded` may never end. */
export type Cost = 'small' | 'large' | 'unbounded';

/** Steps (turns of loops) that need no second thought: 50 ms at worst. */
const stepsSmallMax = 50_000;

/** Bytes that a function may make out of a number: beyond them the statement is large. */
const amplifiedBytesMax = 1024 * 1024;

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

const literalNumber = (text: string, token: Token | undefined): number =>
  token?.kind === 'number' ? Number(text.slice(token.start, token.end)) : Number.NaN;

/** printf with a width from its arguments or of four digits and more makes bytes from nothing. */
const wideFormat = /\*|\d{4}/;

/** Whether the statement makes large values out of small ones. */
const amplifies = ({ text, tokens }: Piece): boolean =>
  tokens.some((token, at) => {
    if (token.kind !== 'word' || tokens[at + 1]?.kind !== 'open') return false;
    const argument = tokens[at + 2];
    switch (nameOf(text, token)) {
      case 'zeroblob':
      case 'randomblob':
        return !(literalNumber(text, argument) <= amplifiedBytesMax);
      case 'printf':
      case 'format':
        return argument?.kind !== 'string' || wideFormat.test(nameOf(text, argument));
      default:
        return false;
    }
  });

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

/** The class of a statement. */
export const costOf = (
  engine: Engine,
  rows: RowCounts,
  piece: Piece,
  onTwin: () => readonly Instruction[],
): Cost => {
  const steps = stepsOf(engine, rows, piece, onTwin);
  if (!Number.isFinite(steps)) return 'unbounded';
  return steps > stepsSmallMax || amplifies(piece) ? 'large' : 'small';
};
