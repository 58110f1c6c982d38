// Keeps SQLite's write-ahead log bounded while reads go on. It begins anew only when no reader
// looks into it; reads that overlap without end would let it grow as large as all that is written.
// Beyond a bound the oldest of them is ended.
import { currentDatabaseFiles, fileBytes } from '#db/database-files.ts';
import type { FileSystem } from '#io/file-system.ts';

const mib = 1024 * 1024;

/** The writer writes back at 16 MiB; so much more means that reads hold it up for long. */
const walBytesMax = 256 * mib;

/** Reads that have just begun are not what holds it up. */
export const walReadMsMin = 1000;

/** At full speed the log grows by some tens of MiB between two looks. */
const lookEveryMs = 500;

/** Bytes of the current database's write-ahead log. Throws what the file system does. */
export const walBytesIn = (dataFolder: string, files: FileSystem): number =>
  fileBytes(currentDatabaseFiles(dataFolder, files).writeAheadLog, files);

/** See the head of this file. */
export class WalWatch {
  readonly #bytes: () => number;
  readonly #endOldest: () => void;

  constructor(bytes: () => number, endOldest: () => void) {
    this.#bytes = bytes;
    this.#endOldest = endOldest;
  }

  /** Looks from now on, as long as the process lives. */
  start(): void {
    setInterval(() => this.look(), lookEveryMs).unref();
  }

  /** Looks now. A file that cannot be looked at (an image takes its place) is looked at later. */
  look(): void {
    let bytes = 0;
    try {
      bytes = this.#bytes();
    } catch {
      return;
    }
    if (bytes > walBytesMax) this.#endOldest();
  }
}
