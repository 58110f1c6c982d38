// Folders that a command was making when it was killed. They may hold the keys of CAs, unsealed, so
// the next run of the same command looks for them. It removes only what is surely such a folder of
// a process that is gone; whatever else looks like one is named and left to the operator.
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type FileSystem, privateFolderMode, systemErrorCode } from '#io/file-system.ts';
import type { Random } from '#io/random.ts';
import { removeAll } from '#io/remove-all.ts';
import { say } from './progress.ts';

const procBytesMax = 4096;
const othersWrite = 0o022;
const sticky = 0o1000;
const superuser = 0;

/** The rest of a name behind that of its target: process, its place, random. */
const suffix = /^\.(\d{1,10})-([0-9a-f]{8})-[0-9a-f]{8}\.tmp$/;
/** What earlier versions wrote: it does not tell the process. */
const formerSuffix = /^\.[0-9a-f]{8}\.tmp$/;

/** Content of a file of /proc; empty where there is none. */
const procText = (path: string, files: FileSystem): string => {
  try {
    const file = files.open(path, 'read');
    try {
      const text = Buffer.alloc(procBytesMax);
      return text.toString('latin1', 0, file.read(text, 0));
    } finally {
      file.close();
    }
  } catch {
    return '';
  }
};

/**
 * Where process ids mean what they mean here: this machine since its start, and this container
 * (whose first process began at a moment of its own). Others may share the disk.
 */
const placeOf = (files: FileSystem): string => {
  const boot = procText('/proc/sys/kernel/random/boot_id', files);
  // The 22nd field is the start; those behind the name of the program, which may hold anything.
  const stat = procText('/proc/1/stat', files);
  const began = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  return createHash('sha256')
    .update([hostname(), boot, began].join('\n'))
    .digest('hex')
    .slice(0, 8);
};

/** A new name beside `root` for a folder that this process makes. */
export const unfinishedName = (
  root: string,
  { files, random }: { readonly files: FileSystem; readonly random: Random },
): string => {
  const drawn = Buffer.from(random.bytes(4)).toString('hex');
  return `${root}.${process.pid}-${placeOf(files)}-${drawn}.tmp`;
};

/** Removes what this process could not complete; says so where that fails. */
export const removeUnfinished = (path: string, files: FileSystem): void => {
  try {
    removeAll(path, files);
  } catch (error) {
    say(`${path} could not be removed (${systemErrorCode(error) ?? 'unknown'}): ${advice(path)}`);
  }
};

const advice = (path: string): string =>
  `it may hold keys; when nothing makes it any more: rm -r ${path}`;

/** Removes or names what killed runs for the same `root` left; never what a living one makes. */
export const clearUnfinished = (root: string, files: FileSystem): void => {
  const parent = dirname(root);
  const start = basename(root);
  for (const name of namesIn(parent, files)) {
    if (!name.startsWith(start)) continue;
    const rest = name.slice(start.length);
    const [, pid = '', place = ''] = suffix.exec(rest) ?? [];
    const path = join(parent, name);
    if ((pid === '' && !formerSuffix.test(rest)) || !isOwn(path, files)) continue;
    const fromHere = place === placeOf(files);
    if (fromHere && isAlive(Number(pid))) {
      say(`${path} is being made by process ${pid}`);
    } else if (fromHere && isGuarded(parent, files)) {
      removeUnfinished(path, files);
      if (files.status(path) === undefined) say(`removed ${path}, which a killed run had left`);
    } else {
      say(`${path} was left by another run: ${advice(path)}`);
    }
  }
};

/** None where they cannot be read: such a parent may still take a folder. */
const namesIn = (parent: string, files: FileSystem): readonly string[] => {
  try {
    return files.list(parent);
  } catch {
    return [];
  }
};

/** A folder, no link, as this program makes them, of this very user. */
const isOwn = (path: string, files: FileSystem): boolean => {
  const status = files.status(path);
  return (
    status?.kind === 'folder' &&
    status.mode === privateFolderMode &&
    status.owner === process.geteuid?.()
  );
};

/** Nobody else can put a link in the place of a folder of ours while it is being removed. */
const isGuarded = (parent: string, files: FileSystem): boolean => {
  const status = files.status(parent);
  if (status?.kind !== 'folder') return false;
  const safeOwner = status.owner === process.geteuid?.() || status.owner === superuser;
  return safeOwner && ((status.mode & othersWrite) === 0 || (status.mode & sticky) !== 0);
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and belongs to somebody else. Whatever else is no proof that it is gone.
    return systemErrorCode(error) !== 'ESRCH';
  }
};
