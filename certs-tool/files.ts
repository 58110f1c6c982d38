// Every file operation of this program, and its only import of node:fs. New files are created
// exclusively and never through a link; replaced ones appear whole or not at all; both survive a
// power cut once the function has returned.
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { CodedError } from '#errors.ts';

/** Modes of what this program creates. */
export const secretMode = 0o600;
export const publicMode = 0o644;
const folderMode = 0o700;

/** A file to create. */
export interface NewFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

/** What stands at a path; links are not followed. */
export interface PathState {
  readonly kind: 'file' | 'folder' | 'other';
  /** Permission bits. */
  readonly mode: number;
  readonly owner: number;
}

/** The file operations commands may use. Paths are as given; texts are UTF-8. */
export interface Files {
  /** Whole text of a file. @throws CodedError `storage_failed`, also beyond `bytesMax` */
  readonly readText: (path: string, bytesMax?: number) => string;
  /** As `readText`, for secrets: a link, another owner or a mode others can read is refused. */
  readonly readSecret: (path: string) => string;
  readonly stateOf: (path: string) => PathState | undefined;
  /** Whether the path leads to a folder; links are followed. */
  readonly leadsToFolder: (path: string) => boolean;
  /** Names in a folder, sorted; none when there is no such folder. */
  readonly namesIn: (path: string) => string[];
  /**
   * Makes the folder 0700 if missing. @throws CodedError `file_permissions` when others can
   * write it
   */
  readonly makeFolder: (path: string) => void;
  /** Creates all of them or none. @throws CodedError `already_exists` when one is there */
  readonly createAll: (files: readonly NewFile[]) => void;
  /** Puts the file in the place of what is there. */
  readonly replace: (file: NewFile) => void;
  /**
   * As `replace`, for files that belong together: none is touched before all are written beside
   * their places.
   */
  readonly replaceAll: (files: readonly NewFile[]) => void;
  /** Adds a line at the end of a 0600 file, which is made if missing. */
  readonly appendLine: (path: string, line: string) => void;
  readonly remove: (path: string) => void;
}

/** Certificates, requests, the inventory of some ten thousand certificates: all fit. */
const textBytesMax = 8 * 1024 * 1024;

const failed = (what: string, cause: unknown): CodedError => {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
  const why = code === 'ENOENT' ? 'there is no such file or folder' : `the system says ${code}`;
  return new CodedError('storage_failed', `${what}: ${why}`, {
    cause,
    hint: 'check the path, its permissions and the room on the disk',
  });
};

const attempt = <Value>(what: string, action: () => Value): Value => {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    throw failed(what, cause);
  }
};

const kindOf = (stats: Stats): PathState['kind'] => {
  if (stats.isFile()) return 'file';
  return stats.isDirectory() ? 'folder' : 'other';
};

const stateOf = (path: string): PathState | undefined => {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  return { kind: kindOf(stats), mode: stats.mode & 0o777, owner: stats.uid };
};

const whole = (descriptor: number, path: string, bytesMax: number): string => {
  const stats = fstatSync(descriptor);
  if (!stats.isFile()) throw new CodedError('storage_failed', `${path} is not a regular file`);
  if (stats.size > bytesMax) {
    throw new CodedError('storage_failed', `${path} is larger than ${bytesMax} bytes`);
  }
  const bytes = Buffer.alloc(stats.size);
  let filled = 0;
  while (filled < bytes.length) {
    const count = readSync(descriptor, bytes, filled, bytes.length - filled, null);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled).toString('utf8');
};

const withFile = <Value>(
  path: string,
  flags: number,
  use: (descriptor: number) => Value,
): Value => {
  const descriptor = openSync(path, flags | constants.O_NOFOLLOW, 0o600);
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

const readText = (path: string, bytesMax = textBytesMax): string =>
  attempt(`${path} cannot be read`, () => {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return whole(descriptor, path, bytesMax);
    } finally {
      closeSync(descriptor);
    }
  });

const secretBytesMax = 64 * 1024;

const readSecret = (path: string): string =>
  attempt(`${path} cannot be read`, () =>
    withFile(path, constants.O_RDONLY | constants.O_NONBLOCK, (descriptor) => {
      const { mode, uid } = fstatSync(descriptor);
      if ((mode & 0o077) !== 0) {
        throw new CodedError('file_permissions', `${path} can be read by others`, {
          hint: `take the right away with \`chmod 600 ${path}\`; if others had access, replace it`,
        });
      }
      if (uid !== process.geteuid?.() && uid !== 0) {
        throw new CodedError('file_permissions', `${path} belongs to another user`, {
          hint: 'run this as the user who owns the file',
        });
      }
      return whole(descriptor, path, secretBytesMax);
    }),
  );

