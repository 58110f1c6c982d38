// When the write-ahead log is written back. The size of its file says how much there is to write
// only if the file shrinks again: SQLite begins anew at its start after a checkpoint, but keeps its
// length. Without that every batch behind the first 16 MiB would end in a checkpoint of its own,
// with three syncs.
import { type Engine, noBindings } from './engine.ts';

const mib = 1024 * 1024;

/**
 * A log larger than this is written back between batches. The longest of bulks one after the other
 * took 31 to 57 ms with it, and 56 to 57 ms with 32 MiB, at the same rate.
 */
const checkpointBytes = 16 * mib;

/**
 * To this the file is cut when it begins anew (setting journal_size_limit): room without growing.
 */
export const keptBytes = 8 * mib;

/** A checkpoint that readers held up is tried again when the log has grown by this. */
const retryBytes = 4 * mib;

/** Decides by the size of the file, between batches. */
export class WriteAheadLog {
  readonly #engine: Engine;
  readonly #fileBytes: () => number;
  /** The size below which nothing is done. */
  #nextBytes = checkpointBytes;

  constructor(engine: Engine, fileBytes: () => number) {
    this.#engine = engine;
    this.#fileBytes = fileBytes;
  }

  /** Writes the log back as far as readers let it; whether there was anything to write. */
  writeBack(): boolean {
    const before = this.#checkpoint('NOOP');
    return this.#checkpoint('PASSIVE') > before;
  }

  /** Pages of the log that are in the database file afterwards. */
  #checkpoint(mode: 'NOOP' | 'PASSIVE'): number {
    const statement = this.#engine.prepare(`PRAGMA wal_checkpoint(${mode})`);
    const [[, , written] = []] = statement.all(noBindings, false);
    return Number(written ?? 0);
  }

  /** Writes the log back if there is much of it, behind `before`; whether it did. */
  maintain(before: () => void = () => undefined): boolean {
    const bytes = this.#fileBytes();
    if (bytes < checkpointBytes) this.#nextBytes = checkpointBytes;
    if (bytes < this.#nextBytes) return false;
    before();
    this.#engine.execute('PRAGMA wal_checkpoint(PASSIVE)');
    this.#nextBytes = bytes + retryBytes;
    return true;
  }
}
