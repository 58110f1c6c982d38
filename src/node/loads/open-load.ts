// A database file on its way in, seen from the front: bytes go to a process of their own, no faster
// than it writes them; what it makes of them is read back piece by piece.

import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { loadIdBytes } from '#command/load-step.ts';
import { CodedError, type ErrorCode } from '#errors.ts';
import type { FileToLoad, LoadableFile } from '#http/backend.ts';
import { frameBytesMax } from '#limits.ts';
import { letGo } from '#node/let-go.ts';
import type { BackupFailed } from '#node/seams/backup-seam.ts';
import { finishLoad, readLoad, startLoad, takeLoad } from '#node/seams/load-seam.ts';
import { spawnChild } from '#process/child.ts';
import { Seam } from '#process/seam.ts';

const program = fileURLToPath(new URL('./load-main.ts', import.meta.url));

/** No core files, and address space in KiB: a file of a user must not take all memory. */
const limits = 'ulimit -c 0; ulimit -v 16000000';

/**
 * A gigabyte is checked and written anew in about a minute; a file made to take for ever does not
 * have more.
 */
const finishDeadlineMs = 10 * 60_000;

/** A process that was let go of removes its files; by then it is killed. */
const cleanUpMs = 60_000;

const gone = (cause: unknown): CodedError =>
  new CodedError('storage_failed', 'the process that checks the file ended', {
    cause,
    applied: 'no',
    hint: 'Either the file needs more memory or time than it may, or the log says more.',
  });

const errorFrom = ({ code, message, hint }: BackupFailed): CodedError =>
  new CodedError(code as ErrorCode, message, { hint, applied: 'no' });

/** A file being taken in, with the end of its process. */
export interface OpenLoad extends FileToLoad {
  readonly ended: Promise<unknown>;
}

/** Starts taking a file in. @throws CodedError `disk_full`, `storage_failed` */
export const openLoad = async (folder: string): Promise<OpenLoad> => {
  const child = spawnChild({
    file: program,
    execArguments: ['--max-semi-space-size=2'],
    title: 'stockade-load',
    takesHandle: false,
    shellLimits: limits,
  });
  const seam = new Seam(child.stream, { frameBytesMax, onClose: () => undefined });
  const release = letGo(child, seam, cleanUpMs);
  const asked = async <Reply>(reply: Promise<Reply>): Promise<Reply> => {
    try {
      return await reply;
    } catch (error) {
      throw gone(error);
    }
  };
  const load: OpenLoad = {
    ended: child.ended,
    write: async (bytes) => {
      const { failed } = await asked(seam.ask(takeLoad, bytes));
      if (failed !== undefined) throw errorFrom(failed);
    },
    finish: async (): Promise<LoadableFile> => {
      const timer = setTimeout(() => child.kill(), finishDeadlineMs);
      const made = await asked(seam.ask(finishLoad, undefined));
      clearTimeout(timer);
      if (made.kind === 'failed') throw errorFrom(made);
      return {
        id: randomBytes(loadIdBytes),
        bytes: made.bytes,
        digest: Buffer.from(made.digest, 'hex'),
        read: (position, bytes) => asked(seam.ask(readLoad, { position, bytes })),
      };
    },
    release,
  };
  try {
    const { failed } = await asked(seam.ask(startLoad, { folder }));
    if (failed !== undefined) throw errorFrom(failed);
    return load;
  } catch (error) {
    release();
    throw error;
  }
};
