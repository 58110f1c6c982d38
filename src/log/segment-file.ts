// One segment's file: its first page, its frames one after the other, and the search for a frame
// where none should be.
import type { FileSystem, OpenFile } from '#io/file-system.ts';
import {
  crcSeedOf,
  type FrameHeader,
  frameAlignmentBytes,
  frameBytesOf,
  frameHeaderAt,
  frameHeaderBytes,
  frameNumberAt,
  payloadMatches,
} from './frame.ts';
import { windowBytes } from './limits.ts';
import { type SegmentHeader, segmentHeaderBytes } from './segment-header.ts';

const suffix = '.log';
const spareSuffix = '.spare';
const digits = 20;

/** The name of a segment's file. */
export const segmentNameOf = (number: number): string =>
  `${String(number).padStart(digits, '0')}${suffix}`;

/** The name of a file that waits to become a segment; what it holds counts for nothing. */
export const spareNameOf = (number: number): string =>
  `${String(number).padStart(digits, '0')}${spareSuffix}`;

/** What a file in the log's folder is by its name; undefined for names that are not ours. */
export const segmentFileFrom = (
  name: string,
): { readonly kind: 'segment' | 'spare'; readonly number: number } | undefined => {
  const match = /^(\d{20})\.(log|spare)$/.exec(name);
  if (match === null) return undefined;
  const number = Number(match[1]);
  if (!Number.isSafeInteger(number)) return undefined;
  return { kind: match[2] === 'log' ? 'segment' : 'spare', number };
};

/** A whole frame; `payload` is valid until the next one is read. */
export interface Frame {
  readonly frame: number;
  readonly position: number;
  readonly payload: Buffer;
  /** Where the next frame begins. */
  readonly end: number;
}

const zerosBytes = 4096;
const zeros = Buffer.alloc(zerosBytes);

const areZeros = (bytes: Buffer, at: number): boolean =>
  at + zerosBytes <= bytes.length && zeros.equals(bytes.subarray(at, at + zerosBytes));

/** Reads one segment; a window of the file is in memory, whole frames at least. */
export class SegmentReader {
  readonly #file: OpenFile;
  readonly #fileBytes: number;
  readonly #crcSeed: number;
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;
  readonly #scratch: Buffer;

  /**
   * @param scratch where windows that fit are read to: what a frame shows is then gone with the
   *   next frame, and nothing is allocated for a whole log; by default each has its own bytes
   */
  constructor(
    file: OpenFile,
    header: Pick<SegmentHeader, 'salt'>,
    scratch: Buffer = Buffer.alloc(0),
  ) {
    this.#file = file;
    this.#scratch = scratch;
    this.#fileBytes = file.status().bytes;
    this.#crcSeed = crcSeedOf(header.salt);
  }

  /** The frame at `position`, when it is whole and has this number. */
  frameAt(position: number, frame: number): Frame | undefined {
    const header = this.#headerAt(position);
    if (header === undefined || header.frame !== frame) return undefined;
    if (header.payloadBytes > this.#fileBytes - position - frameHeaderBytes) return undefined;
    const whole = this.#bytesAt(position, frameHeaderBytes + header.payloadBytes);
    const payload = whole.subarray(frameHeaderBytes, frameHeaderBytes + header.payloadBytes);
    if (!payloadMatches(header, payload, this.#crcSeed)) return undefined;
    return { frame, position, payload, end: position + frameBytesOf(header.payloadBytes) };
  }

  /**
   * Looks behind `position` for the header of a frame numbered `frame` or later: proof that the one
   * at `position` was durable once, because a frame is written only when the one before it is.
   */
  findLaterFrame(position: number, frame: number): number | undefined {
    const numberMax = frame + (this.#fileBytes - position) / frameHeaderBytes;
    for (let at = position + frameAlignmentBytes; at < this.#fileBytes; ) {
      const bytes = this.#bytesAt(at, frameHeaderBytes);
      const last = bytes.length - frameHeaderBytes;
      let offset = 0;
      for (; offset <= last; offset += frameAlignmentBytes) {
        // Most of the file is zeros, told a page at a time (a header that begins in one has its
        // number there, but for the last place), or frames of an earlier life: told by the number,
        // without a checksum for each of millions of places.
        if (offset % zerosBytes === 0 && areZeros(bytes, offset)) {
          offset += zerosBytes - 2 * frameAlignmentBytes;
          continue;
        }
        const number = frameNumberAt(bytes, offset);
        if (number < frame || number > numberMax) continue;
        if (frameHeaderAt(bytes, offset, this.#crcSeed) !== undefined) return at + offset;
      }
      if (offset === 0) return undefined;
      at += offset;
    }
    return undefined;
  }

  #headerAt(position: number): FrameHeader | undefined {
    return frameHeaderAt(this.#bytesAt(position, frameHeaderBytes), 0, this.#crcSeed);
  }

  /** At least `length` bytes from `position` on, fewer where the file ends. */
  #bytesAt(position: number, length: number): Buffer {
    const start = position - this.#windowStart;
    if (start < 0 || start + length > this.#window.length) {
      const wanted = Math.min(Math.max(length, windowBytes), this.#fileBytes - position);
      const fits = wanted <= this.#scratch.length;
      const bytes = fits
        ? this.#scratch.subarray(0, Math.max(wanted, 0))
        : Buffer.allocUnsafeSlow(wanted);
      this.#window = bytes.subarray(0, this.#file.read(bytes, position));
      this.#windowStart = position;
      return this.#window;
    }
    return this.#window.subarray(start);
  }
}

/** The first page of a file, as it is. */
export const firstPageOf = (file: OpenFile): Buffer => {
  const page = Buffer.alloc(segmentHeaderBytes);
  return page.subarray(0, file.read(page, 0));
};

/** Runs `use` with the file open for reading. */
export const withOpenFile = <T>(files: FileSystem, path: string, use: (file: OpenFile) => T): T => {
  const file = files.open(path, 'read');
  try {
    return use(file);
  } finally {
    file.close();
  }
};
