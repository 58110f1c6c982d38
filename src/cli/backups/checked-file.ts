// A backup on this machine, uncompressed and checked, in a folder of its own that is gone
// afterwards.
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openStream } from '#io/file-streams.ts';
import { systemFiles } from '#io/file-system.ts';
import { cryptoRandom } from '#io/random.ts';
import {
  contentInPlace,
  type FetchedContent,
  fetchBackup,
  fetchChunks,
} from '#node/backups/fetch-backup.ts';
import type { BackupStore } from '#store/backup-store.ts';

const gzipStart = Buffer.from([0x1f, 0x8b]);

/** Whether a file is compressed; false for what cannot be read: whoever reads it says so. */
export const isGzipFile = (path: string): boolean => {
  if (path === '-' || systemFiles.status(resolve(path))?.kind !== 'file') return false;
  const file = systemFiles.open(resolve(path), 'read');
  try {
    const start = Buffer.alloc(gzipStart.length);
    return file.read(start, 0) === gzipStart.length && start.equals(gzipStart);
  } finally {
    file.close();
  }
};

const inFolder = async <Value>(work: (path: string) => Promise<Value>): Promise<Value> => {
  const name = `stockade-restore-${Buffer.from(cryptoRandom.bytes(8)).toString('hex')}`;
  const folder = join(tmpdir(), name);
  systemFiles.createFolder(folder);
  try {
    return await work(join(folder, 'backup.sqlite'));
  } finally {
    for (const left of systemFiles.list(folder)) systemFiles.remove(join(folder, left));
    systemFiles.removeFolder(folder);
  }
};

/**
 * Works with a copy of a database file, uncompressed and sound. @throws CodedError `backup_invalid`
 */
export const withUncompressed = <Value>(
  file: string,
  work: (path: string, content: FetchedContent) => Promise<Value>,
): Promise<Value> =>
  inFolder(async (path) => {
    const { stream } = await openStream(resolve(file));
    return work(path, await fetchChunks(stream, undefined, path, systemFiles));
  });

/** What a backup holds, compressed or not, as it lies there. @throws CodedError `backup_invalid` */
export const contentOfBackup = (file: string): Promise<Pick<FetchedContent, 'rows' | 'digest'>> =>
  isGzipFile(file)
    ? withUncompressed(file, (_path, content) => Promise.resolve(content))
    : Promise.resolve().then(() => contentInPlace(resolve(file)));

/** Works with a backup out of a store. @throws CodedError `backup_invalid`, `not_found` */
export const withFetched = <Value>(
  store: BackupStore,
  wanted: string | undefined,
  work: (path: string, name: string) => Promise<Value>,
): Promise<Value> =>
  inFolder(async (path) => {
    const { name } = await fetchBackup(store, wanted, path, systemFiles);
    return work(path, name);
  });
