// Runs the statements of a read request on a reader's connection, within its snapshot, and writes
// their results as JSON. A statement that changes anything is an error here, as it is in rqlite.
import type { Statement } from '#command/command.ts';
import { renderBits } from '#command/outcome.ts';
import { CodedError } from '#errors.ts';
import { bindParameters } from './bind-parameters.ts';
import { boundOf } from './cost-bound.ts';
import { type Bindings, type Engine, sqlErrorFrom } from './engine.ts';
import { explain } from './explain.ts';
import type { RowCounts } from './judge-cost.ts';
import { isMachineError } from './machine-errors.ts';
import type { QueryConnection } from './query-connection.ts';
import type { ReadRequest } from './reader.ts';
import {
  errorText,
  NeedsExact,
  type ResultBounds,
  ResultError,
  type ResultShape,
  RowsText,
  withinBytes,
} from './result-text.ts';
import type { Piece } from './statement-text.ts';
import { type CachedText, type PreparedPiece, TextCache } from './text-cache.ts';

/** Elements of `results`, or the error of the request as a whole. */
export interface QueryResult {
  readonly json: Buffer;
  readonly error: string;
}

/** Results that are read in one piece: a row of eight values takes about 1 kB. */
const fewRowsMax = 5000;
/** Runs of a text between two looks at how many rows it may return; a look takes 50 µs. */
const runsPerBound = 256;

const writeInQuery = 'attempt to change database via query operation';

/** A statement's error before any row was asked for, or while rows came. */
type Failure = { readonly message: string; readonly running: boolean };

/** A statement that is ready to run. */
type Ready = {
  readonly piece: Piece;
  readonly prepared: PreparedPiece;
  readonly shape: ResultShape;
  readonly bindings: Bindings;
};

const spillError = 'SQLITE_IOERR_WRITE';

/** Errors of the file itself end the request; one statement's memory or lock is its own error. */
const endsRequest = (code: string): boolean =>
  isMachineError(code) &&
  code !== spillError &&
  !/^SQLITE_(NOMEM|BUSY|LOCKED|READONLY|FULL|INTERRUPT)/.test(code);

const messageFrom = (thrown: unknown): string => {
  if (thrown instanceof ResultError) return thrown.message;
  const error = sqlErrorFrom(thrown);
  if (error === undefined) throw thrown;
  if (endsRequest(error.code)) {
    throw new CodedError('storage_failed', `reading failed: ${error.message} (${error.code})`, {
      hint: 'check the disk',
      cause: thrown,
    });
  }
  // A reader writes nothing but what it sorts.
  if (error.code === spillError) return 'the query needs too much temporary space';
  return error.code.startsWith('SQLITE_READONLY') ? writeInQuery : error.message;
};

/** Runs queries on one connection. */
export class QueryRunner {
  readonly #engine: Engine;
  readonly #rows: RowCounts;
  readonly #texts: TextCache;
  readonly #nowMs: () => number;

  constructor(connection: QueryConnection, rows: RowCounts, nowMs: () => number) {
    this.#engine = connection.engine;
    this.#rows = rows;
    this.#texts = new TextCache(connection.engine, (piece) => connection.textOf(piece));
    this.#nowMs = nowMs;
  }

  /** Statements prepared so far. */
  get preparations(): number {
    return this.#texts.preparations;
  }

  /** After a change of the schema. */
  forgetPrepared(): void {
    this.#texts.forgetPrepared();
  }

  /** @throws CodedError `storage_failed` */
  run(request: ReadRequest): QueryResult {
    const texts: string[] = [];
    let bytesLeft = request.bytesMax;
    for (const statement of request.statements) {
      const source = request.texts[statement.text] ?? '';
      if (source === '') continue;
      const bounds = { rowsMax: request.rowsMax, bytesMax: bytesLeft };
      const whole = this.#runStatement(source, statement, request.render, bounds);
      const text = withinBytes(whole, bytesLeft, request.render);
      bytesLeft = Math.max(0, bytesLeft - Buffer.byteLength(text));
      texts.push(text);
    }
    return { json: Buffer.from(texts.join(',')), error: '' };
  }

