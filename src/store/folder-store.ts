// Backups in a folder of this machine, or of one that is mounted here. A file gets its name when it
// is whole and durable.
import { join } from 'node:path';
import { CodedError } from '#errors.ts';
import { type FileSystem, systemErrorCode } from '#io/file-system.ts';
import type { BackupStore, SentFile } from './backup-store.ts';

const chunkBytes = 1024 * 1024;
const partSuffix = '.part';

const failed = (path: string, cause: unknown): CodedError => {
  const full = systemErrorCode(cause) === 'ENOSPC';
  const why = cause instanceof Error ? cause.message : String(cause);
  return new CodedError(full ? 'disk_full' : 'store_failed', `${path} cannot be used: ${why}`, {
    hint: full ? 'Make room there.' : 'Make the folder, owned by the user that the server runs as.',
    cause,
  });
};

const copyInto = (
  path: string,
  file: SentFile,
  files: FileSystem,
  onSent: (bytes: number) => void,
): void => {
  const target = files.create(path);
  try {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    for (let at = 0; at < file.bytes; ) {
      const length = file.read(chunk, at);
      target.write([chunk.subarray(0, length)], at);
      at += length;
      onSent(at);
    }
    target.syncData();
  } finally {
    target.close();
  }
};

async function* chunksOf(path: string, files: FileSystem): AsyncGenerator<Buffer> {
  const file = files.open(path, 'read');
  try {
    for (let at = 0; ; ) {
      const chunk = Buffer.allocUnsafe(chunkBytes);
      const length = file.read(chunk, at);
      if (length === 0) return;
      at += length;
      yield chunk.subarray(0, length);
    }
  } finally {
    file.close();
  }
}

/** A folder that is there already: one that is made by mistake would be on the wrong disk. */
export const openFolderStore = (folder: string, files: FileSystem): BackupStore => {
  const tried = <Value>(work: () => Value): Value => {
    try {
      if (files.status(folder)?.kind !== 'folder') throw new Error('there is no such folder');
      return work();
    } catch (error) {
      throw failed(folder, error);
    }
  };
  const removeIfThere = (path: string): void => {
    if (files.status(path) !== undefined) files.remove(path);
  };
  return {
    description: folder,
    list: async () =>
      tried(() =>
        files.list(folder).flatMap((name) => {
          const status = files.status(join(folder, name));
          return status?.kind === 'file' ? [{ name, bytes: status.bytes }] : [];
        }),
      ),
    put: async (name, file, onSent = () => undefined) =>
      tried(() => {
        const path = join(folder, name);
        removeIfThere(path + partSuffix);
        try {
          copyInto(path + partSuffix, file, files, onSent);
          files.rename(path + partSuffix, path);
        } catch (error) {
          removeIfThere(path + partSuffix);
          throw error;
        }
        files.syncFolder(folder);
      }),
    get: async function* (name) {
      try {
        yield* chunksOf(join(folder, name), files);
      } catch (error) {
        throw failed(join(folder, name), error);
      }
    },
    remove: async (name) =>
      tried(() => {
        removeIfThere(join(folder, name));
        files.syncFolder(folder);
      }),
    close: () => undefined,
  };
};
