// Files that wait to become segments: pre-written, so that an append never changes a file's size
// (an fdatasync that must also record a new size costs twice as much). Old segments are reused;
// only when there is none is a new file filled with zeros, in slices between appends.
import { join } from 'node:path';
import { invariant } from '#invariant.ts';
import type { FileSystem, OpenFile } from '#io/file-system.ts';
import { sparesMax, zeroSliceBytes } from './limits.ts';
import { segmentFileFrom, spareNameOf } from './segment-file.ts';

interface Filling {
  readonly path: string;
  readonly file: OpenFile;
  filledBytes: number;
}

/** The spares of one log. What they hold counts for nothing; only their size does. */
export class SpareSegments {
  readonly #files: FileSystem;
  readonly #folder: string;
  readonly #segmentBytes: number;
  readonly #ready: string[] = [];
  #filling: Filling | undefined;

  /** Keeps the spares that an earlier run left whole and removes the others. */
  constructor(files: FileSystem, folder: string, segmentBytes: number) {
    this.#files = files;
    this.#folder = folder;
    this.#segmentBytes = segmentBytes;
    for (const name of files.list(folder)) {
      if (segmentFileFrom(name)?.kind !== 'spare') continue;
      const path = join(folder, name);
      const whole = files.status(path)?.bytes === segmentBytes;
      if (whole && this.#ready.length < sparesMax) this.#ready.push(path);
      else files.remove(path);
    }
  }

  /** Whether a segment that is no longer needed should become a spare. */
  get wanted(): boolean {
    return this.#ready.length < sparesMax;
  }

  /** Writes one slice of the next spare; false when there is nothing to prepare. */
  prepareSlice(): boolean {
    if (this.#ready.length > 0) return false;
    this.#filling ??= this.#create(this.#freePath());
    return this.#fill(this.#filling);
  }

  /** Gives up a half-made spare: there is no room for it. */
  abandon(): void {
    const filling = this.#filling;
    if (filling === undefined) return;
    this.#filling = undefined;
    filling.file.close();
    this.#files.remove(filling.path);
  }

  /**
   * The path of a file of at least `bytes`; call `forget` or `discard` for it afterwards.
   */
  take(bytes: number): string {
    if (bytes > this.#segmentBytes) return this.#makeLarge(bytes);
    while (this.prepareSlice());
    const path = this.#ready[0];
    invariant(path !== undefined, 'a spare that was prepared to the end is ready');
    return path;
  }

  /** The file became a segment. */
  forget(path: string): void {
    const at = this.#ready.indexOf(path);
    if (at >= 0) this.#ready.splice(at, 1);
  }

  /** The file could not become a segment. */
  discard(path: string): void {
    this.forget(path);
    this.#files.remove(path);
  }

  /** Makes a spare of a segment of the usual size; the caller syncs the folder. */
  reuse(path: string): void {
    const spare = this.#freePath();
    this.#files.rename(path, spare);
    this.#ready.push(spare);
  }

  /** Closes a half-made spare; the next run removes it. */
  close(): void {
    this.#filling?.file.close();
    this.#filling = undefined;
  }

  #makeLarge(bytes: number): string {
    const filling = this.#create(this.#freePath());
    try {
      while (filling.filledBytes < bytes) this.#writeSlice(filling, bytes);
    } catch (error) {
      this.#files.remove(filling.path);
      throw error;
    } finally {
      filling.file.close();
    }
    return filling.path;
  }

  #create(path: string): Filling {
    return { path, file: this.#files.create(path), filledBytes: 0 };
  }

  #fill(filling: Filling): boolean {
    this.#writeSlice(filling, this.#segmentBytes);
    if (filling.filledBytes < this.#segmentBytes) return true;
    filling.file.close();
    this.#filling = undefined;
    this.#ready.push(filling.path);
    return false;
  }

  #writeSlice(filling: Filling, bytes: number): void {
    const sliceBytes = Math.min(zeroSliceBytes, bytes - filling.filledBytes);
    filling.file.writeZeros(sliceBytes, filling.filledBytes);
    // Every slice is synced: otherwise the next append would wait for all of them.
    filling.file.syncData();
    filling.filledBytes += sliceBytes;
  }

  /** A name that no spare has; there are at most a few. */
  #freePath(): string {
    const used = [...this.#ready, this.#filling?.path];
    for (let slot = 1; ; slot++) {
      const path = join(this.#folder, spareNameOf(slot));
      if (!used.includes(path) && this.#files.status(path) === undefined) return path;
    }
  }
}
