// A dump in pieces that are asked for one by one, from a copy of the database: however slowly they
// are asked for, the database itself is not held. Runs in a process of its own.
import type { Engine } from '#db/engine.ts';
import type { FileSystem } from '#io/file-system.ts';
import { type BackupSource, backupPath, openBackupCopy, removeBackupFile } from './backup-copy.ts';
import { dumpSql } from './dump-sql.ts';

/** A dump under way. */
export interface SqlDump {
  /**
   * The next bytes, a chunk or the longest value at most; undefined at the end.
   *
   * @throws what SQLite says of rows that cannot be read
   */
  next(): Buffer | undefined;
  /** Removes the copy; harmless when it was done before. */
  close(): void;
}

/** Characters collected for one chunk. */
const chunkCharacters = 256 * 1024;

const chunked = (pieces: Iterator<string>): Buffer | undefined => {
  const parts: string[] = [];
  let length = 0;
  while (length < chunkCharacters) {
    const next = pieces.next();
    if (next.done === true) break;
    parts.push(next.value);
    length += next.value.length;
  }
  return parts.length === 0 ? undefined : Buffer.from(parts.join(''));
};

const dumpOf = (engine: Engine, path: string, only: readonly string[], files: FileSystem) => {
  const pieces = dumpSql(engine, only);
  let closed = false;
  return {
    next: () => chunked(pieces),
    close: () => {
      if (closed) return;
      closed = true;
      pieces.return(undefined);
      engine.close();
      removeBackupFile(path, files);
    },
  };
};

/**
 * Begins a dump of what is committed now; `only`: names of tables, none for all.
 *
 * @throws CodedError `disk_full`, `data_folder_foreign`; else errors of SQLite and of the disk
 */
export const makeDump = async (source: BackupSource, only: readonly string[]): Promise<SqlDump> => {
  const path = backupPath(source);
  try {
    return dumpOf(await openBackupCopy(source, path, 1), path, only, source.files);
  } catch (thrown) {
    removeBackupFile(path, source.files);
    throw thrown;
  }
};
