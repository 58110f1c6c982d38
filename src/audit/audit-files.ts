// The files of an audit log: the one that is written, and older ones beside it whose names end in
// the number of their first line, so that they sort by age.
import { basename, dirname, join } from 'node:path';
import type { FileSystem } from '#io/file-system.ts';

const digits = 15;

/** What an older file is called that begins with line `first`. */
export const olderName = (path: string, first: number): string =>
  `${path}.${String(first).padStart(digits, '0')}`;

/** Paths of the older files, oldest first. */
export const olderFiles = (path: string, files: FileSystem): readonly string[] => {
  const folder = dirname(path);
  const prefix = `${basename(path)}.`;
  const isOlder = (name: string): boolean =>
    name.startsWith(prefix) && /^\d{15}$/.test(name.slice(prefix.length));
  return files
    .list(folder)
    .filter(isOlder)
    .map((name) => join(folder, name));
};

/** Files that the writer found changed by somebody else and put aside. */
export const changedFiles = (path: string, files: FileSystem): readonly string[] =>
  files
    .list(dirname(path))
    .filter((name) => name.startsWith(`${basename(path)}.changed-`))
    .map((name) => join(dirname(path), name));

/** All files there are, oldest first. */
export const auditFiles = (path: string, files: FileSystem): readonly string[] =>
  files.status(path) === undefined ? olderFiles(path, files) : [...olderFiles(path, files), path];
