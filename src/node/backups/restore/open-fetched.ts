// A backup that was fetched, checked and made ready for the log, seen from the node that restores
// it.
import { randomBytes } from 'node:crypto';
import { loadIdBytes } from '#command/load-step.ts';
import { CodedError } from '#errors.ts';
import type { LoadableFile } from '#http/backend.ts';
import { errorOf } from '#node/backups/failure.ts';
import { startJob } from '#node/backups/job-process.ts';
import {
  type BackupOrigin,
  type Fetched,
  fetchOne,
  readFetched,
} from '#node/seams/scheduled-backup-seam.ts';

/** Open until released. */
export interface OpenFetched {
  readonly about: Fetched;
  readonly file: LoadableFile;
  readonly release: () => void;
}

const gone = (cause: unknown): CodedError =>
  new CodedError('storage_failed', 'the process that fetches the backup ended', {
    cause,
    hint: 'Its own message stands above in the log.',
  });

/** @throws CodedError `store_failed`, `backup_invalid`, `not_found`, `disk_full`, `bad_request` */
export const openFetched = async (folder: string, origin: BackupOrigin): Promise<OpenFetched> => {
  const { seam, release } = startJob('restore/fetch-main', 'stockade-restore');
  const asked = async <Reply>(reply: Promise<Reply>): Promise<Reply> => {
    try {
      return await reply;
    } catch (error) {
      throw gone(error);
    }
  };
  try {
    const about = await asked(seam.ask(fetchOne, { folder, origin }));
    if (about.kind === 'failed') throw errorOf(about);
    const file: LoadableFile = {
      id: randomBytes(loadIdBytes),
      bytes: about.bytes,
      digest: Buffer.from(about.digest, 'hex'),
      read: (position, bytes) => asked(seam.ask(readFetched, { position, bytes })),
    };
    return { about, file, release };
  } catch (error) {
    release();
    throw error;
  }
};
