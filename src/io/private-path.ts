// Whether others on this machine can read or change what only the server should (threats T19, T45).
import { CodedError } from '#errors.ts';
import { type FileStatus, type FileSystem, type OpenFile, systemErrorCode } from './file-system.ts';

const othersBits = 0o077;
const root = 0;

/**
 * Refuses a file or folder that belongs to somebody else or that group or others can touch:
 * CodedError `file_permissions`, with the command that mends it. Windows has no such bits: no
 * check.
 */
export const requirePrivate = (path: string, status: FileStatus): void => {
  const self = process.geteuid?.();
  if (self === undefined) return;
  if (status.owner !== self && status.owner !== root) {
    throw new CodedError(
      'file_permissions',
      `${path} belongs to user ${status.owner}, but the server runs as user ${self}.`,
      { hint: `Run as the owner, or: chown ${self} ${path}` },
    );
  }
  if ((status.mode & othersBits) !== 0) {
    const mode = status.mode.toString(8).padStart(4, '0');
    const wanted = (status.mode & ~othersBits).toString(8).padStart(4, '0');
    throw new CodedError('file_permissions', `${path} has mode ${mode}: others can touch it.`, {
      hint: `chmod ${wanted} ${path}`,
    });
  }
};

/**
 * Opens a file to read it. CodedError `file_permissions` for a symbolic link: whoever can write
 * where it leads would choose the content; else the operating system's errors.
 */
export const openNoLink = (path: string, files: FileSystem): OpenFile => {
  try {
    return files.open(path, 'read');
  } catch (error) {
    // A loop of links on the way there has the same code and is none of this.
    if (systemErrorCode(error) !== 'ELOOP' || files.status(path)?.kind !== 'other') throw error;
    throw new CodedError('file_permissions', `${path} is a symbolic link, which is not followed.`, {
      hint: `Name the file itself (readlink -f ${path}), or put it in the place of the link.`,
      cause: error,
    });
  }
};

/**
 * The content of a secret file. CodedError `file_permissions` for one that is no regular file, that
 * others can touch or that has another owner; the check is made on the opened file, not on its
 * name. CodedError `bad_request` when it is larger than `bytesMax`; else the operating system's
 * errors.
 */
export const readPrivateFile = (path: string, bytesMax: number, files: FileSystem): Buffer => {
  const file = openNoLink(path, files);
  try {
    const status = file.status();
    if (status.kind !== 'file') {
      throw new CodedError('file_permissions', `${path} is not a regular file.`);
    }
    requirePrivate(path, status);
    if (status.bytes > bytesMax) {
      throw new CodedError('bad_request', `${path} is larger than ${bytesMax} bytes.`);
    }
    const content = Buffer.alloc(status.bytes);
    return content.subarray(0, file.read(content, 0));
  } finally {
    file.close();
  }
};
