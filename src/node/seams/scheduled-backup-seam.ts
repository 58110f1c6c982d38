// What the node says to a process that takes a scheduled backup, and to one that fetches a backup.
// Settings of a store may hold its key: they go through the pipe, never through arguments.
import type { BackupEnd, BackupProgress, BackupTask } from '#node/backups/scheduled/take-backup.ts';
import { bytesCodec, jsonCodec, type Method, type SeamEvent } from '#process/seam.ts';
import type { StoreSettings } from '#store/store-settings.ts';
import type { BackupFailed } from './backup-seam.ts';
import { type ImagePiece, pieceCodec } from './image-seam.ts';

/** Takes a backup, or says why not; the only request of its kind. */
export const takeScheduled: Method<
  { readonly task: BackupTask; readonly store: StoreSettings },
  BackupEnd | BackupFailed
> = { kind: 1, request: jsonCodec(), reply: jsonCodec() };

/** How far it is. */
export const scheduledProgress: SeamEvent<BackupProgress> = { kind: 2, value: jsonCodec() };

/** Where a backup is to come from: a store, or a file of this machine. */
export type BackupOrigin =
  | { readonly kind: 'store'; readonly store: StoreSettings; readonly name: string | undefined }
  | { readonly kind: 'file'; readonly path: string };

/** A backup that was fetched and is sound. */
export interface Fetched {
  readonly kind: 'fetched';
  readonly name: string;
  /** Content hash, hexadecimal. */
  readonly content: string;
  readonly rows: number;
  /** Of the file that may be replicated, and its digest, hexadecimal. */
  readonly bytes: number;
  readonly digest: string;
}

/** Fetches and checks a backup. */
export const fetchOne: Method<
  { readonly folder: string; readonly origin: BackupOrigin },
  Fetched | BackupFailed
> = { kind: 3, request: jsonCodec(), reply: jsonCodec() };

/** A piece of the file that may be replicated. */
export const readFetched: Method<ImagePiece, Uint8Array> = {
  kind: 4,
  request: pieceCodec,
  reply: bytesCodec,
};
