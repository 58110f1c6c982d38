// What a power cut leaves of a real database: copies of its files in which everything behind the
// last sync is there, is not, or is there in part.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { TestContext } from 'node:test';
import { currentDatabaseFiles } from '#db/database-files.ts';
import { type FileSystem, systemFiles } from '#io/file-system.ts';
import { temporaryFolder, writerIn } from './support.ts';

/** The two files that a power cut may leave in part. */
export interface Files {
  readonly database: Buffer;
  readonly writeAheadLog: Buffer;
}

/** Both as they are now. */
export const filesOf = (folder: string): Files => {
  const paths = currentDatabaseFiles(folder, systemFiles);
  return {
    database: readFileSync(paths.database),
    writeAheadLog: readFileSync(paths.writeAheadLog),
  };
};

/** Numbers from 0 to `below` - 1, the same in every run. */
export const drawer = (seed: number): ((below: number) => number) => {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
};

/** The real disk, telling of each sync of the file at `path()`. */
export const watchedFiles = (path: () => string, onSync: () => void): FileSystem => ({
  ...systemFiles,
  open: (opened, access) => {
    const file = systemFiles.open(opened, access);
    return {
      ...file,
      syncData: () => {
        file.syncData();
        if (opened === path()) onSync();
      },
    };
  },
});

const sectorBytes = 512;
/** SQLite syncs the head of a WAL that begins anew before it writes frames behind it. */
export const headBytes = 32;

/** What is left of `now` when only `synced` was certain: each sector either of the two, cut off. */
export const survivor = (synced: Buffer, now: Buffer, draw: (below: number) => number): Buffer => {
  // What was appended may be there in part; what was cut off (a WAL that begins anew) may be back.
  const shorter = Math.min(synced.length, now.length);
  const length = shorter + draw(Math.max(synced.length, now.length) - shorter + 1);
  const kept = Buffer.alloc(length);
  synced.copy(kept, 0, 0, length);
  const share = draw(3);
  for (let at = 0; at < length; at += sectorBytes) {
    // Nothing new, about half of it, or all but a few sectors.
    const isNew = share === 0 ? false : share === 1 ? draw(2) === 0 : draw(50) > 0;
    if (isNew && at < now.length) now.copy(kept, at, at, Math.min(at + sectorBytes, length));
  }
  now.copy(kept, 0, 0, Math.min(headBytes, length));
  return kept;
};

/** A folder in which a power cut has left these files. */
export const folderWith = (t: TestContext, files: Files): string => {
  const folder = temporaryFolder(t);
  writerIn(t, folder).close();
  const paths = currentDatabaseFiles(folder, systemFiles);
  mkdirSync(dirname(paths.database), { recursive: true });
  writeFileSync(paths.database, files.database);
  writeFileSync(paths.writeAheadLog, files.writeAheadLog);
  return folder;
};
