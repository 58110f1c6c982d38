// What lies on the disk of a node, looked at when somebody asks.
import { join } from 'node:path';
import { currentDatabaseFiles } from '#db/database-files.ts';
import type { Sample } from '#http/metrics/exposition.ts';
import type { FileSystem, FileSystemSpace } from '#io/file-system.ts';

/** Bytes of all files right in a folder; 0 for one that is gone meanwhile. */
const bytesIn = (folder: string, files: FileSystem): number =>
  files.list(folder).reduce((sum, name) => sum + (files.status(join(folder, name))?.bytes ?? 0), 0);

const bytesOf = (path: string, files: FileSystem): number => files.status(path)?.bytes ?? 0;

/** A folder that cannot be looked at (an image takes the database's place) is left out. */
const looked = (look: () => Readonly<Record<string, number>>): Readonly<Record<string, number>> => {
  try {
    return look();
  } catch {
    return {};
  }
};

/** Bytes of the database file. Errors are the operating system's. */
export const databaseBytesOf = (dataFolder: string, files: FileSystem): number =>
  bytesOf(currentDatabaseFiles(dataFolder, files).database, files);

/** @param dataFolder the node's data folder */
export const diskSamples = (
  dataFolder: string,
  { freeBytes, totalBytes }: FileSystemSpace,
  files: FileSystem,
): readonly Sample[] => {
  const numbers = {
    stockade_disk_free_bytes: freeBytes,
    stockade_disk_total_bytes: totalBytes,
    ...looked(() => ({ stockade_log_bytes: bytesIn(join(dataFolder, 'raft'), files) })),
    ...looked(() => {
      const paths = currentDatabaseFiles(dataFolder, files);
      return {
        stockade_database_bytes: bytesOf(paths.database, files),
        stockade_wal_bytes: bytesOf(paths.writeAheadLog, files),
      };
    }),
  };
  return Object.entries(numbers).map(([name, value]) => ({ name, labels: {}, value }));
};
