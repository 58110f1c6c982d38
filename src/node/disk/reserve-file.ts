// A file of zeros that is there to be removed: when the disk has no room at all, its bytes let the
// node start, recover and write back its database. Written in pieces, because it is made while the
// node serves.
import { join } from 'node:path';
import type { FileSystem, FileSystemSpace, OpenFile } from '#io/file-system.ts';
import { reserveBytesMax, reservePieceBytes, reserveShare } from './bounds.ts';

/** Its name in the data folder. */
export const reserveFileName = 'reserve';

/** How large the reserve of a disk is. */
export const reserveBytesOf = ({ totalBytes }: Pick<FileSystemSpace, 'totalBytes'>): number =>
  Math.floor(Math.min(reserveBytesMax, totalBytes * reserveShare));

/** The reserve of one data folder. */
export class ReserveFile {
  readonly #files: FileSystem;
  readonly #path: string;
  #filling: { readonly file: OpenFile; bytes: number } | undefined;

  constructor(files: FileSystem, dataFolder: string) {
    this.#files = files;
    this.#path = join(dataFolder, reserveFileName);
  }

  /** Bytes that are kept now. */
  get bytes(): number {
    return this.#files.status(this.#path)?.bytes ?? 0;
  }

  /**
   * Writes one piece of it; false when it is whole. Throws what the file system does.
   */
  fillPiece(space: FileSystemSpace): boolean {
    const wanted = reserveBytesOf(space);
    const filling = this.#filling ?? this.#open(wanted);
    if (filling === undefined) return false;
    const bytes = Math.min(reservePieceBytes, wanted - filling.bytes);
    filling.file.writeZeros(bytes, filling.bytes);
    filling.bytes += bytes;
    if (filling.bytes < wanted) return true;
    this.#close();
    return false;
  }

  /** Gives the bytes back to the disk; true when there were any. */
  release(): boolean {
    this.#close();
    if (this.#files.status(this.#path) === undefined) return false;
    this.#files.remove(this.#path);
    return true;
  }

  /** Stops filling. */
  close(): void {
    this.#close();
  }

  /** Where filling goes on; undefined when the file is whole. */
  #open(wanted: number): { readonly file: OpenFile; bytes: number } | undefined {
    const status = this.#files.status(this.#path);
    if (status !== undefined && status.kind === 'file' && status.bytes >= wanted) return undefined;
    const file =
      status === undefined ? this.#files.create(this.#path) : this.#files.open(this.#path, 'write');
    this.#filling = { file, bytes: status?.bytes ?? 0 };
    return this.#filling;
  }

  #close(): void {
    this.#filling?.file.close();
    this.#filling = undefined;
  }
}
