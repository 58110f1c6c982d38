// A read-only connection for statements of users: its attach slots filled, its settings checked.
// Each layer stops the main attacks by itself, also when the guard in front of it fails.
import type { Random } from '#io/random.ts';
import {
  applySettings,
  checkVersion,
  closingSettings,
  readerSettings,
} from './connection-settings.ts';
import { type Engine, type EngineStatement, noBindings, openEngine } from './engine.ts';
import type { Piece } from './statement-text.ts';
import { makeVisibleSchema, withVisibleSchema } from './visible-schema.ts';

/** The connection, and what is needed to keep it as it is. */
export interface QueryConnection {
  readonly engine: Engine;
  /** The text to prepare for a query. */
  textOf(piece: Piece): string;
  /** Begins a snapshot in which DETACH fails as well. */
  begin(): void;
  end(): void;
  /** False when something is not as it was when the connection was opened. */
  unchanged(): boolean;
}

/** SQLite's limit of attached databases (SQLITE_MAX_ATTACHED of the engine). */
const slotsMax = 10;
const nameBytes = 16;

const unguessableName = (prefix: string, random: Random): string =>
  `${prefix}_${Buffer.from(random.bytes(nameBytes)).toString('hex')}`;

const slotNames = (random: Random): readonly string[] =>
  Array.from({ length: slotsMax }, () => unguessableName('slot', random));

const touchText = (slots: readonly string[]): string =>
  `SELECT ${slots.map((slot) => `(SELECT count(*) FROM ${slot}.sqlite_schema)`).join(' + ')}`;

/** Everything that a statement could change for those who come next. */
const stateText = `SELECT
  (SELECT group_concat(seq || ' ' || name || ' ' || file, char(10)) FROM pragma_database_list),
  (SELECT query_only FROM pragma_query_only),
  (SELECT trusted_schema FROM pragma_trusted_schema),
  (SELECT foreign_keys FROM pragma_foreign_keys),
  (SELECT recursive_triggers FROM pragma_recursive_triggers),
  (SELECT cell_size_check FROM pragma_cell_size_check),
  (SELECT temp_store FROM pragma_temp_store),
  (SELECT locking_mode FROM pragma_locking_mode),
  (SELECT ignore_check_constraints FROM pragma_ignore_check_constraints),
  (SELECT reverse_unordered_selects FROM pragma_reverse_unordered_selects),
  (SELECT cache_size FROM pragma_cache_size),
  (SELECT timeout FROM pragma_busy_timeout),
  (SELECT group_concat(name) FROM sqlite_temp_schema),
  (SELECT writable_schema FROM pragma_writable_schema),
  (SELECT legacy_alter_table FROM pragma_legacy_alter_table),
  (SELECT automatic_index FROM pragma_automatic_index),
  (SELECT analysis_limit FROM pragma_analysis_limit),
  (SELECT threads FROM pragma_threads),
  (SELECT cache_spill FROM pragma_cache_spill),
  (SELECT secure_delete FROM pragma_secure_delete),
  (SELECT synchronous FROM pragma_synchronous),
  (SELECT read_uncommitted FROM pragma_read_uncommitted),
  (SELECT short_column_names FROM pragma_short_column_names),
  (SELECT full_column_names FROM pragma_full_column_names),
  (SELECT hard_heap_limit FROM pragma_hard_heap_limit),
  (SELECT soft_heap_limit FROM pragma_soft_heap_limit)`;

const stateOf = (statement: EngineStatement): string =>
  JSON.stringify(statement.all(noBindings, false));

const prepareConnection = (engine: Engine, random: Random): QueryConnection => {
  checkVersion(engine);
  const slots = slotNames(random);
  // With every slot taken ATTACH and VACUUM INTO fail inside SQLite, whatever their text is.
  for (const slot of slots) engine.execute(`ATTACH ':memory:' AS ${slot}`);
  applySettings(engine, readerSettings);
  const view = unguessableName('schema', random);
  makeVisibleSchema(engine, view);
  applySettings(engine, closingSettings);
  const begin = engine.prepare('BEGIN');
  const end = engine.prepare('ROLLBACK');
  const touch = engine.prepare(touchText(slots));
  const state = engine.prepare(stateText);
  const opened = stateOf(state);
  return {
    engine,
    textOf: (piece) => withVisibleSchema(piece, view),
    begin: () => {
      begin.run(noBindings);
      touch.all(noBindings, false);
    },
    end: () => {
      if (engine.inTransaction) end.run(noBindings);
    },
    unchanged: () => !engine.inTransaction && stateOf(state) === opened,
  };
};

/** Opens it. @throws CodedError `storage_failed` when a setting does not take */
export const openQueryConnection = (path: string, random: Random): QueryConnection => {
  const engine = openEngine(path, { readonly: true, busyTimeoutMs: 0 });
  try {
    return prepareConnection(engine, random);
  } catch (thrown) {
    engine.close();
    throw thrown;
  }
};
