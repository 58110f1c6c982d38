// Opens a reader: a read-only connection on the current generation that judges statements and runs
// queries. Every layer here stops the main attacks by itself: the classification by tokens, the
// filled attach slots, query_only, the untrusted schema, the read-only file.
import type { Clock } from '#io/clock.ts';
import type { FileSystem } from '#io/file-system.ts';
import type { Random } from '#io/random.ts';
import { resultBytesMax, rowsMax } from '#limits.ts';
import { hashContent } from './content-hash.ts';
import { currentDatabaseFiles } from './database-files.ts';
import { type EngineStatement, noBindings } from './engine.ts';
import { Guard } from './guard.ts';
import { costOf, RowCounts } from './judge-cost.ts';
import { PositionStore } from './position.ts';
import { openQueryConnection, type QueryConnection } from './query-connection.ts';
import type {
  ContentHash,
  JudgeReply,
  JudgeRequest,
  Reader,
  ReadReply,
  ReadRequest,
} from './reader.ts';
import { QueryRunner } from './run-query.ts';
import { StatementGarbage } from './statement-garbage.ts';
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
  /** Runs the garbage collector, all of it; nothing unless given. */
  readonly collect?: () => void;
}

const schemaText = `SELECT type, name, sql FROM sqlite_schema
  WHERE sql IS NOT NULL AND substr(lower(name), 1, 10) <> '_stockade_' ORDER BY rowid`;

/** Rewritten texts kept; the longest takes 2 MiB with its original, most some hundred bytes. */
const rewrittenMax = 256;

class OpenReader implements Reader {
  readonly #connection: QueryConnection;
  readonly #options: ReaderOptions;
  readonly #store: PositionStore;
  readonly #schema: EngineStatement;
  readonly #queries: QueryRunner;
  readonly #rows: RowCounts;
  readonly #garbage: StatementGarbage;
  #lookedAfter = -1;
  #guard: Guard | undefined;
  #schemaIndex = -1;
  /** Texts of reads with double-quoted strings, as they are run under this schema. */
  readonly #rewritten = new Map<string, string>();

  constructor(connection: QueryConnection, options: ReaderOptions) {
    const { engine } = connection;
    this.#connection = connection;
    this.#options = options;
    this.#store = new PositionStore(engine);
    this.#schema = engine.prepare(schemaText);
    this.#rows = new RowCounts(engine);
    this.#garbage = new StatementGarbage(options.collect ?? (() => undefined));
    this.#queries = new QueryRunner(connection, this.#rows, () => options.clock.monotonicMs());
  }

  judge(request: JudgeRequest): JudgeReply {
    this.#garbage.count(request.texts);
    return this.#inSnapshot((schemaIndex) => {
      this.#rows.forget();
      return { schemaIndex, verdicts: this.#currentGuard().judge(request) };
    });
  }

  read(request: ReadRequest): ReadReply {
    const started = this.#options.clock.monotonicMs();
    return this.#inSnapshot((schemaIndex, appliedIndex) => {
      const { texts, doubleQuotedStrings = false } = request;
      const { preparations } = this.#queries;
      const result = this.#queries.run({
        ...request,
        texts: doubleQuotedStrings ? texts.map((text) => this.#withStrings(text)) : texts,
        rowsMax: Math.min(request.rowsMax, rowsMax),
        bytesMax: Math.min(request.bytesMax, resultBytesMax),
      });
      if (this.#queries.preparations !== preparations) this.#garbage.count(texts);
      const microseconds = Math.round((this.#options.clock.monotonicMs() - started) * 1000);
      return { ...result, appliedIndex, schemaIndex, microseconds };
    });
  }

  contentHash(onSnapshot: (appliedIndex: number) => void = () => undefined): ContentHash {
    const { engine } = this.#connection;
    return this.#inSnapshot((schemaIndex, appliedIndex) => {
      const { term, chain } = this.#store.read();
      onSnapshot(appliedIndex);
      return {
        appliedIndex,
        appliedTerm: term,
        schemaIndex,
        outcomeChain: chain.toString('hex'),
        ...hashContent(engine),
      };
    });
  }

  intact(): boolean {
    // Only what was prepared since the last look can have changed anything; most texts come again.
    const { preparations } = this.#queries;
    if (preparations !== this.#lookedAfter && !this.#connection.unchanged()) return false;
    this.#lookedAfter = preparations;
    return !this.#connection.engine.inTransaction;
  }

  tidy(): void {
    this.#garbage.collectWhenMuch();
  }

  close(): void {
    this.#guard?.close();
    this.#connection.engine.close();
  }

  #inSnapshot<Reply>(work: (schemaIndex: number, appliedIndex: number) => Reply): Reply {
    this.#connection.begin();
    try {
      const { schemaIndex, index } = this.#store.read();
      if (schemaIndex !== this.#schemaIndex) this.#forgetSchema(schemaIndex);
      return work(schemaIndex, index);
    } finally {
      this.#connection.end();
    }
  }

  #currentGuard(): Guard {
    this.#guard ??= new Guard(this.#readSchema(), (piece, onTwin) =>
      costOf(this.#connection.engine, this.#rows, piece, onTwin),
    );
    return this.#guard;
  }

  /** The text as it is run where double-quoted strings are allowed; most hold none. */
  #withStrings(text: string): string {
    if (!text.includes('"')) return text;
    const known = this.#rewritten.get(text);
    if (known !== undefined) return known;
    const request = { texts: [text], heavy: true, doubleQuotedStrings: true };
    const [verdict] = this.#currentGuard().judge(request);
    const made = verdict?.kind === 'allowed' ? (verdict.instead ?? text) : text;
    if (this.#rewritten.size >= rewrittenMax) this.#rewritten.clear();
    this.#rewritten.set(text, made);
    return made;
  }

  #forgetSchema(schemaIndex: number): void {
    this.#guard?.close();
    this.#guard = undefined;
    this.#rewritten.clear();
    this.#queries.forgetPrepared();
    this.#schemaIndex = schemaIndex;
  }

  #readSchema(): readonly SchemaObject[] {
    return this.#schema
      .all(noBindings, false)
      .map(([type, name, sql]) => ({ type: String(type), name: String(name), sql: String(sql) }));
  }
}

/**
 * Opens a reader of a data folder.
 *
 * @throws CodedError `data_folder_foreign`, `storage_failed`
 */
export const openReader = (options: ReaderOptions): Reader => {
  const { database } = currentDatabaseFiles(options.dataFolder, options.files);
  const connection = openQueryConnection(database, options.random);
  try {
    return new OpenReader(connection, options);
  } catch (thrown) {
    connection.engine.close();
    throw thrown;
  }
};
