// BEGIN, COMMIT and savepoints on the writer's connection.
import { type Engine, type EngineStatement, noBindings, type SqlError } from './engine.ts';
import { MachineError, statementErrorFrom } from './machine-errors.ts';

/** A savepoint that is used again and again. */
export class Savepoint {
  readonly #savepoint: EngineStatement;
  readonly #release: EngineStatement;
  readonly #rollbackTo: EngineStatement;

  constructor(engine: Engine, name: string) {
    this.#savepoint = engine.prepare(`SAVEPOINT ${name}`);
    this.#release = engine.prepare(`RELEASE ${name}`);
    this.#rollbackTo = engine.prepare(`ROLLBACK TO ${name}`);
  }

  /** @throws MachineError, like every method here: none of these can fail for a statement's sake */
  begin(): void {
    run(this.#savepoint);
  }

  /** Keeps or undoes what happened since. */
  end(keep: boolean): void {
    if (!keep) run(this.#rollbackTo);
    run(this.#release);
  }
}

/** Transaction control of one connection. */
export class Transactions {
  /** Around a command, and around one of its statements. */
  readonly command: Savepoint;
  readonly statement: Savepoint;
  readonly #engine: Engine;
  readonly #begin: EngineStatement;
  readonly #commit: EngineStatement;

  constructor(engine: Engine) {
    this.command = new Savepoint(engine, 'command');
    this.statement = new Savepoint(engine, 'statement');
    this.#engine = engine;
    this.#begin = engine.prepare('BEGIN IMMEDIATE');
    this.#commit = engine.prepare('COMMIT');
  }

  /** Whether one is open. */
  get open(): boolean {
    return this.#engine.inTransaction;
  }

  /** @throws MachineError */
  begin(): void {
    run(this.#begin);
  }

  /**
   * The error that statements caused at COMMIT (a deferred foreign key); all is rolled back then.
   */
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
