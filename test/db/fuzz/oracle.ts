// What a statement really does, whatever the guard says of it: it is run, under SQLite's own
// authorizer on one engine, and on the engine of the writer with everything looked at that it could
// have changed besides rows.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { constants, DatabaseSync } from 'node:sqlite';
import { nullBindings } from '#db/bind-parameters.ts';
import { defineDeterministicFunctions } from '#db/deterministic-functions.ts';
import { type Engine, noBindings, openEngine, sqlErrorFrom } from '#db/engine.ts';
import { openReader } from '#db/open-reader.ts';
import { openWriter } from '#db/open-writer.ts';
import type { Reader, Verdict } from '#db/reader.ts';
import { guardRowids } from '#db/rowid-space.ts';
import { type Piece, takeApart } from '#db/statement-text.ts';
import { commandEntry, effects } from '../support.ts';

const schema = [
  'CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)',
  'CREATE TABLE u(a UNIQUE, b)',
  'CREATE TABLE w(k PRIMARY KEY, a) WITHOUT ROWID',
  'CREATE TABLE s(id INTEGER PRIMARY KEY AUTOINCREMENT, a)',
  'CREATE TABLE logged(a)',
  'CREATE VIEW v AS SELECT a, b FROM t',
  'CREATE INDEX i ON t(a)',
  'CREATE VIRTUAL TABLE ft USING fts5(a, b)',
  'CREATE VIRTUAL TABLE rt USING rtree(id, x0, x1)',
  'CREATE TRIGGER g AFTER INSERT ON logged BEGIN INSERT INTO u(a) VALUES(new.a); END',
  "INSERT INTO t(a, b) VALUES(1, 'x'), (2, 'y'), ('now', NULL)",
  "INSERT INTO u VALUES(1, 2), ('a', 'b')",
  "INSERT INTO w VALUES(1, 2), ('k', 'a')",
  'INSERT INTO s(a) VALUES(1)',
  "INSERT INTO ft VALUES('one two', 'three')",
  'INSERT INTO rt VALUES(1, 2, 3)',
];

const shadow = /^(?:ft|rt|n\d)_(?:data|idx|content|docsize|config|node|parent|rowid)$/;

const never = new Map<number, string>([
  [constants.SQLITE_ATTACH, 'ATTACH'],
  [constants.SQLITE_DETACH, 'DETACH'],
  [constants.SQLITE_TRANSACTION, 'a transaction'],
  [constants.SQLITE_SAVEPOINT, 'a savepoint'],
  [constants.SQLITE_CREATE_TEMP_TABLE, 'a temporary table'],
  [constants.SQLITE_CREATE_TEMP_VIEW, 'a temporary view'],
  [constants.SQLITE_CREATE_TEMP_TRIGGER, 'a temporary trigger'],
  [constants.SQLITE_CREATE_TEMP_INDEX, 'a temporary index'],
]);
const rowActions = new Set<number>([
  constants.SQLITE_INSERT,
  constants.SQLITE_UPDATE,
  constants.SQLITE_DELETE,
]);
const neverCalled = new Set([
  'load_extension',
  'fts3_tokenizer',
  'sqlite_log',
  'fts5_locale',
  'readfile',
  'writefile',
]);
/** Full-text and R-tree tables look at these by themselves. */
const ownPragmas = new Set(['data_version', 'page_size']);

/** Everything that a statement could change for those behind it. */
const stateText = `SELECT
  (SELECT group_concat(seq || name || file, char(10)) FROM pragma_database_list),
  (SELECT count(*) FROM sqlite_temp_schema WHERE name NOT GLOB '_stockade_rowids_*'),
  (SELECT journal_mode FROM pragma_journal_mode),
  (SELECT foreign_keys FROM pragma_foreign_keys),
  (SELECT query_only FROM pragma_query_only),
  (SELECT trusted_schema FROM pragma_trusted_schema),
  (SELECT recursive_triggers FROM pragma_recursive_triggers),
  (SELECT user_version FROM pragma_user_version),
  (SELECT cache_size FROM pragma_cache_size),
  (SELECT synchronous FROM pragma_synchronous),
  (SELECT locking_mode FROM pragma_locking_mode),
  (SELECT ignore_check_constraints FROM pragma_ignore_check_constraints),
  (SELECT reverse_unordered_selects FROM pragma_reverse_unordered_selects),
  (SELECT temp_store FROM pragma_temp_store),
  (SELECT defer_foreign_keys FROM pragma_defer_foreign_keys),
  (SELECT group_concat(quote(name) || quote(value)) FROM _stockade_values),
  (SELECT group_concat(quote(sql)) FROM sqlite_schema WHERE tbl_name GLOB '_stockade_*'),
  (SELECT total(applied_index) FROM _stockade_meta)`;

type Allowed = Extract<Verdict, { readonly kind: 'allowed' }>;

/** Finds out what texts do. */
export class Oracle {
  readonly #folder: string;
  readonly #reader: Reader;
  readonly #watched: DatabaseSync;
  readonly #engine: Engine;
  readonly #state: string;
  readonly #files: string;
  readonly #close: () => void;
  #reports: (readonly [action: number, first: string, second: string])[] = [];

