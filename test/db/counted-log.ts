// A log whose entries count how often they were applied, for tests that kill: what is applied twice
// or not at all shows in the rows, and in the outcome chain beside that of an undisturbed writer.
import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { currentDatabaseFiles } from '#db/database-files.ts';
import type { CommittedEntry } from '#db/writer.ts';
import { systemFiles } from '#io/file-system.ts';
import { commandEntry } from './support.ts';

const insert = 'INSERT INTO counted(entry) VALUES(?)';
/** The word makes the command one of its own transactions, one a statement. */
const insertAlone = 'INSERT INTO counted(entry) SELECT ? AS deferred';

/** How often an entry inserts its row. */
const timesOf = (entry: number): number => (entry % 7 === 0 ? 3 : 1);

/** Entry `index` of the log; every seventh has a transaction for each of its three statements. */
export const countedEntry = (index: number): CommittedEntry => {
  if (index === 1) return commandEntry(1, ['CREATE TABLE counted(entry INTEGER, data)']);
  const text = timesOf(index) > 1 ? insertAlone : insert;
  const statements = Array.from({ length: timesOf(index) }, () => [text, BigInt(index)] as const);
  return commandEntry(index, statements, { schemaIndex: 1, render: 1 });
};

/** Entries `from` to `through`, both included. */
export const countedEntries = (from: number, through: number): CommittedEntry[] =>
  Array.from({ length: through - from + 1 }, (_, at) => countedEntry(from + at));

/** Opens the current database of a folder for looking at it, as no writer does. */
export const lookInto = (folder: string): Database.Database =>
  new Database(currentDatabaseFiles(folder, systemFiles).database, { readonly: true });

/** The applied index in the file now. */
export const appliedIn = (database: Database.Database): number =>
  Number(database.prepare('SELECT applied_index FROM _stockade_meta').pluck().get() ?? 0);

/**
 * The database holds entries 1 to `through`, each exactly once, and is sound. Of the entry behind
 * them it may hold what it says itself: statements with a transaction of their own.
 */
export const assertEachOnce = (database: Database.Database, through: number): void => {
  assert.equal(database.pragma('integrity_check', { simple: true }), 'ok');
  assert.equal(appliedIn(database), through);
  const done = Number(database.prepare('SELECT statements_done FROM _stockade_meta').pluck().get());
  const found = database
    .prepare('SELECT entry, count(*) FROM counted GROUP BY entry ORDER BY entry')
    .raw()
    .all();
  const expected = Array.from({ length: through - 1 }, (_, at) => [at + 2, timesOf(at + 2)]);
  if (done > 0) expected.push([through + 1, done]);
  assert.deepEqual(found, expected, 'entries and how often each was applied');
};

/** The outcome chain in the file. */
export const chainIn = (database: Database.Database): string =>
  String(database.prepare('SELECT lower(hex(chain)) FROM _stockade_meta').pluck().get());
