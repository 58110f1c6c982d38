// A file system that kills this process with SIGKILL right before one of its changes to the disk,
// for tests that try every one of them.
import type { FileSystem, OpenFile } from '#io/file-system.ts';

/** See the head of this file. */
export interface KillingFiles {
  readonly files: FileSystem;
  /** From now on changes are counted. */
  arm(): void;
}

/** Kills before change number `killBefore`, from 0; what it was about to do is printed. */
export const killingFiles = (real: FileSystem, killBefore: number): KillingFiles => {
  let changes = 0;
  let armed = false;
  const change = (what: string): void => {
    if (!armed) return;
    if (changes === killBefore) {
      process.stdout.write(`${what}\n`);
      process.kill(process.pid, 'SIGKILL');
      // Until the signal is there.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    }
    changes += 1;
  };
  const counted = (file: OpenFile, path: string): OpenFile => ({
    ...file,
    write: (parts, position) => {
      change(`write ${path}`);
      file.write(parts, position);
    },
    syncData: () => {
      change(`sync ${path}`);
      file.syncData();
    },
  });
  const files: FileSystem = {
    ...real,
    open: (path, access) => counted(real.open(path, access), path),
    create: (path, mode) => {
      change(`create ${path}`);
      return counted(real.create(path, mode), path);
    },
    createFolder: (path, mode) => {
      change(`make ${path}`);
      real.createFolder(path, mode);
    },
    rename: (from, to) => {
      change(`rename ${from} ${to}`);
      real.rename(from, to);
    },
    remove: (path) => {
      change(`remove ${path}`);
      real.remove(path);
    },
    removeFolder: (path) => {
      change(`remove ${path}`);
      real.removeFolder(path);
    },
    syncFolder: (path) => {
      change(`sync ${path}`);
      real.syncFolder(path);
    },
  };
  return {
    files,
    arm: () => {
      armed = true;
    },
  };
};
