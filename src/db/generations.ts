// Generations of the database: each is a folder with one database file; CURRENT names the one in
// use. An image becomes a generation under a name that says what it holds, long before it is made
// the current one; so a start can tell by the log whether it was to be adopted.
import { dirname, join } from 'node:path';
import { CodedError } from '#errors.ts';
import type { FileSystem } from '#io/file-system.ts';
import { removeAll } from '#io/remove-all.ts';
import {
  type FileEffects,
  generationsFolder,
  makeFolder,
  readCurrent,
  writeCurrent,
} from './database-files.ts';

/** The name of the database file in a generation's folder. */
export const databaseName = 'state.sqlite';

/** The generation that an image becomes: it holds everything up to entry `index` of `term`. */
export const imageGeneration = (index: number, term: number): string => `i${index}t${term}`;

/** Where images are received and checked. */
export const incomingFolder = (dataFolder: string): string => join(dataFolder, 'incoming');

/** Where images are made. */
export const imagesFolder = (dataFolder: string): string => join(dataFolder, 'images');

/** Where database files that are loaded become generations. */
export const loadingFolder = (dataFolder: string): string => join(dataFolder, 'loading');

/** Where database files of users lie while they are checked. */
export const uploadsFolder = (dataFolder: string): string => join(dataFolder, 'uploads');

/** Where backups are made. */
export const backupsFolder = (dataFolder: string): string => join(dataFolder, 'backups');

/** Removes all there is in a folder for temporary files, if it is there. */
export const clearFolder = (path: string, files: FileSystem): void => {
  if (files.status(path) === undefined) return;
  const names = files.list(path);
  for (const name of names) removeAll(join(path, name), files);
  if (names.length > 0) files.syncFolder(path);
};

/** An empty folder for temporary files: made, or emptied of what an earlier run left. */
export const emptyFolder = (path: string, files: FileSystem): void => {
  makeFolder(path, files);
  clearFolder(path, files);
};

/** Whether this generation is there, complete: it gets its name when it is. */
export const hasGeneration = (dataFolder: string, generation: string, files: FileSystem): boolean =>
  files.status(join(generationsFolder(dataFolder), generation, databaseName)) !== undefined;

/** Gives a checked, durable folder its place among the generations; it is not in use yet. */
export const addGeneration = (
  dataFolder: string,
  from: string,
  generation: string,
  files: FileSystem,
): void => {
  const folder = generationsFolder(dataFolder);
  removeGeneration(dataFolder, generation, files);
  files.rename(from, join(folder, generation));
  files.syncFolder(folder);
  files.syncFolder(dirname(from));
};

/** Removes a generation that is not in use. */
export const removeGeneration = (
  dataFolder: string,
  generation: string,
  files: FileSystem,
): void => {
  const folder = generationsFolder(dataFolder);
  if (readCurrent(folder, files) === generation) return;
  removeAll(join(folder, generation), files);
  files.syncFolder(folder);
};

/**
 * Lets CURRENT name this generation; nobody may write to the old one any more.
 *
 * @throws CodedError `data_folder_foreign` when it is not there
 */
export const makeCurrent = (dataFolder: string, generation: string, effects: FileEffects): void => {
  const folder = generationsFolder(dataFolder);
  if (readCurrent(folder, effects.files) === generation) return;
  if (!hasGeneration(dataFolder, generation, effects.files)) {
    throw new CodedError(
      'data_folder_foreign',
      `there is no generation ${generation} in ${folder}`,
      {
        hint: 'Remove this node from the cluster and let it join anew with an empty folder.',
      },
    );
  }
  writeCurrent(folder, generation, effects);
};

/**
 * Removes every generation but the current one, and what else lies beside them; `temporary`: also
 * what images left that were being made or received, and backups that were being made. Gives the
 * number of generations and other things removed beside them.
 */
export const removeLeftovers = (
  dataFolder: string,
  temporary: boolean,
  files: FileSystem,
): number => {
  if (temporary) {
    clearFolder(imagesFolder(dataFolder), files);
    clearFolder(incomingFolder(dataFolder), files);
    clearFolder(loadingFolder(dataFolder), files);
    clearFolder(uploadsFolder(dataFolder), files);
    // Backups are made in a folder that is there.
    emptyFolder(backupsFolder(dataFolder), files);
  }
  const folder = generationsFolder(dataFolder);
  const current = readCurrent(folder, files);
  const others = files.list(folder).filter((name) => name !== 'CURRENT' && name !== current);
  for (const name of others) removeAll(join(folder, name), files);
  if (others.length > 0) files.syncFolder(folder);
  return others.length;
};
