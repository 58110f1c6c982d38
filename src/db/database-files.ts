// Where the database lives in the data folder, and the few things done to its files beside SQLite:
// folders and modes, the CURRENT pointer, and the sync of the write-ahead log.
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '#errors.ts';

/** Paths of a data folder. */
export interface DatabasePaths {
  readonly lock: string;
  readonly database: string;
  readonly writeAheadLog: string;
}

const folderMode = 0o700;
const fileMode = 0o600;
const firstGeneration = '00000001';
const generationPattern = /^[0-9a-z]{1,32}$/;

const syncFolder = (path: string): void => {
  const folder = openSync(path, 'r');
  fsyncSync(folder);
  closeSync(folder);
};

const makeFolder = (path: string): void => {
  mkdirSync(path, { recursive: true, mode: folderMode });
};

/** An empty file that only its owner may read; one that exists stays. SQLite copies the mode. */
const makeFile = (path: string): void => {
  closeSync(openSync(path, 'a', fileMode));
};

const writeCurrent = (folder: string, generation: string): void => {
  const temporary = join(folder, 'CURRENT.new');
  const file = openSync(temporary, 'w', fileMode);
  writeSync(file, `${generation}\n`);
  fsyncSync(file);
  closeSync(file);
  renameSync(temporary, join(folder, 'CURRENT'));
  syncFolder(folder);
};

const readCurrent = (folder: string): string => {
  const generation = readFileSync(join(folder, 'CURRENT'), 'utf8').trim();
  if (generationPattern.test(generation)) return generation;
  throw new CodedError('data_folder_foreign', `${join(folder, 'CURRENT')} names no generation`, {
    hint: 'restore the file, or start with an empty data folder and join again',
  });
};

const pathsOf = (dataFolder: string, generation: string): DatabasePaths => {
  const database = join(dataFolder, 'db', generation, 'state.sqlite');
  return { lock: join(dataFolder, 'lock.sqlite'), database, writeAheadLog: `${database}-wal` };
};

/** Path of the lock file, made if missing. It must never be opened but by SQLite: closing it drops the lock. */
export const prepareLockFile = (dataFolder: string): string => {
  makeFolder(dataFolder);
  const { lock } = pathsOf(dataFolder, firstGeneration);
  if (!existsSync(lock)) makeFile(lock);
  return lock;
};

/** Paths of the current generation, made if there is none yet. Hold the lock. */
export const prepareDatabaseFiles = (dataFolder: string): DatabasePaths => {
  const folder = join(dataFolder, 'db');
  makeFolder(folder);
  if (!existsSync(join(folder, 'CURRENT'))) {
    makeFolder(join(folder, firstGeneration));
    makeFile(pathsOf(dataFolder, firstGeneration).database);
    syncFolder(join(folder, firstGeneration));
    writeCurrent(folder, firstGeneration);
  }
  return pathsOf(dataFolder, readCurrent(folder));
};

/** Paths of the current generation. @throws CodedError `data_folder_foreign` when there is none */
export const currentDatabaseFiles = (dataFolder: string): DatabasePaths => {
  if (!existsSync(join(dataFolder, 'db', 'CURRENT'))) {
    throw new CodedError('data_folder_foreign', `${dataFolder} holds no database`, {
      hint: 'start the writer of this folder first',
    });
  }
  return pathsOf(dataFolder, readCurrent(join(dataFolder, 'db')));
};

/** Bytes of a file, 0 when there is none. */
export const fileBytes = (path: string): number =>
  statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** Makes the content of a file survive a power cut. @throws the system's error */
export const syncFile = (path: string): void => {
  const file = openSync(path, 'r+');
  try {
    fdatasyncSync(file);
  } finally {
    closeSync(file);
  }
};

/** Makes the directory entry of a file survive a power cut. */
export const syncFolderOf = (path: string): void => syncFolder(join(path, '..'));
