// Removes folders with what is in them. No symbolic link is followed below `path`; whether `path`
// itself may be removed is the caller's to know.
import { join } from 'node:path';
import type { FileSystem } from './file-system.ts';

/** Removes a file, or a folder with all there is in it; nothing there is fine. */
export const removeAll = (path: string, files: FileSystem): void => {
  const status = files.status(path);
  if (status === undefined) return;
  if (status.kind !== 'folder') {
    files.remove(path);
    return;
  }
  for (const name of files.list(path)) removeAll(join(path, name), files);
  files.removeFolder(path);
};
