// Runs one statement of a command on the writer and says what it did. It knows nothing of
// transactions: whoever calls it has opened one and decides what an error means for it.
import { renderBits } from '#command/outcome.ts';
import type { Unit } from './apply-work.ts';
import { bindParameters } from './bind-parameters.ts';
import type { DeterministicFunctions } from './deterministic-functions.ts';
import {
  type Bindings,
  type Engine,
  type EngineStatement,
  noBindings,
  type SqlError,
  sqlErrorFrom,
} from './engine.ts';
import { isMachineError } from './machine-errors.ts';
import { errorText, type ResultBounds, ResultError, RowsText, writeText } from './result-text.ts';
import type { Piece } from './statement-text.ts';
import { type PreparedPiece, TextCache } from './text-cache.ts';

/** An error of this machine: never a result. Thrown, so that nothing between here and the batch sees it. */
export class MachineError extends Error {
  override readonly name = 'MachineError';
  readonly code: string;

  constructor({ code, message }: SqlError) {
    super(message);
    this.code = code;
  }
}

/** Throws anew what is no error of a statement; gives the statement's error. */
export const statementErrorFrom = (thrown: unknown): SqlError => {
  const error = sqlErrorFrom(thrown);
  if (error === undefined) throw thrown;
  if (isMachineError(error.code)) throw new MachineError(error);
  return error;
};

/** What a statement did. */
export interface PieceOutcome {
  /** Result code by name; '' for success. */
  readonly code: string;
  readonly rowsAffected: number;
  readonly lastInsertId: bigint;
  /** Element of `results`; '' when nobody wants it. */
  readonly text: string;
}

/** One run: a unit of a command, its number in the command, and how to write the result. */
export interface PieceRun extends Unit {
  readonly number: number;
  readonly render: number;
}

/** Runs statements on one connection. */
export class PieceRunner {
  readonly texts: TextCache;
  readonly #functions: DeterministicFunctions;
  readonly #bounds: ResultBounds;
  readonly #nowMs: () => number;
  readonly #counters: EngineStatement;

  constructor(
    engine: Engine,
    functions: DeterministicFunctions,
    bounds: ResultBounds,
    nowMs: () => number,
  ) {
    this.texts = new TextCache(engine);
    this.#functions = functions;
    this.#bounds = bounds;
    this.#nowMs = nowMs;
    this.#counters = engine.prepare('SELECT changes(), last_insert_rowid()');
  }

  /** @throws MachineError */
  run(run: PieceRun): PieceOutcome {
    const piece = run.cached.pieces[run.at];
    const refusal = run.cached.refusal ?? piece?.refusal;
    if (refusal !== undefined) {
      return failed(run, { code: 'REFUSED', message: refusal.reason }, false);
    }
    // A comment, or nothing but semicolons.
    if (piece === undefined)
      return { code: '', ...noEffect, text: writeText(run.render, 0n, 0, 0) };
    let prepared: PreparedPiece;
    try {
      prepared = this.texts.prepare(run.cached, run.at);
    } catch (thrown) {
      return failed(run, statementErrorFrom(thrown), false);
    }
    if (piece.access === 'unknown') {
      return failed(
        run,
        { code: 'REFUSED', message: 'this kind of statement is not known' },
        false,
      );
    }
    const bound = bindParameters(piece, run.statement, run.taken);
    if (bound.kind === 'error') {
      return failed(run, { code: 'PARAMETERS', message: bound.message }, false);
    }
    this.#functions.startStatement(run.number);
    try {
      return prepared.shape === undefined
        ? this.#runForEffect(run, piece, prepared, bound.bindings)
        : this.#runForRows(run, piece, prepared, bound.bindings);
    } catch (thrown) {
      return failed(run, statementErrorFrom(thrown), piece.access === 'read');
    }
  }

  #runForEffect(
    run: PieceRun,
    piece: Piece,
    prepared: PreparedPiece,
    bindings: Bindings,
  ): PieceOutcome {
    const started = this.#startedMs(run);
    const { changes, lastInsertRowid } = prepared.statement.run(bindings);
    const rowsAffected = piece.access === 'write' ? changes : 0;
    const lastInsertId = inserts(piece) && changes > 0 ? lastInsertRowid : 0n;
    const text =
      run.render === 0
        ? ''
        : writeText(run.render, lastInsertId, rowsAffected, this.#secondsSince(started));
    return { code: '', rowsAffected, lastInsertId, text };
  }

  #runForRows(
    run: PieceRun,
    piece: Piece,
    prepared: PreparedPiece,
    bindings: Bindings,
  ): PieceOutcome {
    const started = this.#startedMs(run);
    const show = run.render !== 0 && (piece.returning || (run.render & renderBits.rows) !== 0);
    const rows =
      show && prepared.shape !== undefined
        ? new RowsText(prepared.shape, run.render, this.#bounds)
        : undefined;
    // To the last row, whoever waits: a later row may hold an error, which undoes the statement on
    // every replica alike.
    let tooMuch: ResultError | undefined;
    for (const row of prepared.statement.iterate(bindings, true)) {
      if (rows !== undefined && tooMuch === undefined) tooMuch = addRow(rows, row);
    }
    const effect = piece.access === 'write' ? this.#effect(piece) : noEffect;
    const seconds = this.#secondsSince(started);
    if (tooMuch !== undefined) {
      return { code: '', ...effect, text: errorText(run.render, tooMuch.message, true) };
    }
    const plain = run.render === 0 ? '' : writeText(run.render, 0n, 0, seconds);
    return { code: '', ...effect, text: rows?.finish(run.render, seconds) ?? plain };
  }

  #effect(piece: Piece): { readonly rowsAffected: number; readonly lastInsertId: bigint } {
    const [row] = this.#counters.all(noBindings, true);
    const rowsAffected = Number(row?.[0] ?? 0);
    const lastInsertId = row?.[1];
    return {
      rowsAffected,
      lastInsertId:
        inserts(piece) && rowsAffected > 0 && typeof lastInsertId === 'bigint' ? lastInsertId : 0n,
    };
  }

  #startedMs(run: PieceRun): number {
    return (run.render & renderBits.timings) === 0 ? 0 : this.#nowMs();
  }

  #secondsSince(startedMs: number): number {
    return startedMs === 0 ? 0 : (this.#nowMs() - startedMs) / 1000;
  }
}

const noEffect = { rowsAffected: 0, lastInsertId: 0n };

const inserts = (piece: Piece): boolean => piece.verb === 'INSERT' || piece.verb === 'REPLACE';

const addRow = (rows: RowsText, row: Parameters<RowsText['add']>[0]): ResultError | undefined => {
  try {
    rows.add(row);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof ResultError) return thrown;
    throw thrown;
  }
};

const failed = (run: PieceRun, error: SqlError, asRead: boolean): PieceOutcome => ({
  code: error.code,
  rowsAffected: 0,
  lastInsertId: 0n,
  text: run.render === 0 ? '' : errorText(run.render, error.message, asRead),
});
