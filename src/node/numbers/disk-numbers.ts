// What lies on the disk of a node, looked at when somebody asks.
import { join } from 'node:path';
import { databaseSizes, fileBytes } from '#db/database-files.ts';
import type { Sample } from '#http/metrics/exposition.ts';
import type { FileSystem, FileSystemSpace } from '#io/file-system.ts';

/** Bytes of all files right in a folder; 0 for one that is gone meanwhile. */
const bytesIn = (folder: string, files: FileSystem): number =>
  files.list(folder).reduce((sum, name) => sum + fileBytes(join(folder, name), files), 0);

/** A folder that cannot be looked at (an image takes the database's place) is left out. */
export const looked = (
  look: () => Readonly<Record<string, number>>,
): Readonly<Record<string, number>> => {
  try {
    return look();
  } catch {
    return {};
  }
};

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
      const { databaseBytes, logBytes } = databaseSizes(dataFolder, files);
      return { stockade_database_bytes: databaseBytes, stockade_wal_bytes: logBytes };
    }),
  };
  return Object.entries(numbers).map(([name, value]) => ({ name, labels: {}, value }));
};