const syncFolder = (path: string): void => {
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

const writeWhole = (descriptor: number, text: string): void => {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length) written += writeSync(descriptor, bytes, written);
  fsyncSync(descriptor);
};

const create = ({ path, text, mode }: NewFile): void => {
  withFile(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, (descriptor) => {
    // The umask may have narrowed the mode; it cannot have widened it.
    fchmodSync(descriptor, mode);
    writeWhole(descriptor, text);
  });
};

/** The refusal to write where something is. */
export const alreadyExists = (path: string): CodedError =>
  new CodedError('already_exists', `${path} exists and is never overwritten`, {
    hint: 'choose another folder with --out; to replace a certificate, use `stockade-certs renew`',
  });

const createAll = (files: readonly NewFile[]): void => {
  const there = files.find(({ path }) => stateOf(path) !== undefined);
  if (there !== undefined) throw alreadyExists(there.path);
  const made: string[] = [];
  try {
    for (const file of files) {
      create(file);
      made.push(file.path);
    }
    for (const folder of new Set(files.map(({ path }) => dirname(path)))) syncFolder(folder);
  } catch (cause) {
    for (const path of made) rmSync(path, { force: true });
    const path = files[made.length]?.path ?? 'a file';
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')
      throw alreadyExists(path);
    throw failed(`${path} cannot be created`, cause);
  }
};

const besideOf = (path: string): string => `${path}.new`;

const replaceAll = (files: readonly NewFile[]): void => {
  const made: string[] = [];
  const each = (action: (file: NewFile) => void): void => {
    for (const file of files) attempt(`${file.path} cannot be replaced`, () => action(file));
  };
  try {
    each(({ path }) => {
      if (stateOf(path)?.kind === 'folder') {
        throw new CodedError('storage_failed', `${path} cannot be replaced: it is a folder`);
      }
      rmSync(besideOf(path), { force: true });
    });
    each(({ path, text, mode }) => {
      create({ path: besideOf(path), text, mode });
      made.push(besideOf(path));
    });
  } catch (cause) {
    for (const path of made) rmSync(path, { force: true });
    throw cause;
  }
  each(({ path }) => renameSync(besideOf(path), path));
  for (const folder of new Set(files.map(({ path }) => dirname(path)))) {
    attempt(`${folder} cannot be written`, () => syncFolder(folder));
  }
};

const replace = (file: NewFile): void => replaceAll([file]);

const appendLine = (path: string, line: string): void =>
  attempt(`${path} cannot be written`, () => {
    const fresh = stateOf(path) === undefined;
    withFile(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, (descriptor) => {
      writeWhole(descriptor, `${line}\n`);
    });
    if (fresh) syncFolder(dirname(path));
  });

const makeFolder = (path: string): void =>
  attempt(`${path} cannot be made`, () => {
    mkdirSync(path, { recursive: true, mode: folderMode });
    const state = stateOf(path);
    if (state?.kind !== 'folder') {
      throw new CodedError('file_permissions', `${path} is not a folder of its own`, {
        hint: 'name the folder itself, not a link to it',
      });
    }
    if ((state.mode & 0o022) !== 0) {
      throw new CodedError('file_permissions', `${path} can be changed by others`, {
        hint: `take the right away with \`chmod go-w ${path}\``,
      });
    }
  });

const leadsToFolder = (path: string): boolean =>
  attempt(
    `${path} cannot be read`,
    () => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true,
  );

const namesIn = (path: string): string[] =>
  attempt(`${path} cannot be read`, () =>
    stateOf(path) === undefined ? [] : readdirSync(path).sort(),
  );

/** The files of this machine. */
export const diskFiles: Files = {
  readText,
  readSecret,
  stateOf,
  leadsToFolder,
  namesIn,
  makeFolder,
  createAll,
  replace,
  replaceAll,
  appendLine,
  remove: (path) => attempt(`${path} cannot be removed`, () => rmSync(path, { force: true })),
};

/** All of standard input, for a passphrase or a request. */
export const readStandardInput = (): string => readFileSync(0, 'utf8');

/**
 * The version in the nearest package.json at or above a folder, which sources and builds share.
 */
export const programVersion = (folder: string): string => {
  const path = join(folder, 'package.json');
  if (stateOf(path) === undefined) return programVersion(dirname(folder));
  const manifest: unknown = JSON.parse(readText(path));
  const named = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return named ? String(manifest.version) : 'unknown';
};
