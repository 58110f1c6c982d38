// Copies the database as it is now into a file of its own, in one read transaction. Writers go on
// meanwhile; nothing is held once this is done.
import { dirname } from 'node:path';
import { currentDatabaseFiles } from '#db/database-files.ts';
import { type Engine, openEngine } from '#db/engine.ts';
import type { FileSystem } from '#io/file-system.ts';
import { requireRoom } from './require-room.ts';

/** How long opening may wait for a lock; only a writer that closes holds one. */
const busyTimeoutMs = 5000;

/**
 * Copies what is committed now to `path`, where nothing is yet; `times`: how much room must be
 * there, in sizes of the database; `look` sees the very snapshot that is copied, first.
 *
 * @throws CodedError `disk_full`, `data_folder_foreign`; else errors of SQLite and of the disk
 */
export const copyDatabase = async (
  dataFolder: string,
  path: string,
  times: number,
  files: FileSystem,
  look: (snapshot: Engine) => void = () => undefined,
): Promise<void> => {
  const { database } = currentDatabaseFiles(dataFolder, files);
  const engine = openEngine(database, { readonly: true, busyTimeoutMs });
  try {
    // The first read opens the snapshot that all of the copy sees.
    engine.execute('BEGIN');
    const pages = Number(engine.value('SELECT page_count FROM pragma_page_count'));
    const pageBytes = Number(engine.value('SELECT page_size FROM pragma_page_size'));
    requireRoom(dirname(path), times * pages * pageBytes, files);
    look(engine);
    await engine.copyTo(path, () => writeOut(path, files));
    engine.execute('ROLLBACK');
  } finally {
    engine.close();
  }
};

/**
 * What was copied so far goes to the disk now. Left to the system, all of a large copy would go at
 * once at its end, and the log, whose syncs every write waits for, would stand in line behind it.
 */
const writeOut = (path: string, files: FileSystem): void => {
  const copy = files.open(path, 'read');
  try {
    copy.syncData();
  } finally {
    copy.close();
  }
};
