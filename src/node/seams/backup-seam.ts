// What the node says to a process that makes a backup: begun once, then asked for one chunk after
// the other, so that it is never ahead of whoever takes them.
import { unreachable } from '#invariant.ts';
import { emptyCodec, jsonCodec, type Method, type SeamCodec } from '#process/seam.ts';

/** Which backup of which folder. */
export interface BackupRequest {
  readonly folder: string;
  /** A database file or SQL text. */
  readonly format: 'file' | 'sql';
  /** Of a file: without free pages. */
  readonly vacuum: boolean;
  /** Of SQL: only these tables; none: all. */
  readonly tables: readonly string[];
  /** As a gzip file. */
  readonly compress: boolean;
}

/** Why there is no backup, or no more of it. */
export interface BackupFailed {
  readonly kind: 'failed';
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** A backup whose chunks may be asked for; the bytes of SQL are not known before its end. */
export type BackupBegun =
  | { readonly kind: 'begun'; readonly bytes: number | undefined }
  | BackupFailed;

/** The next bytes. */
export type BackupChunk =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'end' }
  | BackupFailed;

/** First byte of an answer. */
const [bytesFollow, endFollows, failureFollows] = [0, 1, 2];

const chunkCodec: SeamCodec<BackupChunk> = {
  encode: (chunk) => {
    switch (chunk.kind) {
      case 'bytes':
        return Buffer.concat([Buffer.of(bytesFollow), chunk.bytes]);
      case 'end':
        return Buffer.of(endFollows);
      case 'failed':
        return Buffer.concat([Buffer.of(failureFollows), Buffer.from(JSON.stringify(chunk))]);
      default:
        return unreachable(chunk);
    }
  },
  decode: (frame) => {
    const rest = frame.subarray(1);
    if (frame[0] === bytesFollow) return { kind: 'bytes', bytes: Buffer.from(rest) };
    if (frame[0] === endFollows) return { kind: 'end' };
    return JSON.parse(rest.toString('utf8')) as BackupFailed;
  },
};

/** Begins; the only request of its kind. */
export const beginBackup: Method<BackupRequest, BackupBegun> = {
  kind: 1,
  request: jsonCodec(),
  reply: jsonCodec(),
};

/** The next chunk. */
export const nextChunk: Method<undefined, BackupChunk> = {
  kind: 2,
  request: emptyCodec,
  reply: chunkCodec,
};
