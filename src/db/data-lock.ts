// One server per data folder: an exclusive lock on a file of its own, held by SQLite for as long as
// the connection lives. The operating system frees it when the process dies, however it dies.
import { CodedError } from '#errors.ts';
import { type Engine, openEngine, sqlErrorFrom } from './engine.ts';

/** A held lock. */
export interface DataLock {
  release(): void;
}

const hold = (engine: Engine): void => {
  engine.execute('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
};

/** Takes the lock. @throws CodedError `data_folder_in_use` when another process holds it */
export const takeDataLock = (path: string): DataLock => {
  const engine = openEngine(path, { readonly: false, busyTimeoutMs: 0 });
  try {
    hold(engine);
  } catch (thrown) {
    engine.close();
    if (sqlErrorFrom(thrown)?.code.startsWith('SQLITE_BUSY') !== true) throw thrown;
    throw new CodedError('data_folder_in_use', `another server holds ${path}`, {
      hint: 'stop it first, or give this one a data folder of its own',
    });
  }
  return {
    release: () => {
      engine.close();
    },
  };
};
