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
  type SqlValue,
} from './engine.ts';
import { statementErrorFrom } from './machine-errors.ts';
import {
  errorText,
  type ResultBounds,
  ResultError,
  RowsText,
  withinBytes,
  writeText,
} from './result-text.ts';
import { guardRowids, rowidErrorFrom, rowidsExhausted } from './rowid-space.ts';
import { forgetShadowStatistics } from './shadow-tables.ts';
import { type Piece, touchesSchema } from './statement-text.ts';
import { type PreparedPiece, TextCache } from './text-cache.ts';
import type { Transactions } from './transactions.ts';

/** What a statement did. */
export interface PieceOutcome {
  /** Result code by name; '' for success. */
  readonly code: string;
  readonly rowsAffected: number;
  readonly lastInsertId: bigint;
  /** Element of `results`; '' when nobody wants it. */
  readonly text: string;
}

/** What statements are run with. */
export interface PieceContext {
  readonly engine: Engine;
  readonly transactions: Transactions;
  readonly functions: DeterministicFunctions;
  readonly bounds: ResultBounds;
  readonly nowMs: () => number;
}

/** Runs statements on one connection. */
export class PieceRunner {
  readonly texts: TextCache;
  readonly #engine: Engine;
  readonly #transactions: Transactions;
  readonly #functions: DeterministicFunctions;
  readonly #bounds: ResultBounds;
  #bytesLeft = 0;
  readonly #nowMs: () => number;
  readonly #counters: EngineStatement;
  /**
   * A virtual table keeps rows in memory until a savepoint or the COMMIT, and how it stores them
   * depends on how many came together: while there is one each write gets a savepoint.
   */
  #virtual = false;
  #stale = false;

  constructor({ engine, transactions, functions, bounds, nowMs }: PieceContext) {
    this.texts = new TextCache(engine);
    this.#engine = engine;
    this.#transactions = transactions;
    this.#functions = functions;
    this.#bounds = bounds;
    this.#nowMs = nowMs;
    this.#counters = engine.prepare('SELECT changes(), last_insert_rowid()');
    this.forgetSchema();
  }

  /** Before the statements of a command: its results share one bound, of so many bytes at most. */
  startCommand(bytesMax = this.#bounds.bytesMax): void {
    this.#bytesLeft = Math.min(bytesMax, this.#bounds.bytesMax);
  }

  /**
   * A write was undone, and virtual tables keep settings in memory that do not follow: the schema
   * is to be read anew before the next command.
   */
  get stale(): boolean {
    return this.#stale;
  }

  /** Statements that had succeeded are undone, or may be. */
  undone(): void {
    this.#stale = this.#virtual;
  }

  /** After a change of the schema, or one that was undone. */
  forgetSchema(): void {
    this.#stale = false;
    this.texts.forgetPrepared();
    guardRowids(this.#engine);
    this.#virtual = this.#engine.value(virtualTables) === 1;
  }

  /**
   * Runs one unit; `render` says how its result is written, 0 that nobody wants it.
   *
   * @throws MachineError
   */
  run(unit: Unit, render: number): PieceOutcome {
    const { cached, at } = unit;
    const piece = cached.pieces[at];
    const refusal = cached.refusal ?? piece?.refusal;
    if (refusal !== undefined) return failed(render, 'REFUSED', refusal.reason);
    // A comment, or nothing but semicolons.
    if (piece === undefined) return { code: '', ...noEffect, text: writeText(render, 0n, 0, 0) };
    let prepared: PreparedPiece;
    try {
      prepared = this.texts.prepare(cached, at);
    } catch (thrown) {
      const { code, message } = statementErrorFrom(thrown);
      return failed(render, code, message);
    }
    if (piece.access === 'unknown') return failed(render, 'REFUSED', 'unknown kind of statement');
    const bound = bindParameters(piece, unit.statement, unit.taken);
    if (bound.kind === 'error') return failed(render, 'PARAMETERS', bound.message);
    this.#functions.startStatement(unit.number);
    if (piece.access === 'write' && this.#virtual) {
      return this.#runWithin(piece, prepared, bound.bindings, render);
    }
    const outcome = this.#runPrepared(piece, prepared, bound.bindings, render);
    if (outcome.code === '' && touchesSchema(piece)) this.#schemaTouched(piece);
    return outcome;
  }

  /** Within a savepoint of its own. */
  #runWithin(
    piece: Piece,
    prepared: PreparedPiece,
    bindings: Bindings,
    render: number,
  ): PieceOutcome {
    this.#transactions.statement.begin();
    const outcome = this.#runPrepared(piece, prepared, bindings, render);
    // RAISE(ROLLBACK) takes the savepoint along with the transaction.
    if (this.#transactions.open) {
      this.#transactions.statement.end(outcome.code !== rowidsExhausted);
    }
    return outcome;
  }

