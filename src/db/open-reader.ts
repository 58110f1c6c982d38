// Opens a reader: a read-only connection on the current generation that judges statements and runs
// queries. Every layer here stops the main attacks by itself: the classification by tokens, the
// filled attach slots, query_only, the untrusted schema, the read-only file.
import type { Clock } from '#io/clock.ts';
import type { FileSystem } from '#io/file-system.ts';
import type { Random } from '#io/random.ts';
import { resultBytesMax, rowsMax } from '#limits.ts';
import { applySettings, checkVersion, readerSettings } from './connection-settings.ts';
import { currentDatabaseFiles } from './database-files.ts';
import { type Engine, type EngineStatement, noBindings, openEngine } from './engine.ts';
import { Guard } from './guard.ts';
import { costOf, RowCounts } from './judge-cost.ts';
import { PositionStore } from './position.ts';
import type { JudgeReply, JudgeRequest, Reader, ReadReply, ReadRequest } from './reader.ts';
import { QueryRunner } from './run-query.ts';
import type { SchemaObject } from './twin.ts';

/** How to open a reader. */
export interface ReaderOptions {
  /** The data folder; a writer has made the database. */
  readonly dataFolder: string;
  readonly files: FileSystem;
  /** Unpredictable: makes names that no statement can guess. */
  readonly random: Random;
  /** For durations. */
  readonly clock: Clock;
}

/** SQLite's limit of attached databases (SQLITE_MAX_ATTACHED of the engine). */
const slotsMax = 10;

const slotNames = (random: Random): readonly string[] =>
  Array.from({ length: slotsMax }, () => `slot_${Buffer.from(random.bytes(16)).toString('hex')}`);

/** With every slot taken ATTACH and VACUUM INTO fail inside SQLite, whatever their text is. */
const fillSlots = (engine: Engine, names: readonly string[]): void => {
  for (const name of names) engine.execute(`ATTACH ':memory:' AS ${name}`);
};

/** Reading every slot within a transaction makes DETACH fail as well. */
const touchSlotsText = (names: readonly string[]): string =>
  `SELECT ${names.map((name) => `(SELECT count(*) FROM ${name}.sqlite_schema)`).join(' + ')}`;

const stateText =
  "SELECT (SELECT group_concat(seq || ' ' || name || ' ' || file, char(10)) FROM pragma_database_list), (SELECT query_only FROM pragma_query_only), (SELECT trusted_schema FROM pragma_trusted_schema), (SELECT foreign_keys FROM pragma_foreign_keys)";

const schemaText = `SELECT type, name, sql FROM sqlite_schema
  WHERE sql IS NOT NULL AND substr(lower(name), 1, 10) <> '_stockade_' ORDER BY rowid`;

class OpenReader implements Reader {
  readonly #engine: Engine;
  readonly #options: ReaderOptions;
  readonly #store: PositionStore;
  readonly #begin: EngineStatement;
  readonly #end: EngineStatement;
  readonly #touchSlots: EngineStatement;
  readonly #schema: EngineStatement;
  readonly #queries: QueryRunner;
  readonly #rows: RowCounts;
  readonly #state: string;
  #guard: Guard | undefined;
  #schemaIndex = -1;

  constructor(engine: Engine, options: ReaderOptions) {
    this.#engine = engine;
    this.#options = options;
    checkVersion(engine);
    const slots = slotNames(options.random);
    fillSlots(engine, slots);
    applySettings(engine, readerSettings);
    this.#store = new PositionStore(engine);
    this.#begin = engine.prepare('BEGIN');
    this.#end = engine.prepare('ROLLBACK');
    this.#touchSlots = engine.prepare(touchSlotsText(slots));
    this.#schema = engine.prepare(schemaText);
    this.#queries = new QueryRunner(engine, () => options.clock.monotonicMs());
    this.#rows = new RowCounts(engine);
    this.#state = this.#stateNow();
  }

  judge(request: JudgeRequest): JudgeReply {
    return this.#inSnapshot((schemaIndex) => {
      this.#rows.forget();
      this.#guard ??= new Guard(this.#readSchema(), (piece, onTwin) =>
        costOf(this.#engine, this.#rows, piece, onTwin),
      );
      return { schemaIndex, verdicts: this.#guard.judge(request) };
    });
  }

  read(request: ReadRequest): ReadReply {
    const started = this.#options.clock.monotonicMs();
    return this.#inSnapshot((_schemaIndex, appliedIndex) => {
      const result = this.#queries.run({
        ...request,
        rowsMax: Math.min(request.rowsMax, rowsMax),
        bytesMax: Math.min(request.bytesMax, resultBytesMax),
      });
      const microseconds = Math.round((this.#options.clock.monotonicMs() - started) * 1000);
      return { ...result, appliedIndex, microseconds };
    });
  }

  intact(): boolean {
    return !this.#engine.inTransaction && this.#stateNow() === this.#state;
  }

  close(): void {
    this.#guard?.close();
    this.#engine.close();
  }

  #inSnapshot<Reply>(work: (schemaIndex: number, appliedIndex: number) => Reply): Reply {
    this.#begin.run(noBindings);
    try {
      this.#touchSlots.all(noBindings, false);
      const { schemaIndex, index } = this.#store.read();
      if (schemaIndex !== this.#schemaIndex) this.#forgetSchema(schemaIndex);
      return work(schemaIndex, index);
    } finally {
      if (this.#engine.inTransaction) this.#end.run(noBindings);
    }
  }

  #forgetSchema(schemaIndex: number): void {
    this.#guard?.close();
    this.#guard = undefined;
    this.#queries.forgetPrepared();
    this.#schemaIndex = schemaIndex;
  }

  #readSchema(): readonly SchemaObject[] {
    return this.#schema
      .all(noBindings, false)
      .map(([type, name, sql]) => ({ type: String(type), name: String(name), sql: String(sql) }));
  }

  /** Everything a statement could have changed for those who come next. */
  #stateNow(): string {
    return JSON.stringify(this.#engine.prepare(stateText).all(noBindings, false));
  }
}

/**
 * Opens a reader of a data folder.
 *
 * @throws CodedError `data_folder_foreign`, `storage_failed`
 */
export const openReader = (options: ReaderOptions): Reader => {
  const { database } = currentDatabaseFiles(options.dataFolder, options.files);
  const engine = openEngine(database, { readonly: true, busyTimeoutMs: 0 });
  try {
    return new OpenReader(engine, options);
  } catch (thrown) {
    engine.close();
    throw thrown;
  }
};
