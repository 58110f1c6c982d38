// BEGIN, COMMIT and the savepoint of a command on the writer's connection.
import { type Engine, type EngineStatement, noBindings, type SqlError } from './engine.ts';
import { MachineError, statementErrorFrom } from './run-piece.ts';

/** Transaction control of one connection. */
export class Transactions {
  readonly #engine: Engine;
  readonly #begin: EngineStatement;
  readonly #commit: EngineStatement;
  readonly #savepoint: EngineStatement;
  readonly #release: EngineStatement;
  readonly #rollbackTo: EngineStatement;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#begin = engine.prepare('BEGIN IMMEDIATE');
    this.#commit = engine.prepare('COMMIT');
    this.#savepoint = engine.prepare('SAVEPOINT command');
    this.#release = engine.prepare('RELEASE command');
    this.#rollbackTo = engine.prepare('ROLLBACK TO command');
  }

  /** Whether one is open. */
  get open(): boolean {
    return this.#engine.inTransaction;
  }

  /** @throws MachineError, like every method here: none of these can fail for a statement's sake */
  begin(): void {
    run(this.#begin);
  }

  /** The error that the statements caused at COMMIT (a deferred foreign key); the transaction is rolled back then. */
  commit(): SqlError | undefined {
    try {
      this.#commit.run(noBindings);
      return undefined;
    } catch (thrown) {
      const error = statementErrorFrom(thrown);
      this.rollback();
      return error;
    }
  }

  savepoint(): void {
    run(this.#savepoint);
  }

  /** Keeps or undoes what happened since the savepoint. */
  endSavepoint(keep: boolean): void {
    if (!keep) run(this.#rollbackTo);
    run(this.#release);
  }

  /** Ends an open transaction without a trace; nothing when none is open. */
  rollback(): void {
    if (this.#engine.inTransaction) this.#engine.execute('ROLLBACK');
  }
}

const run = (statement: EngineStatement): void => {
  try {
    statement.run(noBindings);
  } catch (thrown) {
    throw new MachineError(statementErrorFrom(thrown));
  }
};
