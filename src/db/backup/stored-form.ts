// A backup as it goes to a store: compressed or not, with its digest, in a file without a name. It
// can be read at any place, and again, so that a part that got lost on the way is sent once more.
import { createHash } from 'node:crypto';
import type { FileSystem, OpenFile } from '#io/file-system.ts';
import { gzipChunks } from './gzip-chunks.ts';
import type { MadeBackup } from './make-backup.ts';

const chunkBytes = 1024 * 1024;

/** See the head of this file. */
export interface StoredForm extends MadeBackup {
  /** Hexadecimal. */
  readonly sha256: string;
}

const chunksOf = (made: MadeBackup): (() => Buffer | undefined) => {
  let at = 0;
  return () => {
    const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, made.bytes - at));
    const length = made.read(chunk, at);
    at += length;
    return length === 0 ? undefined : chunk.subarray(0, length);
  };
};

const compressedInto = async (file: OpenFile, made: MadeBackup): Promise<StoredForm> => {
  const hash = createHash('sha256');
  const gzip = gzipChunks(chunksOf(made));
  let bytes = 0;
  try {
    for (let chunk = await gzip.next(); chunk !== undefined; chunk = await gzip.next()) {
      file.write([chunk], bytes);
      hash.update(chunk);
      bytes += chunk.length;
    }
  } finally {
    gzip.close();
  }
  return {
    bytes,
    sha256: hash.digest('hex'),
    read: (into, position) => file.read(into, position),
    close: () => file.close(),
  };
};

/**
 * Takes a made backup over: it is closed when it is compressed, or with what comes back. `path` is
 * a
 * name that nobody has, for a moment.
 */
export const storedForm = async (
  made: MadeBackup,
  compress: boolean,
  path: string,
  files: FileSystem,
): Promise<StoredForm> => {
  if (!compress) {
    const hash = createHash('sha256');
    const next = chunksOf(made);
    for (let chunk = next(); chunk !== undefined; chunk = next()) hash.update(chunk);
    return { ...made, sha256: hash.digest('hex') };
  }
  const file = files.create(path);
  files.remove(path);
  try {
    return await compressedInto(file, made);
  } catch (error) {
    file.close();
    throw error;
  } finally {
    made.close();
  }
};
