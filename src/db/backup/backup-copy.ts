// A private copy of the database to make a backup from, under a name of its own: several may be
// made at once, and who reads a backup slowly holds up nobody.
import { join } from 'node:path';
import { makeFolder } from '#db/database-files.ts';
import { type Engine, openEngine } from '#db/engine.ts';
import { backupsFolder } from '#db/generations.ts';
import { copyDatabase } from '#db/image/copy-database.ts';
import type { FileSystem } from '#io/file-system.ts';
import type { Random } from '#io/random.ts';

/** What making a backup needs. */
export interface BackupSource {
  readonly dataFolder: string;
  readonly files: FileSystem;
  readonly random: Random;
}

const nameBytes = 12;

/** A path for a file of one backup; nothing is there yet. */
export const backupPath = ({ dataFolder, files, random }: BackupSource): string => {
  const folder = backupsFolder(dataFolder);
  makeFolder(folder, files);
  return join(folder, `${Buffer.from(random.bytes(nameBytes)).toString('hex')}.sqlite`);
};

/** Removes a file of a backup and what SQLite may have left beside it. */
export const removeBackupFile = (path: string, files: FileSystem): void => {
  for (const suffix of ['', '-wal', '-shm', '-journal']) {
    if (files.status(path + suffix) !== undefined) files.remove(path + suffix);
  }
};

/**
 * Opens a copy of what is committed now; `times`: the room it needs, in sizes of the database. The
 * file is nobody else's and need not survive anything.
 *
 * @throws CodedError `disk_full`, `data_folder_foreign`; else errors of SQLite and of the disk
 */
export const openBackupCopy = async (
  source: BackupSource,
  path: string,
  times: number,
  look?: (snapshot: Engine) => void,
): Promise<Engine> => {
  await copyDatabase(source.dataFolder, path, times, source.files, look);
  const engine = openEngine(path, { readonly: false, busyTimeoutMs: 0 });
  try {
    engine.execute('PRAGMA journal_mode = DELETE');
    engine.execute('PRAGMA synchronous = OFF');
    engine.execute('PRAGMA foreign_keys = OFF');
    return engine;
  } catch (thrown) {
    engine.close();
    throw thrown;
  }
};
