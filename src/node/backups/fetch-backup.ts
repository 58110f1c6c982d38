// Takes a backup out of a store, or from a file, into a file of this machine, and looks whether it
// is what it should be, before anybody uses it: size and digest of what was stored, a sound
// database, and the content hash of the state that it was taken from.
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { removeBackupFile } from '#db/backup/backup-copy.ts';
import { gunzipped, isGzip } from '#db/backup/gzip-chunks.ts';
import { contentOfFile, type FileContent } from '#db/backup/taken-state.ts';
import { requireRoom } from '#db/image/require-room.ts';
import { CodedError } from '#errors.ts';
import type { FileSystem, OpenFile } from '#io/file-system.ts';
import type { BackupStore } from '#store/backup-store.ts';
import { chosenBackup, readManifest } from '#store/catalogue.ts';
import type { Manifest } from '#store/manifest.ts';

/** Room on the disk is looked at this often while something of unknown size is written. */
const roomEveryBytes = 16 * 1024 * 1024;

/** What a fetched file is known to hold. */
export interface FetchedContent extends FileContent {
  /** Of the database file. */
  readonly bytes: number;
}

const invalid = (why: string): CodedError =>
  new CodedError('backup_invalid', `the backup ${why}`, {
    hint: 'Take another one: stockade backups --store FILE shows what is there.',
  });

/** Takes what is stored, counting it; ends with an error when it is not what was described. */
async function* counted(
  chunks: AsyncIterable<Buffer>,
  { bytes: wanted, sha256 }: Pick<Manifest, 'bytes' | 'sha256'>,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > wanted) throw invalid('is longer than its description says');
    hash.update(chunk);
    yield chunk;
  }
  if (bytes !== wanted) throw invalid(`has ${bytes} bytes, its description says ${wanted}`);
  if (hash.digest('hex') !== sha256) throw invalid('is not what was stored: its digest differs');
}

/** Compressed or not, the first bytes say. */
async function* uncompressed(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) return;
  const all = async function* (): AsyncGenerator<Buffer> {
    yield first.value;
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) return;
      yield next.value;
    }
  };
  if (isGzip(first.value)) yield* gunzipped(all());
  else yield* all();
}

const written = async (
  chunks: AsyncIterable<Buffer>,
  file: OpenFile,
  path: string,
  bytesMax: number | undefined,
  files: FileSystem,
): Promise<number> => {
  let bytes = 0;
  let looked = 0;
  try {
    for await (const chunk of chunks) {
      if (bytesMax !== undefined && bytes + chunk.length > bytesMax) {
        throw invalid('holds a larger database than its description says');
      }
      if (bytes >= looked) {
        requireRoom(dirname(path), roomEveryBytes, files);
        looked = bytes + roomEveryBytes;
      }
      file.write([chunk], bytes);
      bytes += chunk.length;
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')) {
      throw invalid(`cannot be uncompressed: ${error.message}`);
    }
    throw error;
  } finally {
    file.close();
  }
  return bytes;
};

/**
 * Writes the database of a backup to `path`, where nothing is, and checks it.
 *
 * @throws CodedError `backup_invalid`, `disk_full`, and what the chunks throw; the file is gone
 * then
 */
export const fetchChunks = async (
  chunks: AsyncIterable<Buffer>,
  described: Manifest | undefined,
  path: string,
  files: FileSystem,
): Promise<FetchedContent> => {
  const file = files.create(path);
  try {
    const source = described === undefined ? chunks : counted(chunks, described);
    const bytes = await written(uncompressed(source), file, path, described?.databaseBytes, files);
    const content = contentOfFile(path);
    if (described !== undefined && content.digest !== described.content) {
      throw invalid('does not hold the state that it was taken from: its content hash differs');
    }
    return { ...content, bytes };
  } catch (error) {
    removeBackupFile(path, files);
    throw error;
  }
};

/** What an uncompressed file holds, as it lies there. @throws CodedError `backup_invalid` */
export const contentInPlace = (path: string): FileContent => contentOfFile(path);

/** A backup that lies in a file of this machine now. */
export interface FetchedBackup extends FetchedContent {
  readonly name: string;
  readonly manifest: Manifest;
}

/**
 * Fetches the backup of that name, or the newest, from a store.
 *
 * @throws CodedError as {@link fetchChunks}, and `not_found`, `store_failed`
 */
export const fetchBackup = async (
  store: BackupStore,
  wanted: string | undefined,
  path: string,
  files: FileSystem,
): Promise<FetchedBackup> => {
  const { name } = chosenBackup(await store.list(), wanted, store.description);
  const manifest = await readManifest(store, name);
  const content = await fetchChunks(store.get(name), manifest, path, files);
  return { name, manifest, ...content };
};
