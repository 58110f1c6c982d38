// A backup seen from whoever sends it on: chunks that are made as they are taken, by a process of
// their own. Whatever goes wrong on the way is an error of the iteration, never a shorter backup.

import { fileURLToPath } from 'node:url';
import { CodedError } from '#errors.ts';
import { frameBytesMax } from '#limits.ts';
import { letGo } from '#node/let-go.ts';
import { type BackupRequest, beginBackup, nextChunk } from '#node/seams/backup-seam.ts';
import { spawnChild } from '#process/child.ts';
import { Seam } from '#process/seam.ts';
import { errorOf } from './failure.ts';

const program = fileURLToPath(new URL('./backup-main.ts', import.meta.url));

/** A process that was let go of removes its files; by then it is killed. */
const cleanUpMs = 60_000;

/** A backup that can be fetched, once. */
export interface Backup {
  /** Undefined for SQL: its length is not known before its end. */
  readonly bytes: number | undefined;
  /** All of it, in order; lets go of the process when it ends, however it ends. */
  readonly chunks: AsyncIterableIterator<Buffer>;
  /** Nobody wants it (any longer); harmless when it was done before. */
  release(): void;
  /** Resolves when the process is gone, and its files with it. */
  readonly ended: Promise<unknown>;
}

const gone = (cause: unknown): CodedError =>
  new CodedError('storage_failed', 'the process that makes the backup ended', {
    cause,
    hint: 'Try again; its own message stands above in the log.',
  });

async function* chunksFrom(seam: Seam, release: () => void): AsyncIterableIterator<Buffer> {
  try {
    for (;;) {
      const chunk = await seam.ask(nextChunk, undefined).catch((error: unknown) => {
        throw gone(error);
      });
      if (chunk.kind === 'failed') throw errorOf(chunk);
      if (chunk.kind === 'end') return;
      yield chunk.bytes;
    }
  } finally {
    release();
  }
}

/**
 * Makes a backup in a process of its own.
 *
 * @throws CodedError `disk_full`, `storage_failed`, `bad_request`; the iteration as well
 */
export const openBackup = async (request: BackupRequest): Promise<Backup> => {
  const child = spawnChild({
    file: program,
    execArguments: ['--max-semi-space-size=2'],
    title: 'stockade-backup',
    takesHandle: false,
    shellLimits: 'ulimit -c 0',
  });
  const seam = new Seam(child.stream, { frameBytesMax, onClose: () => undefined });
  const release = letGo(child, seam, cleanUpMs);
  try {
    const begun = await seam.ask(beginBackup, request).catch((error: unknown) => {
      throw gone(error);
    });
    if (begun.kind === 'failed') throw errorOf(begun);
    const { bytes } = begun;
    return { bytes, chunks: chunksFrom(seam, release), release, ended: child.ended };
  } catch (error) {
    release();
    throw error;
  }
};
