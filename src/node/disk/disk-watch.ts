// How much room the disk of the data folder has, in levels. It only looks and tells; what a level
// means for writes and for leadership is the node's business.
import type { FileSystem, FileSystemSpace } from '#io/file-system.ts';
import {
  criticalBytesMax,
  criticalShare,
  hysteresisShare,
  lowBytesMax,
  lowShare,
} from './bounds.ts';

/**
 * `ample`: all is well. `low`: no new writes. `critical`: nothing is appended, no leadership.
 */
export type DiskLevel = 'ample' | 'low' | 'critical';

/** What was seen last. */
export interface DiskState extends FileSystemSpace {
  readonly level: DiskLevel;
}

const below = (free: number, total: number, share: number, bytes: number, kept: boolean): boolean =>
  free < Math.min(bytes, total * share) * (kept ? 1 + hysteresisShare : 1);

/** The level of a disk that had `before` until now. */
export const levelOf = (
  { freeBytes, totalBytes }: FileSystemSpace,
  before: DiskLevel,
): DiskLevel => {
  if (below(freeBytes, totalBytes, criticalShare, criticalBytesMax, before === 'critical')) {
    return 'critical';
  }
  return below(freeBytes, totalBytes, lowShare, lowBytesMax, before !== 'ample') ? 'low' : 'ample';
};

/** Looks at one disk. */
export class DiskWatch {
  readonly #files: Pick<FileSystem, 'space'>;
  readonly #folder: string;
  #state: DiskState;

  /** Looks once. `folder` exists. */
  constructor(files: Pick<FileSystem, 'space'>, folder: string) {
    this.#files = files;
    this.#folder = folder;
    const space = files.space(folder);
    this.#state = { ...space, level: levelOf(space, 'ample') };
  }

  /** What the last look saw. */
  get state(): DiskState {
    return this.#state;
  }

  /** Looks again; true when the level is another one than before. */
  look(): boolean {
    const before = this.#state.level;
    const space = this.#files.space(this.#folder);
    this.#state = { ...space, level: levelOf(space, before) };
    return this.#state.level !== before;
  }
}
