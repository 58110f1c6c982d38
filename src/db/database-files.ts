// Where the database lives in the data folder, and the few things done to its files beside SQLite:
// folders and modes, the CURRENT pointer, and the sync of the write-ahead log.
import { dirname, join } from 'node:path';
import { CodedError } from '#errors.ts';
import type { FileSystem } from '#io/file-system.ts';
import { requirePrivate } from '#io/private-path.ts';
import type { Random } from '#io/random.ts';
import { writeFileAtomically } from '#io/write-file-atomically.ts';

/** The disk, and names for temporary files. */
export interface FileEffects {
  readonly files: FileSystem;
  readonly random: Random;
}

/** Paths of a generation. */
export interface DatabasePaths {
  readonly database: string;
  readonly writeAheadLog: string;
}

const firstGeneration = '00000001';
const generationPattern = /^[0-9a-z]{1,40}$/;
const currentBytesMax = 64;

/** Where all generations lie. */
export const generationsFolder = (dataFolder: string): string => join(dataFolder, 'db');

/** A folder that nobody else may enter, made if missing. @throws CodedError `file_permissions` */
export const makeFolder = (path: string, files: FileSystem): void => {
  const status = files.status(path);
  if (status === undefined) {
    files.createFolder(path);
    files.syncFolder(dirname(path));
  } else {
    requirePrivate(path, status);
  }
};

/** An empty file that only its owner may read; SQLite gives its other files the same mode. */
const makeFile = (path: string, files: FileSystem): void => {
  if (files.status(path) === undefined) files.create(path).close();
};

const foreign = (path: string, what: string): CodedError =>
  new CodedError('data_folder_foreign', `${path} ${what}`, {
    hint: 'check that this is the data folder; an empty one can join the cluster again',
  });

/** The generation in use. @throws CodedError `data_folder_foreign` when CURRENT names none */
export const readCurrent = (folder: string, files: FileSystem): string => {
  const path = join(folder, 'CURRENT');
  const file = files.open(path, 'read');
  const bytes = Buffer.alloc(currentBytesMax);
  const length = file.read(bytes, 0);
  file.close();
  const generation = bytes.toString('utf8', 0, length).trim();
  if (!generationPattern.test(generation)) throw foreign(path, 'names no generation');
  return generation;
};

/** Writes which generation is in use; durable when this returns. */
export const writeCurrent = (folder: string, generation: string, effects: FileEffects): void => {
  const content = Buffer.from(`${generation}\n`);
  writeFileAtomically({ path: join(folder, 'CURRENT'), content }, effects);
};

const pathsOf = (folder: string, generation: string): DatabasePaths => {
  const database = join(folder, generation, 'state.sqlite');
  return { database, writeAheadLog: `${database}-wal` };
};

/** The lock file's path, made if missing. Only SQLite may open it: closing it drops the lock. */
export const prepareLockFile = (dataFolder: string, files: FileSystem): string => {
  makeFolder(dataFolder, files);
  const lock = join(dataFolder, 'lock.sqlite');
  makeFile(lock, files);
  return lock;
};

/** Paths of the current generation, made if there is none yet. Hold the lock. */
export const prepareDatabaseFiles = (dataFolder: string, effects: FileEffects): DatabasePaths => {
  const { files } = effects;
  const folder = generationsFolder(dataFolder);
  makeFolder(folder, files);
  if (files.status(join(folder, 'CURRENT')) === undefined) {
    makeFolder(join(folder, firstGeneration), files);
    makeFile(pathsOf(folder, firstGeneration).database, files);
    files.syncFolder(join(folder, firstGeneration));
    writeCurrent(folder, firstGeneration, effects);
  }
  return currentDatabaseFiles(dataFolder, files);
};

/** Paths of the current generation. @throws CodedError `data_folder_foreign` when there is none */
export const currentDatabaseFiles = (dataFolder: string, files: FileSystem): DatabasePaths => {
  const folder = generationsFolder(dataFolder);
  if (files.status(join(folder, 'CURRENT')) === undefined) {
    throw foreign(dataFolder, 'holds no database');
  }
  let generation = readCurrent(folder, files);
  for (;;) {
    const paths = pathsOf(folder, generation);
    if (files.status(paths.database) !== undefined) return paths;
    // An image may have taken its place between the two looks.
    const now = readCurrent(folder, files);
    if (now === generation) throw foreign(paths.database, 'is missing');
    generation = now;
  }
};

/** Where readers put what does not fit into memory, made if missing: for the owner alone. */
export const prepareSpillFolder = (dataFolder: string, files: FileSystem): string => {
  const folder = join(dataFolder, 'spill');
  makeFolder(folder, files);
  return folder;
};

/** Bytes of a file, 0 when there is none. */
export const fileBytes = (path: string, files: FileSystem): number =>
  files.status(path)?.bytes ?? 0;

/** Bytes of the database in use and of its log. Throws as {@link currentDatabaseFiles}. */
export const databaseSizes = (
  dataFolder: string,
  files: FileSystem,
): { readonly databaseBytes: number; readonly logBytes: number } => {
  const { database, writeAheadLog } = currentDatabaseFiles(dataFolder, files);
  return {
    databaseBytes: fileBytes(database, files),
    logBytes: fileBytes(writeAheadLog, files),
  };
};

/** Makes the content of a file survive a power cut. */
export const syncFile = (path: string, files: FileSystem): void => {
  const file = files.open(path, 'write');
  try {
    file.syncData();
  } finally {
    file.close();
  }
};