  /** `folder` is empty, and watched. */
  constructor(folder: string) {
    this.#folder = folder;
    const dataFolder = join(folder, 'data');
    const writer = openWriter({ dataFolder, ...effects });
    writer.apply([commandEntry(1, schema)]);
    writer.close();
    this.#reader = openReader({ dataFolder, ...effects });
    this.#watched = new DatabaseSync(':memory:');
    this.#watched.enableDefensive(true);
    this.#watched.function('soundex', { varargs: true }, () => null);
    for (const text of schema) this.#watched.exec(text);
    this.#watched.setAuthorizer((action, first, second) => {
      this.#reports.push([action, (first ?? '').toLowerCase(), (second ?? '').toLowerCase()]);
      return constants.SQLITE_OK;
    });
    const path = join(dataFolder, 'db', '00000001', 'state.sqlite');
    this.#engine = openEngine(path, { readonly: false, busyTimeoutMs: 0 });
    const functions = defineDeterministicFunctions(this.#engine);
    functions.startEntry(0, Buffer.alloc(16));
    guardRowids(this.#engine);
    this.#close = () => functions.close();
    this.#state = this.#stateNow();
    this.#files = this.#filesNow();
  }

  /** What the guard says. */
  judge(text: string): Verdict {
    const [verdict] = this.#reader.judge({ texts: [text] }).verdicts;
    if (verdict === undefined) throw new Error('no verdict');
    return verdict;
  }

  /** Runs what was allowed; why it should not have been, or undefined. */
  violationOf(text: string, verdict: Allowed): string | undefined {
    const { pieces, solo } = takeApart(verdict.instead ?? text);
    this.#watched.exec('BEGIN');
    this.#engine.execute('BEGIN');
    try {
      for (const piece of pieces) {
        const found = this.#runWatched(piece, verdict) ?? this.#runOnEngine(piece, verdict);
        if (found !== undefined) return found;
        if (this.#engine.inTransaction) continue;
        // It may end the one it has for itself; behind that error the writer runs no more of it.
        return solo ? undefined : `the transaction ended: ${piece.text}`;
      }
      return undefined;
    } finally {
      this.#undo();
    }
  }

  /** A look at the reader itself, now and then. */
  intact(): boolean {
    return this.#reader.intact() && this.#filesNow() === this.#files;
  }

  close(): void {
    this.#reader.close();
    this.#watched.close();
    this.#close();
    this.#engine.close();
  }

  #undo(): void {
    this.#watched.setAuthorizer(null);
    if (this.#watched.isTransaction) this.#watched.exec('ROLLBACK');
    this.#watched.setAuthorizer((action, first, second) => {
      this.#reports.push([action, (first ?? '').toLowerCase(), (second ?? '').toLowerCase()]);
      return constants.SQLITE_OK;
    });
    if (this.#engine.inTransaction) this.#engine.execute('ROLLBACK');
  }

  #runWatched(piece: Piece, verdict: Allowed): string | undefined {
    this.#reports = [];
    try {
      const statement = this.#watched.prepare(piece.text);
      const values = nullBindings(piece);
      if (verdict.cost === 'small') {
        if (values.named === undefined) statement.all(...values.anonymous.map(() => null));
        else statement.all();
      }
    } catch {
      // An error is no escape; what was reported before it counts.
    }
    for (const [action, first, second] of this.#reports) {
      const found = this.#judgeReport(action, first, second, piece, verdict);
      if (found !== undefined) return `${found} (${piece.text})`;
    }
    return undefined;
  }

  #judgeReport(
    action: number,
    first: string,
    second: string,
    piece: Piece,
    verdict: Allowed,
  ): string | undefined {
    const forbidden = never.get(action);
    if (forbidden !== undefined) return forbidden;
    if (first.startsWith('_stockade_')) return `our table ${first}`;
    if (action === constants.SQLITE_PRAGMA) {
      const asTable = verdict.reads.some((name) => name.toLowerCase() === `pragma_${first}`);
      const known = piece.verb === 'PRAGMA' || ownPragmas.has(first) || asTable;
      return known ? undefined : `PRAGMA ${first}`;
    }
    if (action === constants.SQLITE_FUNCTION) {
      return neverCalled.has(second) ? `the function ${second}` : undefined;
    }
    if (!rowActions.has(action) || piece.explained || shadow.test(first)) return undefined;
    if (verdict.access === 'read') return `a write to ${first} by a read`;
    if (verdict.access === 'write' && first.startsWith('sqlite_') && first !== 'sqlite_sequence') {
      return `a write to ${first}`;
    }
    const known = verdict.writes.some((name) => name.toLowerCase() === first);
    return verdict.access === 'write' && !known && !first.startsWith('sqlite_')
      ? `a write to ${first} that the verdict does not name`
      : undefined;
  }

  #runOnEngine(piece: Piece, verdict: Allowed): string | undefined {
    if (verdict.cost !== 'small') return undefined;
    const startedMs = performance.now();
    let readonly = true;
    try {
      const statement = this.#engine.prepare(piece.text);
      ({ readonly } = statement);
      if (statement.returnsRows) statement.all(nullBindings(piece), true);
      else statement.run(nullBindings(piece));
    } catch (thrown) {
      const error = sqlErrorFrom(thrown);
      if (error === undefined) throw thrown;
      if (/FULL|NOMEM|CORRUPT$|IOERR|CANTOPEN/.test(error.code))
        return `${error.code}: ${piece.text}`;
    }
    const tookMs = performance.now() - startedMs;
    if (tookMs > slowMs) return `${Math.round(tookMs)} ms: ${piece.text}`;
    if (verdict.access === 'read' && !readonly && !piece.explained)
      return `not read-only: ${piece.text}`;
    if (this.#stateNow() !== this.#state) return `the connection changed: ${piece.text}`;
    if (this.#filesNow() !== this.#files) return `files changed: ${piece.text}`;
    return undefined;
  }

  #stateNow(): string {
    return JSON.stringify(this.#engine.prepare(stateText).all(noBindings, false));
  }

  #filesNow(): string {
    return readdirSync(this.#folder, { recursive: true, encoding: 'utf8' }).sort().join();
  }
}

/** `small` means some fifty milliseconds at worst; a busy machine may take many times that. */
const slowMs = 5000;
