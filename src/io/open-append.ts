// A file that grows at its end, as a bare descriptor: the standard output of a child process.
import { closeSync, constants, fchmodSync, openSync } from 'node:fs';

/** An open descriptor; whoever opened it closes it. */
export interface AppendFile {
  readonly descriptor: number;
  close(): void;
}

const mode = 0o600;

/** Opens (or makes, mode 0600) a file for appending; a symbolic link is refused (ELOOP). */
export const openAppend = (path: string): AppendFile => {
  const flags =
    constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);
  const descriptor = openSync(path, flags, mode);
  fchmodSync(descriptor, mode);
  return { descriptor, close: () => closeSync(descriptor) };
};
