// Follows the write-ahead log of a database transaction by transaction. It reads what SQLite has
// committed and checks every frame as SQLite's own recovery does; it writes nothing and takes no
// lock.
import type { OpenFile } from '#io/file-system.ts';

/** Where the next frame begins, and the log it is of. */
export interface WalPosition {
  /** Both salts of the log, 8 bytes as hexadecimal; another one began anew since. */
  readonly salts: string;
  /** Frames read. */
  readonly frames: number;
}

/** The pages that a transaction wrote, each with the place of its bytes in the log's file. */
export type WrittenPages = ReadonlyMap<number, number>;

const headerBytes = 32;
const frameHeaderBytes = 24;

interface WalHeader {
  readonly salts: string;
  readonly pageBytes: number;
  /** Words of checksums are big-endian. */
  readonly bigEndian: boolean;
  readonly sums: readonly [number, number];
}

/** This machine's own order of bytes: its words are read without a look at each byte. */
const machineIsBigEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 0;

const otherOrder = (bytes: Buffer, at: number, bigEndian: boolean): number =>
  bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);

const checksum = (
  bytes: Buffer,
  bigEndian: boolean,
  [first, second]: readonly [number, number],
): readonly [number, number] => {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const swapped = bigEndian !== machineIsBigEndian;
  let [s0, s1] = [first, second];
  for (let at = 0; at < words.length; at += 2) {
    const x0 = swapped ? otherOrder(bytes, at * 4, bigEndian) : (words[at] ?? 0);
    const x1 = swapped ? otherOrder(bytes, at * 4 + 4, bigEndian) : (words[at + 1] ?? 0);
    s0 = (s0 + x0 + s1) >>> 0;
    s1 = (s1 + x1 + s0) >>> 0;
  }
  return [s0, s1];
};

/** A buffer whose words lie where a machine reads them at once. */
const alignedBuffer = (bytes: number): Buffer => Buffer.from(new ArrayBuffer(bytes));

const readHeader = (file: OpenFile): WalHeader | undefined => {
  const header = alignedBuffer(headerBytes);
  if (file.read(header, 0) < headerBytes) return undefined;
  const magic = header.readUInt32BE(0);
  if (magic >>> 1 !== 0x377f0682 >>> 1) return undefined;
  const bigEndian = (magic & 1) === 1;
  const sums = checksum(header.subarray(0, 24), bigEndian, [0, 0]);
  if (sums[0] !== header.readUInt32BE(24) || sums[1] !== header.readUInt32BE(28)) return undefined;
  const pageBytes = header.readUInt32BE(8);
  return { salts: header.toString('hex', 16, 24), pageBytes, bigEndian, sums };
};

/** Reads one log, from its beginning. */
export class WalTail {
  readonly #file: OpenFile;
  #header: WalHeader | undefined;
  #frames = 0;
  #sums: readonly [number, number] = [0, 0];
  #frame = alignedBuffer(0);

  constructor(file: OpenFile) {
    this.#file = file;
    this.beganAnew();
  }

  get position(): WalPosition {
    return { salts: this.#header?.salts ?? '', frames: this.#frames };
  }

  /**
   * Whether SQLite began the log anew since the last look, which it does only when all of it is in
   * the database file; the next transaction is then the first of the new log.
   */
  beganAnew(): boolean {
    const header = readHeader(this.#file);
    if (header?.salts === this.#header?.salts) return false;
    this.#header = header;
    this.#frames = 0;
    this.#sums = header?.sums ?? [0, 0];
    this.#frame = alignedBuffer(frameHeaderBytes + (header?.pageBytes ?? 0));
    return true;
  }

  /** The next committed transaction; undefined when there is none yet. */
  next(): WrittenPages | undefined {
    const header = this.#header;
    if (header === undefined) return undefined;
    const pages = new Map<number, number>();
    let frames = this.#frames;
    let sums = this.#sums;
    for (;;) {
      const at = headerBytes + frames * this.#frame.length;
      if (this.#file.read(this.#frame, at) < this.#frame.length) return undefined;
      if (this.#frame.toString('hex', 8, 16) !== header.salts) return undefined;
      sums = checksum(this.#frame.subarray(0, 8), header.bigEndian, sums);
      sums = checksum(this.#frame.subarray(frameHeaderBytes), header.bigEndian, sums);
      if (sums[0] !== this.#frame.readUInt32BE(16)) return undefined;
      if (sums[1] !== this.#frame.readUInt32BE(20)) return undefined;
      frames += 1;
      pages.set(this.#frame.readUInt32BE(0), at + frameHeaderBytes);
      if (this.#frame.readUInt32BE(4) === 0) continue;
      this.#frames = frames;
      this.#sums = sums;
      return pages;
    }
  }
}
