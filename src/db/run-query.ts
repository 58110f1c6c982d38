// Runs the statements of a read request on a reader's connection, within its snapshot, and writes
// their results as JSON. A statement that changes anything is an error here, as it is in rqlite.
import type { Statement } from '#command/command.ts';
import { renderBits } from '#command/outcome.ts';
import { CodedError } from '#errors.ts';
import { bindParameters } from './bind-parameters.ts';
import { type Bindings, type Engine, sqlErrorFrom } from './engine.ts';
import { isMachineError } from './machine-errors.ts';
import type { ReadRequest } from './reader.ts';
import {
  errorText,
  type ResultBounds,
  ResultError,
  type ResultShape,
  RowsText,
} from './result-text.ts';
import { type CachedText, type PreparedPiece, TextCache } from './text-cache.ts';

/** Elements of `results`, or the error of the request as a whole. */
export interface QueryResult {
  readonly json: Buffer;
  readonly error: string;
}

const writeInQuery = 'attempt to change database via query operation';

/** A statement's error before any row was asked for, or while rows came. */
type Failure = { readonly message: string; readonly running: boolean };

/** A statement that is ready to run. */
type Ready = {
  readonly prepared: PreparedPiece;
  readonly shape: ResultShape;
  readonly bindings: Bindings;
};

/** Errors of the file itself end the request; one statement's memory or lock is its own error. */
const endsRequest = (code: string): boolean =>
  isMachineError(code) && !/^SQLITE_(NOMEM|BUSY|LOCKED|READONLY|FULL|INTERRUPT)/.test(code);

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
  return error.code.startsWith('SQLITE_READONLY') ? writeInQuery : error.message;
};

/** Runs queries on one connection. */
export class QueryRunner {
  readonly #texts: TextCache;
  readonly #nowMs: () => number;

  constructor(engine: Engine, nowMs: () => number) {
    this.#texts = new TextCache(engine);
    this.#nowMs = nowMs;
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
      const text = this.#runStatement(source, statement, request.render, bounds);
      bytesLeft = Math.max(0, bytesLeft - text.length);
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
      : { prepared, shape, bindings: bound.bindings };
  }

  #rowsOf({ prepared, shape, bindings }: Ready, render: number, bounds: ResultBounds): RowsText {
    const exact = true;
    const rows = new RowsText(shape, render, bounds);
    for (const row of prepared.statement.iterate(bindings, exact)) rows.add(row);
    return rows;
  }
}
