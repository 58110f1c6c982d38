// A backup as an SQLite file that any SQLite opens: what users stored, without this program's own
// tables, not even in free pages. Runs in a process of its own.
import { type Engine, noBindings } from '#db/engine.ts';
import type { OpenFile } from '#io/file-system.ts';
import { type BackupSource, backupPath, openBackupCopy, removeBackupFile } from './backup-copy.ts';

/** A made backup, without a name on the disk: it is gone when it is closed or the process ends. */
export interface MadeBackup {
  readonly bytes: number;
  /** Fills `into` from `position` on; gives how many bytes there were. */
  read(into: Uint8Array, position: number): number;
  close(): void;
}

/** Of the database's size: the copy, and what VACUUM makes of it. */
const [plainTimes, vacuumTimes] = [1, 2];

const ownTablesText =
  "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(lower(name), 1, 10) = '_stockade_'";

/** Overwrites what it removes: members and positions are nobody's who reads the data. */
const dropOwnTables = (engine: Engine): void => {
  const names = engine.prepare(ownTablesText).all(noBindings, false);
  engine.execute('PRAGMA secure_delete = ON');
  for (const [name] of names) engine.execute(`DROP TABLE "${String(name)}"`);
};

/**
 * Makes a backup of what is committed now; with `vacuum` without free pages, as compact as can be.
 * `look` sees the snapshot that it is made of, before anything is written; what it throws ends it.
 *
 * @throws CodedError `disk_full`, `data_folder_foreign`; else errors of SQLite and of the disk
 */
export const makeBackup = async (
  source: BackupSource,
  vacuum: boolean,
  look?: (snapshot: Engine) => void,
): Promise<MadeBackup> => {
  const copy = backupPath(source);
  const compact = vacuum ? backupPath(source) : copy;
  const { files } = source;
  let file: OpenFile;
  try {
    const engine = await openBackupCopy(source, copy, vacuum ? vacuumTimes : plainTimes, look);
    try {
      dropOwnTables(engine);
      if (vacuum) engine.execute(`VACUUM INTO '${compact.replaceAll("'", "''")}'`);
    } finally {
      engine.close();
    }
    file = files.open(compact, 'read');
  } finally {
    for (const path of new Set([copy, compact])) removeBackupFile(path, files);
  }
  return {
    bytes: file.status().bytes,
    read: (into, position) => file.read(into, position),
    close: () => file.close(),
  };
};
