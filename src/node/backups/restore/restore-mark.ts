// The mark of a restore that is owed: it lies in the data folder from before the cluster is created
// until the backup is in its log, so that a node that is killed in between goes on with it.
import { join } from 'node:path';
import type { FileSystem } from '#io/file-system.ts';
import { type AtomicWriteEffects, writeFileAtomically } from '#io/write-file-atomically.ts';

const markName = 'restore-owed';

/** Whether a restore is owed. */
export const hasRestoreMark = (folder: string, files: FileSystem): boolean =>
  files.status(join(folder, markName)) !== undefined;

/** From here on it is owed. `what`: for people. */
export const writeRestoreMark = (
  folder: string,
  what: string,
  effects: AtomicWriteEffects,
): void => {
  const content = Buffer.from(`${what}\n`);
  writeFileAtomically({ path: join(folder, markName), content }, effects);
};

/** It is done, or not wanted any more. */
export const removeRestoreMark = (folder: string, files: FileSystem): void => {
  if (!hasRestoreMark(folder, files)) return;
  files.remove(join(folder, markName));
  files.syncFolder(folder);
};
