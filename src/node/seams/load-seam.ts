// What a front says to the process that checks a database file and makes one of ours of it.
import { bytesCodec, emptyCodec, jsonCodec, type Method } from '#process/seam.ts';
import type { BackupFailed } from './backup-seam.ts';
import { type ImagePiece, pieceCodec } from './image-seam.ts';

/** Whether it goes on: undefined when it does. */
export type LoadProblem = { readonly failed?: BackupFailed };

/** A file that may be replicated, or why not. */
export type LoadMade =
  | { readonly kind: 'made'; readonly bytes: number; readonly digest: string }
  | BackupFailed;

/** Prepares for a file in this data folder; the first thing said. */
export const startLoad: Method<{ readonly folder: string }, LoadProblem> = {
  kind: 1,
  request: jsonCodec(),
  reply: jsonCodec(),
};

/** The next bytes; the answer comes when they are written. */
export const takeLoad: Method<Uint8Array, LoadProblem> = {
  kind: 2,
  request: { encode: (bytes) => bytes, decode: (bytes) => bytes },
  reply: jsonCodec(),
};

/** All bytes are there: checks them and makes a file of them that may be replicated. */
export const finishLoad: Method<undefined, LoadMade> = {
  kind: 3,
  request: emptyCodec,
  reply: jsonCodec(),
};

/** A piece of that file. */
export const readLoad: Method<ImagePiece, Uint8Array> = {
  kind: 4,
  request: pieceCodec,
  reply: bytesCodec,
};
