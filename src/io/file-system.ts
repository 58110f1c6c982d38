// Files and folders, as an argument, synchronous: who uses them has a thread or a process of their
// own, or works before the server serves. The only home of node:fs in the sources.
//
// Nothing here follows a symbolic link in the last part of a path, and modes do not depend on the
// umask. Errors are those of Node with their `code`; `systemErrorCode` reads it.
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  type Stats,
  statfsSync,
  unlinkSync,
  writevSync,
} from 'node:fs';

/** Mode of files that nobody else may read; the default everywhere. */
export const privateFileMode = 0o600;
/** Mode of folders that nobody else may enter; the default everywhere. */
export const privateFolderMode = 0o700;

/** What a path or an open file is. */
export interface FileStatus {
  readonly kind: 'file' | 'folder' | 'other';
  readonly bytes: number;
  /** The permission bits, 0 to 0o7777. */
  readonly mode: number;
  /** User id of the owner. */
  readonly owner: number;
}

/** Room on the file system that holds a path. */
export interface FileSystemSpace {
  /** What an unprivileged process may still write. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** An open file. Not for use after `close`. */
export interface OpenFile {
  status(): FileStatus;
  /** Fills `into` from `position` on as far as the file goes; gives the number of bytes read. */
  read(into: Uint8Array, position: number): number;
  /**
   * Writes all parts one behind the other at `position`; after an error any prefix may be written.
   */
  write(parts: readonly Uint8Array[], position: number): void;
  /** Writes zeros, page by page: see `zeroPages`. After an error any prefix may be written. */
  writeZeros(bytes: number, position: number): void;
  /** What was written is durable when this returns (fdatasync: content and size). */
  syncData(): void;
  close(): void;
}

/** Files and folders of one machine. */
export interface FileSystem {
  /** Opens a file that exists. ELOOP for a symbolic link. */
  open(path: string, access: 'read' | 'write'): OpenFile;
  /** Makes a file that must not exist yet (EEXIST) and opens it for reading and writing. */
  create(path: string, mode?: number): OpenFile;
  /** Makes a folder whose parent exists. EEXIST when there is anything of the name. */
  createFolder(path: string, mode?: number): void;
  /** What the path is, symbolic links not followed; undefined when there is nothing. */
  status(path: string): FileStatus | undefined;
  /** Names of all there is in a folder, sorted. */
  list(folder: string): readonly string[];
  /** Puts `from` into the place of `to`, replacing it; durable after `syncFolder` only. */
  rename(from: string, to: string): void;
  /** Gives the file `from` the second name `to`; EEXIST when there is anything of the name. */
  link(from: string, to: string): void;
  /** Removes a file; durable after `syncFolder` only. */
  remove(path: string): void;
  /** Removes a folder that is empty (ENOTEMPTY else); durable after `syncFolder` only. */
  removeFolder(path: string): void;
  /** What was created, renamed or removed in the folder is durable when this returns. */
  syncFolder(folder: string): void;
  space(path: string): FileSystemSpace;
}

/** The code of an operating system's error (`ENOSPC`), undefined for anything else. */
export const systemErrorCode = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;

// Windows has neither; there the flags count for nothing and folders cannot be synced.
const noFollow = constants.O_NOFOLLOW ?? 0;
const folderOnly = constants.O_DIRECTORY ?? 0;
const foldersCanSync = process.platform !== 'win32';

const statusFrom = (stats: Stats): FileStatus => ({
  kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other',
  bytes: stats.size,
  mode: stats.mode & 0o7777,
  owner: stats.uid,
});

const writeAll = (descriptor: number, parts: readonly Uint8Array[], position: number): void => {
  let rest = parts.filter((part) => part.length > 0);
  let at = position;
  while (rest.length > 0) {
    let written = writevSync(descriptor, rest, at);
    at += written;
    // A short write is rare: a signal, or the end of the room on the disk.
    while (written > 0) {
      const first = rest[0];
      if (first === undefined) break;
      if (written < first.length) {
        rest = [first.subarray(written), ...rest.slice(1)];
        break;
      }
      written -= first.length;
      rest = rest.slice(1);
    }
  }
};

const zeroPage = Buffer.alloc(4096);

/**
 * The kernel keeps what one write brought as one unit; a later write of 100 bytes into a unit of
 * 1 MiB counts as 1 MiB in /proc/<pid>/io and in what the kernel throttles by, and its sync costs a
 * third more CPU (measured, Linux 6.18). So what will be overwritten in small pieces is filled in
 * small pieces.
 */
const zeroPages = (descriptor: number, bytes: number, position: number): void => {
  for (let at = 0; at < bytes; at += zeroPage.length) {
    const length = Math.min(zeroPage.length, bytes - at);
    writeAll(descriptor, [zeroPage.subarray(0, length)], position + at);
  }
};

const readAll = (descriptor: number, into: Uint8Array, position: number): number => {
  let filled = 0;
  while (filled < into.length) {
    const count = readSync(descriptor, into, filled, into.length - filled, position + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
};

const openFileOf = (descriptor: number): OpenFile => ({
  status: () => statusFrom(fstatSync(descriptor)),
  read: (into, position) => readAll(descriptor, into, position),
  write: (parts, position) => writeAll(descriptor, parts, position),
  writeZeros: (bytes, position) => zeroPages(descriptor, bytes, position),
  syncData: () => fdatasyncSync(descriptor),
  close: () => closeSync(descriptor),
});

/** The files and folders of this machine. */
export const systemFiles: FileSystem = {
  open: (path, access) => {
    const flags = access === 'read' ? constants.O_RDONLY : constants.O_RDWR;
    return openFileOf(openSync(path, flags | noFollow));
  },
  create: (path, mode = privateFileMode) => {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | noFollow;
    const descriptor = openSync(path, flags, mode);
    fchmodSync(descriptor, mode);
    return openFileOf(descriptor);
  },
  createFolder: (path, mode = privateFolderMode) => {
    mkdirSync(path, { mode });
    chmodSync(path, mode);
  },
  status: (path) => {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    return stats === undefined ? undefined : statusFrom(stats);
  },
  list: (folder) => readdirSync(folder).sort(),
  rename: (from, to) => renameSync(from, to),
  link: (from, to) => linkSync(from, to),
  remove: (path) => unlinkSync(path),
  removeFolder: (path) => rmdirSync(path),
  syncFolder: (folder) => {
    if (!foldersCanSync) return;
    const descriptor = openSync(folder, constants.O_RDONLY | folderOnly);
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  },
  space: (path) => {
    const { bavail, blocks, bsize } = statfsSync(path);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  },
};
