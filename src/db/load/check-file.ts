// Checks a database file that somebody wants to have in place of the database: its header, its
// schema, its pages, its counters. It is opened read-only; before its schema is judged nothing in
// it is trusted, and nothing of it runs. Equal bytes get an equal verdict on every node.
import { applySettings, checkVersion, readerSettings } from '#db/connection-settings.ts';
import { defineDeterministicFunctions } from '#db/deterministic-functions.ts';
import { type Engine, noBindings, openEngine, sqlErrorFrom } from '#db/engine.ts';
import { checkHeader } from '#db/image/check-header.ts';
import { checkSchema } from '#db/image/check-schema.ts';
import { isMachineError, MachineError } from '#db/machine-errors.ts';
import { rowidEnd } from '#db/rowid-space.ts';
import type { FileSystem } from '#io/file-system.ts';
import { exhaustedTable } from './exhausted-table.ts';
import { refuseFile } from './refuse-file.ts';

/** How closely to look: `pages` walks all of them, `all` compares indexes with their tables too. */
export type Closeness = 'pages' | 'all';

/** What says that the file is bad, though elsewhere it would say that the disk is. */
const ofTheFile = /^SQLITE_(?:CORRUPT|NOTADB)/;

/** Runs `work`; what SQLite says of the file becomes a refusal. @throws MachineError */
export const refusingFile = <Result>(work: () => Result): Result => {
  try {
    return work();
  } catch (thrown) {
    const error = sqlErrorFrom(thrown);
    if (error === undefined) throw thrown;
    if (isMachineError(error.code) && !ofTheFile.test(error.code)) throw new MachineError(error);
    throw refuseFile(`SQLite says "${error.message}"`, thrown);
  }
};

/**
 * @throws CodedError `bad_request` with the reason why it is refused; MachineError for errors of
 *   this machine
 */
export const checkFile = (path: string, closeness: Closeness, files: FileSystem): void => {
  checkHeader(path, files, refuseFile);
  refusingFile(() => {
    const engine = openEngine(path, { readonly: true, busyTimeoutMs: 0 });
    try {
      checkVersion(engine);
      applySettings(engine, readerSettings);
      checkSchema(engine, refuseFile);
      checkContent(engine, closeness);
    } finally {
      engine.close();
    }
  });
};

const checkContent = (engine: Engine, closeness: Closeness): void => {
  const encoding = String(engine.value('PRAGMA encoding'));
  if (encoding !== 'UTF-8') throw refuseFile(`its texts are ${encoding}, not UTF-8`);
  // The schema is judged by now; indexes and generated columns compute as they will later.
  engine.execute('PRAGMA trusted_schema = ON');
  const functions = defineDeterministicFunctions(engine);
  try {
    const check = closeness === 'all' ? 'integrity_check' : 'quick_check';
    const found = engine.value(`PRAGMA ${check}(1)`);
    if (found !== 'ok') throw refuseFile(`it is damaged: ${String(found)}`);
    const table = exhaustedTable(engine);
    if (table !== undefined) throw refuseFile(`the rowids of its table ${table} are used up`);
    checkCounters(engine);
  } finally {
    functions.close();
  }
};

const sequenceSql = 'CREATE TABLE sqlite_sequence(name,seq)';

const wrongCountersText = `SELECT 1 FROM sqlite_sequence
  WHERE typeof(name) <> 'text' OR typeof(seq) <> 'integer' OR seq >= ${rowidEnd} LIMIT 1`;

/** At the end of a counter, or at one that is none, an INSERT would look like a broken disk. */
const checkCounters = (engine: Engine): void => {
  const sql = engine.value("SELECT sql FROM sqlite_schema WHERE name = 'sqlite_sequence'");
  if (sql === undefined) return;
  if (sql !== sequenceSql) throw refuseFile('its sqlite_sequence is not the one SQLite makes');
  if (engine.prepare(wrongCountersText).all(noBindings, false).length > 0) {
    throw refuseFile('a counter in its sqlite_sequence is used up or no number');
  }
};
