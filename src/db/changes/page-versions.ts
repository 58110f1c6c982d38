// The pages of a database as they were before the transaction that is looked at, and as it left
// them: from the database file, over it the write-ahead log as far as it was read.
import { invariant } from '#invariant.ts';
import type { OpenFile } from '#io/file-system.ts';
import type { WrittenPages } from './wal-tail.ts';

/** Reads one version of a database. */
export interface PageReader {
  /** Bytes of a page that hold content: what is reserved at its end is left out. */
  readonly usableBytes: number;
  /** A page's bytes, in a buffer of its own. @throws InvariantError for a page that is not there */
  page(number: number): Buffer;
}

const fileHeaderBytes = 100;

/** Both versions. */
export class PageVersions {
  readonly #database: OpenFile;
  readonly #log: OpenFile;
  /** The newest place in the log of each page, of all transactions that were looked at. */
  readonly #places = new Map<number, number>();
  #written: WrittenPages = new Map();
  #pageBytes = 0;
  readonly before: PageReader;
  readonly after: PageReader;

  constructor(database: OpenFile, log: OpenFile) {
    this.#database = database;
    this.#log = log;
    const usable = (): number => this.#usableBytes;
    this.before = {
      get usableBytes() {
        return usable();
      },
      page: (number) => this.#read(number, this.#places.get(number)),
    };
    this.after = {
      get usableBytes() {
        return usable();
      },
      page: (number) => this.#read(number, this.#written.get(number) ?? this.#places.get(number)),
    };
  }

  #reserved = 0;

  get #usableBytes(): number {
    return this.#pageBytes - this.#reserved;
  }

  /** The transaction to look at. */
  look(written: WrittenPages): void {
    this.#written = written;
    if (this.#pageBytes === 0) this.#readSizes();
  }

  /** It belongs to the past now. */
  pass(): void {
    for (const [number, place] of this.#written) this.#places.set(number, place);
    this.#written = new Map();
  }

  /** The log began anew: all there was in it is in the database file. */
  forgetLog(): void {
    this.#places.clear();
  }

  /** Of the first page, wherever it is: sizes never change. */
  #readSizes(): void {
    const place = this.#places.get(1) ?? this.#written.get(1);
    const header = Buffer.alloc(fileHeaderBytes);
    const read =
      place === undefined ? this.#database.read(header, 0) : this.#log.read(header, place);
    invariant(read === header.length, 'a database that was written to has a first page');
    const size = header.readUInt16BE(16);
    this.#pageBytes = size === 1 ? 65_536 : size;
    this.#reserved = header[20] ?? 0;
    invariant(header.readUInt32BE(56) <= 1, 'only databases in UTF-8 are read');
  }

  #read(number: number, place: number | undefined): Buffer {
    if (this.#pageBytes === 0) this.#readSizes();
    const page = Buffer.allocUnsafe(this.#pageBytes);
    const read =
      place === undefined
        ? this.#database.read(page, (number - 1) * this.#pageBytes)
        : this.#log.read(page, place);
    invariant(number > 0 && read === page.length, 'a page that is pointed to is there');
    return page;
  }
}
