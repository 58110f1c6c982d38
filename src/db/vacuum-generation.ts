// The database without its free pages, as a generation of its own: rows keep their rowids, readers
// of the old file go on, and a crash leaves one of the two. Every replica does it, whether it has
// anything to gain or not: the order of the schema's own rows changes, and that shows in the order
// in which ANALYZE writes its rows and in which triggers are known.
import { join } from 'node:path';
import type { FileSystem } from '#io/file-system.ts';
import { makeFolder } from './database-files.ts';
import { openEngine } from './engine.ts';
import { addGeneration, databaseName, emptyFolder, loadingFolder } from './generations.ts';
import { type Position, PositionStore } from './position.ts';

/** The value beside the position that says when maintenance was last done, by the log's time. */
export const maintainedKey = (kind: string): string => `maintained ${kind}`;

/** What it is made of. */
export interface VacuumOptions {
  readonly dataFolder: string;
  readonly files: FileSystem;
  /** The file in use; nothing of it is uncommitted. */
  readonly database: string;
  /** Behind the entry. */
  readonly position: Position;
}

/** Makes it and gives its name. Errors are this machine's: SQLite's, and the file system's. */
export const vacuumGeneration = (options: VacuumOptions): string => {
  const { dataFolder, files, position } = options;
  const generation = `v${position.index}t${position.term}`;
  const folder = join(loadingFolder(dataFolder), generation);
  emptyFolder(loadingFolder(dataFolder), files);
  makeFolder(folder, files);
  const path = join(folder, databaseName);
  copyWithoutFreePages(options.database, path);
  moveOn(path, position);
  const file = files.open(path, 'write');
  file.syncData();
  file.close();
  files.syncFolder(folder);
  addGeneration(dataFolder, folder, generation, files);
  return generation;
};

/** On a connection of its own: the writer's has all places for other files taken. */
const copyWithoutFreePages = (from: string, to: string): void => {
  const source = openEngine(from, { readonly: true, busyTimeoutMs: 5000 });
  try {
    source.execute(`VACUUM INTO '${to.replaceAll("'", "''")}'`);
  } finally {
    source.close();
  }
};

const moveOn = (path: string, position: Position): void => {
  const target = openEngine(path, { readonly: false, busyTimeoutMs: 0 });
  try {
    // It is synced as a whole before it counts for anything.
    target.execute('PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; BEGIN');
    const store = new PositionStore(target);
    store.write(position);
    store.writeValue(maintainedKey('vacuum'), position.timeMs);
    target.execute('COMMIT');
  } finally {
    target.close();
  }
};
