// Texts that were taken apart, with their prepared statements: a bulk of equal INSERTs costs one of
// each. Nothing that is computed from data may depend on what is in here.
import { invariant } from '#invariant.ts';
import { type Engine, type EngineStatement, StatementError } from './engine.ts';
import { type ResultShape, shapeOf } from './result-text.ts';
import { type Piece, type StatementText, takeApart } from './statement-text.ts';

/** A prepared statement and the shape of its rows. */
export interface PreparedPiece {
  readonly statement: EngineStatement;
  /** Undefined when it returns no rows. */
  readonly shape: ResultShape | undefined;
  /** How often a reader has run it, and whether it then returned few rows at most. */
  runs: number;
  fewRows: boolean;
}

/** A text with its statements, prepared when first run. */
export interface CachedText extends StatementText {
  readonly prepared: (PreparedPiece | undefined)[];
}

/** Texts kept; each costs some 3 kB, and 50 bytes a character (tokens, SQLite's program). */
const textsMax = 1024;
/** Characters of all texts kept: with it some 30 MB at most, whatever the texts are. */
const charactersMax = 512 * 1024;
/** Longer texts are one-off loads with literals; keeping them would only push others out. */
const cachedTextLengthMax = 16_384;

/**
 * Preparing a PRAGMA runs it. What is no known kind of statement and holds a token that nobody can
 * read does not even get that far: SQLite would refuse it, but only if it reads it as we do.
 */
const refuseUnreadable = ({ access, text, tokens }: Piece): void => {
  if (access !== 'unknown') return;
  const token = tokens.find(({ kind }) => kind === 'illegal');
  if (token === undefined) return;
  const unreadable = text.slice(token.start, token.end);
  throw new StatementError('SQLITE_ERROR', `unrecognized token: "${unreadable}"`);
};

/** The texts of one connection. */
export class TextCache {
  readonly #engine: Engine;
  readonly #textOf: (piece: Piece) => string;
  #preparations = 0;
  readonly #texts = new Map<string, CachedText>();
  #characters = 0;

  /** `textOf` gives what is prepared for a piece, when that is not its own text. */
  constructor(engine: Engine, textOf: (piece: Piece) => string = (piece) => piece.text) {
    this.#engine = engine;
    this.#textOf = textOf;
  }

  /** Statements prepared so far: only these can have changed the connection. */
  get preparations(): number {
    return this.#preparations;
  }

  get(text: string): CachedText {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const made: CachedText = { ...takeApart(text), prepared: [] };
    if (text.length > cachedTextLengthMax) return made;
    this.#texts.set(text, made);
    this.#characters += text.length;
    this.#forgetOldest();
    return made;
  }

  #forgetOldest(): void {
    for (const text of this.#texts.keys()) {
      if (this.#texts.size <= textsMax && this.#characters <= charactersMax) return;
      this.#texts.delete(text);
      this.#characters -= text.length;
    }
  }

  /** The prepared statement of piece `at`. @throws what `sqlErrorFrom` understands */
  prepare(text: CachedText, at: number): PreparedPiece {
    const known = text.prepared[at];
    if (known !== undefined) return known;
    const piece = text.pieces[at];
    invariant(piece !== undefined, 'what is prepared is a piece of its text');
    refuseUnreadable(piece);
    this.#preparations += 1;
    const statement = this.#engine.prepare(this.#textOf(piece));
    const shape = statement.returnsRows ? shapeOf(statement.columns()) : undefined;
    const made = { statement, shape, runs: 0, fewRows: false };
    text.prepared[at] = made;
    return made;
  }

  /** After a change of the schema: columns and types may be others. */
  forgetPrepared(): void {
    for (const text of this.#texts.values()) text.prepared.length = 0;
  }
}
