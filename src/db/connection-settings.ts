// Settings of a connection: each is set and read back, because SQLite ignores what it does not
// know.
import { CodedError } from '#errors.ts';
import type { ClusterSettings } from './cluster-settings.ts';
import type { Engine } from './engine.ts';
import { keptBytes } from './write-ahead-log.ts';

/** A PRAGMA, the value it gets, and what reading it back gives. */
type Setting = readonly [name: string, value: string, readBack: number | string];

/** SQLite before this one can corrupt a database when the WAL is reset (fixed in 3.51.3). */
const oldestSqlite = [3, 51, 3] as const;

/** @throws CodedError `storage_failed` for an SQLite that is too old */
export const checkVersion = (engine: Engine): void => {
  const version = String(engine.value('SELECT sqlite_version()'));
  const parts = version.split('.').map(Number);
  for (const [at, oldest] of oldestSqlite.entries()) {
    const part = parts[at] ?? 0;
    if (part > oldest) return;
    if (part < oldest) {
      throw new CodedError(
        'storage_failed',
        `SQLite ${version} is too old: its WAL can corrupt data`,
        {
          hint: `install the dependencies of this version (SQLite ${oldestSqlite.join('.')} or newer)`,
        },
      );
    }
  }
};

/** Sets each and reads it back. @throws CodedError `storage_failed` when one did not take */
export const applySettings = (engine: Engine, settings: readonly Setting[]): void => {
  for (const [name, value, readBack] of settings) {
    engine.execute(`PRAGMA ${name} = ${value}`);
    // mmap_size answers nothing at all where it is compiled out: no memory map, as wanted.
    const now = engine.value(`PRAGMA ${name}`) ?? readBack;
    if (now !== readBack) {
      throw new CodedError(
        'storage_failed',
        `SQLite did not take ${name} = ${value}: ${String(now)}`,
        {
          hint: 'the file system may not allow it; the data folder needs a local one',
        },
      );
    }
  }
};

/** Settings of the writer, the same on every node of every cluster. */
export const writerSettings: readonly Setting[] = [
  ['journal_mode', 'WAL', 'wal'],
  ['synchronous', 'NORMAL', 1],
  ['wal_autocheckpoint', '0', 0],
  ['journal_size_limit', String(keptBytes), keptBytes],
  ['cell_size_check', 'ON', 1],
  ['mmap_size', '0', 0],
  // With OFF every function replaced here would be unsafe in defaults, triggers and indexes.
  ['trusted_schema', 'ON', 1],
  ['recursive_triggers', 'OFF', 0],
  ['temp_store', 'MEMORY', 2],
];

/** Settings of the writer that the cluster was created with. */
export const clusterPragmas = ({ foreignKeys }: ClusterSettings): readonly Setting[] => [
  ['foreign_keys', foreignKeys ? 'ON' : 'OFF', foreignKeys ? 1 : 0],
];

/** Settings of a reader; setting temp_store drops what is temporary already. */
export const readerSettings: readonly Setting[] = [
  ['trusted_schema', 'OFF', 0],
  ['cell_size_check', 'ON', 1],
  ['mmap_size', '0', 0],
  ['recursive_triggers', 'OFF', 0],
  ['foreign_keys', 'OFF', 0],
  ['temp_store', 'FILE', 1],
];

/** What closes a reader, once everything of its own is made. */
export const closingSettings: readonly Setting[] = [['query_only', 'ON', 1]];
