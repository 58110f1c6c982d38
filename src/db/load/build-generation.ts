// Makes a generation of the database of a loaded file: the pieces become a file, which is checked,
// gets this program's own tables with the position behind the load, and is made durable. It is not
// in use yet. Every step may be cut off: what is left over counts for nothing and is removed at the
// next start.
import { join } from 'node:path';
import { makeFolder } from '#db/database-files.ts';
import { type Engine, noBindings, openEngine } from '#db/engine.ts';
import { addGeneration, databaseName, emptyFolder, loadingFolder } from '#db/generations.ts';
import { type Position, PositionStore } from '#db/position.ts';
import { CodedError } from '#errors.ts';
import type { FileSystem } from '#io/file-system.ts';
import { checkFile } from './check-file.ts';
import { type LoadEnd, LoadStore } from './load-store.ts';

/** The name of the generation that the load at this entry makes. */
export const loadGeneration = ({ index, term }: Position): string => `l${index}t${term}`;

/** What building needs. */
export interface BuildOptions {
  readonly dataFolder: string;
  readonly files: FileSystem;
  /** The database in use: its own tables are taken along. */
  readonly engine: Engine;
  readonly pieces: Iterable<Uint8Array>;
  /** Behind the load. */
  readonly position: Position;
  readonly step: LoadEnd;
}

/**
 * Builds it; why the file is refused, or undefined.
 *
 * @throws MachineError, and what the file system says
 */
export const buildGeneration = (options: BuildOptions): string | undefined => {
  const { dataFolder, files, position } = options;
  const generation = loadGeneration(position);
  const folder = join(loadingFolder(dataFolder), generation);
  emptyFolder(loadingFolder(dataFolder), files);
  makeFolder(folder, files);
  const path = join(folder, databaseName);
  writePieces(path, options.pieces, files);
  try {
    checkFile(path, 'pages', files);
  } catch (thrown) {
    if (!(thrown instanceof CodedError) || thrown.code !== 'bad_request') throw thrown;
    emptyFolder(loadingFolder(dataFolder), files);
    return thrown.message;
  }
  addOwnTables(path, options);
  const file = files.open(path, 'write');
  file.syncData();
  file.close();
  files.syncFolder(folder);
  addGeneration(dataFolder, folder, generation, files);
  return undefined;
};

const writePieces = (path: string, pieces: Iterable<Uint8Array>, files: FileSystem): void => {
  const file = files.create(path);
  try {
    let at = 0;
    for (const piece of pieces) {
      file.write([piece], at);
      at += piece.length;
    }
  } finally {
    file.close();
  }
};

const ownObjectsText = `SELECT type, name, sql FROM sqlite_schema
  WHERE sql IS NOT NULL AND substr(lower(tbl_name), 1, 10) = '_stockade_'
  ORDER BY type = 'table' DESC, rowid`;

/** Pieces of the load that ends here stay behind; their table comes along, empty. */
const withoutRows = new Set(['_stockade_load']);

const addOwnTables = (path: string, { engine, position, step }: BuildOptions): void => {
  const target = openEngine(path, { readonly: false, busyTimeoutMs: 0 });
  try {
    // It is synced as a whole before it counts for anything.
    target.execute('PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; BEGIN');
    for (const [type, name, sql] of engine.prepare(ownObjectsText).all(noBindings, false)) {
      target.execute(String(sql));
      if (type === 'table' && !withoutRows.has(String(name)))
        copyRows(engine, target, String(name));
    }
    const store = new PositionStore(target);
    store.write(position);
    new LoadStore(target, store).clear(step);
    target.execute('COMMIT');
  } finally {
    target.close();
  }
};

const copyRows = (from: Engine, to: Engine, table: string): void => {
  const select = from.prepare(`SELECT * FROM "${table}"`);
  const places = select.columns().map(() => '?');
  const insert = to.prepare(`INSERT INTO "${table}" VALUES (${places.join(', ')})`);
  for (const row of select.iterate(noBindings, true)) insert.run({ anonymous: row });
};
