// A database file of a user on its way in: written as it comes, then checked and converted. Runs in
// a process of its own; whatever is left over is removed when that ends.
import { join } from 'node:path';
import { emptyFolder, uploadsFolder } from '#db/generations.ts';
import { requireRoom } from '#db/image/require-room.ts';
import type { FileSystem, OpenFile } from '#io/file-system.ts';
import type { Random } from '#io/random.ts';
import { loadFileBytesMax } from '#limits.ts';
import { type ConvertedFile, convertFile } from './convert-file.ts';
import { loadTimes } from './load-bounds.ts';
import { refuseFile } from './refuse-file.ts';

/** What it needs. */
export interface UploadOptions {
  readonly dataFolder: string;
  readonly files: FileSystem;
  readonly random: Random;
}

/** Room is asked for anew after so many bytes. */
const roomStepBytes = 64 * 1024 * 1024;

const nameBytes = 12;

/** See the head of this file. */
export class Upload {
  readonly #files: FileSystem;
  readonly #folder: string;
  readonly #sent: string;
  readonly #made: string;
  readonly #file: OpenFile;
  #bytes = 0;
  #roomFor = 0;
  #converted: OpenFile | undefined;

  /** @throws CodedError `disk_full` */
  constructor({ dataFolder, files, random }: UploadOptions) {
    this.#files = files;
    this.#folder = uploadsFolder(dataFolder);
    // One at a time: what lies there is of one that was killed.
    emptyFolder(this.#folder, files);
    const name = join(this.#folder, Buffer.from(random.bytes(nameBytes)).toString('hex'));
    this.#sent = `${name}-sent.sqlite`;
    this.#made = `${name}-made.sqlite`;
    this.#requireRoom(0);
    this.#file = files.create(this.#sent);
  }

  /** The next bytes. @throws CodedError `bad_request` for too many, `disk_full` */
  write(bytes: Uint8Array): void {
    const end = this.#bytes + bytes.length;
    if (end > loadFileBytesMax) throw refuseFile(`it has more than ${loadFileBytesMax} bytes`);
    if (end > this.#roomFor) this.#requireRoom(end);
    this.#file.write([bytes], this.#bytes);
    this.#bytes = end;
  }

  /** All bytes are here. @throws CodedError `bad_request` with the reason; MachineError */
  finish(): ConvertedFile {
    this.#file.close();
    const converted = convertFile(this.#sent, this.#made, this.#files);
    this.#converted = this.#files.open(this.#made, 'read');
    this.clear();
    return converted;
  }

  /** A piece of what was made. */
  read(into: Uint8Array, position: number): number {
    return this.#converted?.read(into, position) ?? 0;
  }

  /** Removes the files; what was made stays readable here. */
  clear(): void {
    for (const path of [this.#sent, this.#made]) {
      for (const suffix of ['', '-wal', '-shm', '-journal']) {
        if (this.#files.status(path + suffix) !== undefined) this.#files.remove(path + suffix);
      }
    }
  }

  #requireRoom(bytes: number): void {
    this.#roomFor = bytes + roomStepBytes;
    requireRoom(this.#folder, loadTimes * this.#roomFor, this.#files);
  }
}
