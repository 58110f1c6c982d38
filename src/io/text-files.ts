// Small texts of a person's own: a history, a script, a file that output is appended to.
import { appendFile, chmod, readFile, stat, writeFile } from 'node:fs/promises';

const privateMode = 0o600;

/** The whole text. Errors are the operating system's; RangeError beyond `bytesMax`. */
export const readTextFile = async (path: string, bytesMax: number): Promise<string> => {
  const { size } = await stat(path);
  if (size > bytesMax) throw new RangeError(`${path} is larger than ${bytesMax} bytes`);
  return readFile(path, 'utf8');
};

/** Replaces a text that only its owner may read (0600). */
export const writePrivateText = async (path: string, text: string): Promise<void> => {
  await writeFile(path, text, { mode: privateMode });
  // The mode above counts for new files only.
  await chmod(path, privateMode);
};

/** Appends to a file, which is made (0600) if it is not there. */
export const appendText = (path: string, text: string): Promise<void> =>
  appendFile(path, text, { mode: privateMode });