  #schemaTouched({ verb }: Piece): void {
    if (verb === 'ANALYZE') forgetShadowStatistics(this.#engine);
    this.forgetSchema();
  }

  #runPrepared(
    piece: Piece,
    prepared: PreparedPiece,
    bindings: Bindings,
    render: number,
  ): PieceOutcome {
    try {
      return prepared.shape === undefined
        ? this.#runForEffect(piece, prepared.statement, bindings, render)
        : this.#runForRows(piece, prepared, bindings, render);
    } catch (thrown) {
      const { code, message } = rowidErrorFrom(statementErrorFrom(thrown));
      return failed(render, code, message, piece.access === 'read');
    }
  }

  #runForEffect(
    piece: Piece,
    statement: EngineStatement,
    bindings: Bindings,
    render: number,
  ): PieceOutcome {
    const started = this.#startedMs(render);
    const { changes, lastInsertRowid } = statement.run(bindings);
    const rowsAffected = piece.access === 'write' ? changes : 0;
    const lastInsertId = inserts(piece) && changes > 0 ? lastInsertRowid : 0n;
    const text =
      render === 0
        ? ''
        : writeText(render, lastInsertId, rowsAffected, this.#secondsSince(started));
    return { code: '', rowsAffected, lastInsertId, text };
  }

  #runForRows(
    piece: Piece,
    { statement, shape }: PreparedPiece,
    bindings: Bindings,
    render: number,
  ): PieceOutcome {
    const started = this.#startedMs(render);
    const show = render !== 0 && (piece.returning || (render & renderBits.rows) !== 0);
    const rows =
      show && shape !== undefined
        ? new RowsText(shape, render, { ...this.#bounds, bytesMax: this.#bytesLeft })
        : undefined;
    // To the last row, whoever waits: a later row may hold an error, which undoes the statement on
    // every replica alike.
    let tooMuch: ResultError | undefined;
    for (const row of statement.iterate(bindings, true)) {
      if (rows !== undefined && tooMuch === undefined) tooMuch = addRow(rows, row);
    }
    const effect = piece.access === 'write' ? this.#effect(piece) : noEffect;
    const seconds = this.#secondsSince(started);
    // The write stands; only its rows cannot be shown.
    if (tooMuch !== undefined) {
      return { code: '', ...effect, text: errorText(render, tooMuch.message, true) };
    }
    const plain = render === 0 ? '' : writeText(render, 0n, 0, seconds);
    return {
      code: '',
      ...effect,
      text: rows === undefined ? plain : this.#element(rows, render, seconds),
    };
  }

  #element(rows: RowsText, render: number, seconds: number): string {
    const text = withinBytes(rows.finish(render, seconds), this.#bytesLeft, render);
    this.#bytesLeft = Math.max(0, this.#bytesLeft - Buffer.byteLength(text));
    return text;
  }

  #effect(piece: Piece): Effect {
    const [changes, id] = this.#counters.all(noBindings, true)[0] ?? [];
    const rowsAffected = Number(changes);
    const inserted = inserts(piece) && rowsAffected > 0 && typeof id === 'bigint';
    return { rowsAffected, lastInsertId: inserted ? id : 0n };
  }

  #startedMs(render: number): number {
    return (render & renderBits.timings) === 0 ? 0 : this.#nowMs();
  }

  #secondsSince(startedMs: number): number {
    return startedMs === 0 ? 0 : (this.#nowMs() - startedMs) / 1000;
  }
}

type Effect = Pick<PieceOutcome, 'rowsAffected' | 'lastInsertId'>;

const noEffect: Effect = { rowsAffected: 0, lastInsertId: 0n };

const virtualTables =
  "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND rootpage = 0)";

const inserts = (piece: Piece): boolean => piece.verb === 'INSERT' || piece.verb === 'REPLACE';

const addRow = (rows: RowsText, row: readonly SqlValue[]): ResultError | undefined => {
  try {
    rows.add(row);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof ResultError) return thrown;
    throw thrown;
  }
};

const failed = (render: number, code: string, message: string, asRead = false): PieceOutcome => ({
  code,
  ...noEffect,
  text: render === 0 ? '' : errorText(render, message, asRead),
});
