// The first page of a segment: which file it is, which version wrote it, and what the log held when
// the segment began. It has a page of its own, so that no later write touches its sectors.
import { crc32 } from 'node:zlib';
import { WireReader, WireWriter, wireType } from '#command/wire.ts';
import { CodedError } from '#errors.ts';
import { invariant } from '#invariant.ts';
import type { HardState } from '#raft/hard-state.ts';
import { type LogIndex, logIndex } from '#raft/log-index.ts';
import { type Term, term } from '#raft/term.ts';
import { hardStateFrom, writeHardState } from './log-record.ts';

/** Bytes of the first page; frames begin behind it. */
export const segmentHeaderBytes = 4096;
/** Length of the salt, bytes. */
export const saltBytes = 16;

/** The one version of the format that this program reads and writes. */
const formatVersion = 1;
const magic = Buffer.from('STKDRAFT', 'latin1');
/** Magic 8, version 4, length of the message 4, checksum of the message 4. */
const fixedBytes = 20;
const field = {
  number: 1,
  salt: 2,
  firstFrame: 3,
  hardState: 4,
  previousIndex: 5,
  previousTerm: 6,
} as const;

/** What the first page says. */
export interface SegmentHeader {
  /** The number in the file's name, from 1. */
  readonly number: number;
  readonly salt: Uint8Array;
  /** The number of the first frame in this segment. */
  readonly firstFrame: number;
  readonly hardState: HardState;
  /** The last entry before this segment; (0, 0) when there was none. */
  readonly previousIndex: LogIndex;
  readonly previousTerm: Term;
}

/** The whole first page. */
export const encodeSegmentHeader = (header: SegmentHeader): Buffer => {
  const writer = new WireWriter();
  writer.varintField(field.number, header.number);
  writer.bytesField(field.salt, header.salt);
  writer.varintField(field.firstFrame, header.firstFrame);
  const start = writer.begin(field.hardState);
  writeHardState(writer, header.hardState);
  writer.end(start);
  writer.varintField(field.previousIndex, header.previousIndex);
  writer.varintField(field.previousTerm, header.previousTerm);
  const message = writer.finish();
  invariant(
    fixedBytes + message.length <= segmentHeaderBytes,
    "a segment's header fits its first page (node ids are short)",
  );
  const page = Buffer.alloc(segmentHeaderBytes);
  magic.copy(page, 0);
  page.writeUInt32LE(formatVersion, 8);
  page.writeUInt32LE(message.length, 12);
  page.writeUInt32LE(crc32(message), 16);
  message.copy(page, fixedBytes);
  return page;
};

/**
 * Reads a first page; undefined when it is damaged. CodedError `data_folder_foreign` when another
 * version of the format wrote it.
 */
export const segmentHeaderFrom = (page: Buffer, path: string): SegmentHeader | undefined => {
  if (page.length < segmentHeaderBytes || !page.subarray(0, 8).equals(magic)) return undefined;
  const version = page.readUInt32LE(8);
  if (version !== formatVersion) {
    throw new CodedError(
      'data_folder_foreign',
      `${path} has version ${version} of the log format; this program knows version ${formatVersion}.`,
      { hint: 'Start the version of Stockade that wrote this folder, or one that is newer.' },
    );
  }
  const length = page.readUInt32LE(12);
  if (length > segmentHeaderBytes - fixedBytes) return undefined;
  const message = page.subarray(fixedBytes, fixedBytes + length);
  if (crc32(message) !== page.readUInt32LE(16)) return undefined;
  return headerFrom(message);
};

const headerFrom = (message: Buffer): SegmentHeader => {
  const numbers: Record<number, number> = {};
  let salt = new Uint8Array(0);
  let hardState = hardStateFrom(new Uint8Array(0));
  const reader = new WireReader(message);
  while (!reader.done) {
    const tag = reader.tag();
    const number = Math.floor(tag / 8);
    if (tag % 8 === wireType.varint) numbers[number] = reader.varint();
    else if (tag === field.salt * 8 + wireType.bytes) salt = new Uint8Array(reader.bytes());
    else if (tag === field.hardState * 8 + wireType.bytes) {
      hardState = hardStateFrom(reader.bytes());
    } else reader.skip(tag);
  }
  return {
    number: numbers[field.number] ?? 0,
    salt,
    firstFrame: numbers[field.firstFrame] ?? 0,
    hardState,
    previousIndex: logIndex(numbers[field.previousIndex] ?? 0),
    previousTerm: term(numbers[field.previousTerm] ?? 0),
  };
};