  #runStatement(
    source: string,
    statement: Statement,
    render: number,
    bounds: ResultBounds,
  ): string {
    const started = this.#nowMs();
    const cached = this.#texts.get(source);
    if (cached.refusal !== undefined) return errorText(render, cached.refusal.reason, true);
    if (cached.pieces.length === 0) return '{}';
    const ready = this.#prepareAll(cached, statement);
    // The unified endpoint has no `rows` beside errors that came before the first row.
    const unified = (render & renderBits.rows) !== 0;
    if ('message' in ready) return errorText(render, ready.message, ready.running || !unified);
    try {
      const rows = this.#rowsOf(ready, render, bounds);
      return rows.finish(render, (this.#nowMs() - started) / 1000);
    } catch (thrown) {
      return errorText(render, messageFrom(thrown), true);
    }
  }

  /** Every statement of the text has to be a query; the last one's rows are the result. */
  #prepareAll(cached: CachedText, statement: Statement): Ready | Failure {
    let ready: Ready | Failure = { message: writeInQuery, running: false };
    let taken = 0;
    for (const [at, piece] of cached.pieces.entries()) {
      ready = this.#preparePiece(cached, at, statement, taken);
      if ('message' in ready) return ready;
      taken += piece.parameters.length;
    }
    return ready;
  }

  #preparePiece(
    cached: CachedText,
    at: number,
    statement: Statement,
    taken: number,
  ): Ready | Failure {
    const piece = cached.pieces[at];
    if (piece === undefined || piece.refusal !== undefined) {
      return { message: piece?.refusal?.reason ?? '', running: false };
    }
    let prepared: PreparedPiece;
    try {
      prepared = this.#texts.prepare(cached, at);
    } catch (thrown) {
      return { message: messageFrom(thrown), running: false };
    }
    const { shape } = prepared;
    if (piece.access !== 'read' || !prepared.statement.readonly || shape === undefined) {
      return { message: writeInQuery, running: true };
    }
    const bound = bindParameters(piece, statement, taken);
    return bound.kind === 'error'
      ? { message: bound.message, running: true }
      : { piece, prepared, shape, bindings: bound.bindings };
  }

  /** Reads with plain numbers where they suffice, and anew with exact ones where they did not. */
  #rowsOf(ready: Ready, render: number, bounds: ResultBounds): RowsText {
    const { shape } = ready;
    if (shape.needsExact) return this.#read(ready, new RowsText(shape, render, bounds), true);
    try {
      return this.#read(ready, new RowsText(shape, render, bounds, false), false);
    } catch (thrown) {
      if (!(thrown instanceof NeedsExact)) throw thrown;
      return this.#read(ready, new RowsText(shape, render, bounds), true);
    }
  }

  #read({ piece, prepared, bindings }: Ready, rows: RowsText, exact: boolean): RowsText {
    const { statement } = prepared;
    // All at once is faster by half, but it is one block of memory: only where few rows can come.
    const found = this.#fewRows(piece, prepared)
      ? statement.all(bindings, exact)
      : statement.iterate(bindings, exact);
    for (const row of found) rows.add(row);
    return rows;
  }

  /** Asked when a text comes again, and now and then after that: tables grow. */
  #fewRows(piece: Piece, prepared: PreparedPiece): boolean {
    prepared.runs += 1;
    if (prepared.runs % runsPerBound === 2 && !piece.explained && piece.verb !== 'PRAGMA') {
      this.#rows.forget();
      prepared.fewRows = boundOf(explain(this.#engine, piece), this.#rows.ofRoot) <= fewRowsMax;
    }
    return prepared.fewRows;
  }
}
