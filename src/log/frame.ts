// The frame around one batch: what tells a whole batch from a torn one, and this life of the file
// from an earlier one. Layout in docs/formats/raft-log.md.
import { crc32 } from 'node:zlib';

/** Bytes in front of the payload. */
export const frameHeaderBytes = 20;
/** Frames begin at multiples of this, so that a search for one need not look at every byte. */
export const frameAlignmentBytes = 8;

/** What a frame's header says, its own checksum being right. */
export interface FrameHeader {
  readonly payloadBytes: number;
  readonly payloadCrc: number;
  /** Frames are numbered without a gap for the whole life of the log. */
  readonly frame: number;
}

/** What a frame of this payload occupies in the file. */
export const frameBytesOf = (payloadBytes: number): number =>
  Math.ceil((frameHeaderBytes + payloadBytes) / frameAlignmentBytes) * frameAlignmentBytes;

/** Where the checksums of a segment start: another salt, and nothing that was valid stays so. */
export const crcSeedOf = (salt: Uint8Array): number => crc32(salt);

/** The header for a payload. */
export const encodeFrameHeader = (frame: number, payload: Uint8Array, crcSeed: number): Buffer => {
  const bytes = Buffer.alloc(frameHeaderBytes);
  bytes.writeUInt32LE(payload.length, 0);
  bytes.writeUInt32LE(crc32(payload, crcSeed), 4);
  bytes.writeUInt32LE(frame % 2 ** 32, 8);
  bytes.writeUInt32LE(Math.floor(frame / 2 ** 32), 12);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 16), crcSeed), 16);
  return bytes;
};

/** The number that a header at `at` would have; there must be as many bytes. */
export const frameNumberAt = (bytes: Buffer, at: number): number =>
  bytes.readUInt32LE(at + 12) * 2 ** 32 + bytes.readUInt32LE(at + 8);

/** The header at `at`, or undefined when there is none of this segment. */
export const frameHeaderAt = (
  bytes: Buffer,
  at: number,
  crcSeed: number,
): FrameHeader | undefined => {
  if (bytes.length - at < frameHeaderBytes) return undefined;
  const frame = frameNumberAt(bytes, at);
  // Zeros are what is there most often; no frame has the number 0.
  if (frame === 0 || !Number.isSafeInteger(frame)) return undefined;
  if (crc32(bytes.subarray(at, at + 16), crcSeed) !== bytes.readUInt32LE(at + 16)) return undefined;
  return { payloadBytes: bytes.readUInt32LE(at), payloadCrc: bytes.readUInt32LE(at + 4), frame };
};

/** Whether the payload is the one that the header was made for. */
export const payloadMatches = (
  header: FrameHeader,
  payload: Uint8Array,
  crcSeed: number,
): boolean =>
  payload.length === header.payloadBytes && crc32(payload, crcSeed) === header.payloadCrc;
