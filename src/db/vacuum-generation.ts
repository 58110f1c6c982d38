// The database without its free pages, as a generation of its own: readers of the old file go on,
// and a crash leaves one of the two. What it holds stays the same to the last rowid, those of the
// schema's rows included (by them SQLite orders triggers, plans and what ANALYZE writes); so a
// replica that has no room for it goes on with the file that it has, and no other can tell.
import { basename, dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { CodedError } from '#errors.ts';
import { invariant } from '#invariant.ts';
import type { FileSystem } from '#io/file-system.ts';
import { type DatabasePaths, fileBytes, makeFolder } from './database-files.ts';
import { type Engine, noBindings, openEngine, type SqlValue, sqlErrorFrom } from './engine.ts';
import {
  addGeneration,
  clearFolder,
  databaseName,
  emptyFolder,
  loadingFolder,
} from './generations.ts';
import { requireRoom } from './image/require-room.ts';
import { maintainedKey } from './maintained.ts';
import { type Position, PositionStore } from './position.ts';

/**
 * The entry whose VACUUM made the generation of a database file; undefined: it was made otherwise.
 */
export const vacuumedAt = (databasePath: string): number | undefined => {
  const index = /^v(\d+)t\d+$/.exec(basename(dirname(databasePath)))?.[1];
  return index === undefined ? undefined : Number(index);
};

/** More than any file has schema rows: out of the way of those that are still to be moved. */
const asideBy = 2 ** 40;

/** What it is made of. */
export interface VacuumOptions {
  readonly dataFolder: string;
  readonly files: FileSystem;
  /** The files in use; nothing of them is uncommitted. */
  readonly paths: DatabasePaths;
  /** Behind the entry. */
  readonly position: Position;
}

/**
 * Makes it and gives its name; undefined when the disk has no room for a second one. Other errors
 * are this machine's: SQLite's, and the file system's.
 */
export const vacuumGeneration = (options: VacuumOptions): string | undefined => {
  const { dataFolder, files, paths } = options;
  try {
    const bytes = fileBytes(paths.database, files) + fileBytes(paths.writeAheadLog, files);
    requireRoom(dataFolder, bytes, files);
    return makeGeneration(options);
  } catch (thrown) {
    if (!isLackOfRoom(thrown)) throw thrown;
    clearFolder(loadingFolder(dataFolder), files);
    return undefined;
  }
};

const isLackOfRoom = (thrown: unknown): boolean => {
  if (thrown instanceof CodedError) return thrown.code === 'disk_full';
  if (sqlErrorFrom(thrown)?.code === 'SQLITE_FULL') return true;
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOSPC';
};

const makeGeneration = ({ dataFolder, files, paths, position }: VacuumOptions): string => {
  const generation = `v${position.index}t${position.term}`;
  const folder = join(loadingFolder(dataFolder), generation);
  emptyFolder(loadingFolder(dataFolder), files);
  makeFolder(folder, files);
  const path = join(folder, databaseName);
  const schema = copyWithoutFreePages(paths.database, path);
  finish(path, schema, position);
  const file = files.open(path, 'write');
  file.syncData();
  file.close();
  files.syncFolder(folder);
  addGeneration(dataFolder, folder, generation, files);
  return generation;
};

/** Type, name and rowid of a row of sqlite_schema. */
type SchemaRow = readonly SqlValue[];

const schemaOf = (engine: Engine): readonly SchemaRow[] =>
  engine
    .prepare('SELECT type, name, rowid FROM sqlite_schema ORDER BY rowid')
    .all(noBindings, true);

/**
 * On a connection of its own: the writer's has all places for other files taken. Gives the schema's
 * rows as they are in the old file.
 */
const copyWithoutFreePages = (from: string, to: string): readonly SchemaRow[] => {
  const source = openEngine(from, { readonly: true, busyTimeoutMs: 5000 });
  try {
    source.execute(`VACUUM INTO '${to.replaceAll("'", "''")}'`);
    return schemaOf(source);
  } finally {
    source.close();
  }
};

const finish = (path: string, schema: readonly SchemaRow[], position: Position): void => {
  const target = openEngine(path, { readonly: false, busyTimeoutMs: 0 });
  try {
    // It is synced as a whole before it counts for anything.
    target.execute('PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; BEGIN');
    const store = new PositionStore(target);
    store.write(position);
    store.writeValue(maintainedKey('vacuum'), position.timeMs);
    restoreSchemaRows(target, schema);
    target.execute('COMMIT');
  } finally {
    target.close();
  }
};

/** VACUUM writes tables first, then indexes, then the rest: each row goes back to its place. */
const restoreSchemaRows = (target: Engine, schema: readonly SchemaRow[]): void => {
  target.execute(
    'CREATE TEMP TABLE places(type, name, place, PRIMARY KEY(type, name)) WITHOUT ROWID',
  );
  const place = target.prepare('INSERT INTO temp.places VALUES(?, ?, ?)');
  for (const row of schema) place.run({ anonymous: row });
  target.executeUndefended(`
    PRAGMA writable_schema = ON;
    UPDATE sqlite_schema SET rowid = rowid + ${asideBy};
    UPDATE sqlite_schema AS s SET rowid =
      (SELECT place FROM temp.places AS p WHERE p.type = s.type AND p.name = s.name)`);
  invariant(
    isDeepStrictEqual(schemaOf(target), schema),
    'the copy has the objects of the schema, each in its place',
  );
};
