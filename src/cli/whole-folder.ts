// A folder that is there as a whole or not at all: it is made beside its place and takes its name
// when it is complete. What fails removes what it began; what a kill left behind, the next run of
// the same command removes or names (unfinished-folders.ts), for it may hold keys.
import { dirname } from 'node:path';
import { CodedError } from '#errors.ts';
import { type FileSystem, systemErrorCode } from '#io/file-system.ts';
import type { Random } from '#io/random.ts';
import { writeNewFile } from '#io/write-file-atomically.ts';
import { whileSignalsWait } from './hold-signals.ts';
import { clearUnfinished, removeUnfinished, unfinishedName } from './unfinished-folders.ts';

/** Readable by all: certificates. */
export const publicMode = 0o644;
/** Readable by the owner, changed by nobody: the keys of the CAs. */
export const authorityMode = 0o400;

/** What the making needs. */
export interface FolderEffects {
  readonly files: FileSystem;
  readonly random: Random;
}

/** Writes a new file, 0600 unless told otherwise. */
export type WriteText = (path: string, text: string, mode?: number) => void;

/** A {@link WriteText} for these effects. */
export const textWriter =
  (effects: FolderEffects): WriteText =>
  (path, text, mode) => {
    const content = Buffer.from(text);
    writeNewFile({ path, content, ...(mode === undefined ? {} : { mode }) }, effects);
  };

/**
 * Makes `root`, which may exist when it is empty: `fill` gets the path to fill in its place.
 *
 * @throws CodedError `file_permissions`, `disk_full`, `already_exists`, and what `fill` throws
 */
export const makeWholeFolder = (
  root: string,
  { files, random }: FolderEffects,
  fill: (temporary: string) => void,
): void => {
  const temporary = unfinishedName(root, { files, random });
  try {
    createFolders(dirname(root), files);
    clearUnfinished(root, files);
    whileSignalsWait(() => {
      files.createFolder(temporary);
      try {
        fill(temporary);
        files.rename(temporary, root);
      } catch (error) {
        removeUnfinished(temporary, files);
        throw error;
      }
    });
    files.syncFolder(dirname(root));
  } catch (error) {
    throw unwritable(root, error);
  }
};

const createFolders = (folder: string, files: FileSystem): void => {
  if (files.status(folder) !== undefined) return;
  createFolders(dirname(folder), files);
  files.createFolder(folder);
};

const unwritable = (root: string, error: unknown): unknown => {
  const code = systemErrorCode(error);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new CodedError('file_permissions', `${root} cannot be written by this user`, {
      hint: 'Choose a folder of yours with --data DIR.',
      cause: error,
    });
  }
  if (code === 'ENOTEMPTY') {
    return new CodedError('already_exists', `${root} was filled by another run meanwhile`, {
      hint: 'Look at what is there, or choose another folder with --data DIR.',
      cause: error,
    });
  }
  if (code === 'ENOSPC') {
    return new CodedError('disk_full', `the disk of ${root} is full`, {
      hint: 'Make room, or choose another disk with --data DIR.',
      cause: error,
    });
  }
  return error;
};
