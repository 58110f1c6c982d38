// A whole file at once: readers see the old content or the new one, and after a power cut one of
// the two is there. The new content goes to a temporary file in the same folder (a rename does not
// cross file systems) and takes the name when it is durable.
import { basename, dirname, join } from 'node:path';
import { CodedError } from '#errors.ts';
import { type FileSystem, privateFileMode, systemErrorCode } from './file-system.ts';
import type { Random } from './random.ts';

/** How a file is written. */
export interface AtomicWrite {
  readonly path: string;
  readonly content: Uint8Array;
  /** Permission bits, 0600 when left out; the umask does not count. */
  readonly mode?: number;
}

/** What the writing needs: the disk, and names for temporary files that nobody guesses. */
export interface AtomicWriteEffects {
  readonly files: FileSystem;
  readonly random: Random;
}

const nameBytes = 8;

/**
 * Replaces the file at `path`, or makes it. Errors are the operating system's; nothing is left
 * over.
 */
export const writeFileAtomically = (write: AtomicWrite, effects: AtomicWriteEffects): void => {
  const temporary = writeTemporary(write, effects);
  try {
    effects.files.rename(temporary, write.path);
  } catch (error) {
    effects.files.remove(temporary);
    throw error;
  }
  effects.files.syncFolder(dirname(write.path));
};

/**
 * Makes a file that must not exist. CodedError `already_exists` when there is anything of the name;
 * nothing is changed then. Else the operating system's errors.
 */
export const writeNewFile = (write: AtomicWrite, effects: AtomicWriteEffects): void => {
  const { files } = effects;
  const temporary = writeTemporary(write, effects);
  try {
    // A second name instead of a rename: the one step that refuses when the name is taken. It needs
    // a file system with hard links, which a server's disk is.
    files.link(temporary, write.path);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
    throw new CodedError('already_exists', `${write.path} exists already and is not overwritten.`, {
      hint: 'Choose another name, or move what is there out of the way.',
      cause: error,
    });
  } finally {
    files.remove(temporary);
  }
  files.syncFolder(dirname(write.path));
};

/** The content in a durable file of its own beside `path`; gives the file's name. */
const writeTemporary = (
  { path, content, mode = privateFileMode }: AtomicWrite,
  { files, random }: AtomicWriteEffects,
): string => {
  const suffix = Buffer.from(random.bytes(nameBytes)).toString('hex');
  const temporary = join(dirname(path), `.${basename(path)}.${suffix}.tmp`);
  const file = files.create(temporary, mode);
  try {
    file.write([content], 0);
    file.syncData();
  } catch (error) {
    files.remove(temporary);
    throw error;
  } finally {
    file.close();
  }
  return temporary;
};
