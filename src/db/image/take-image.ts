// Takes an image in: bytes as they arrive, then the digest, then the database in it, checked. Runs
// in a process of its own, because nothing a peer sent is believed. Until the very end everything
// lies in the folder for incoming images and counts for nothing.
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdDecompress } from 'node:zlib';
import {
  addGeneration,
  databaseName,
  emptyFolder,
  imageGeneration,
  incomingFolder,
  removeGeneration,
} from '#db/generations.ts';
import { CodedError } from '#errors.ts';
import type { FileSystem, OpenFile } from '#io/file-system.ts';
import { pieceBytes, windowLogMax } from './bounds.ts';
import { type CheckedImage, checkImage } from './check-image.ts';
import type { ImageOffer } from './image-offer.ts';
import { piecesOf } from './pieces.ts';
import { refuseImage } from './refuse-image.ts';
import { requireRoom } from './require-room.ts';

/** What taking needs. */
export interface TakeImageOptions {
  readonly dataFolder: string;
  readonly offer: ImageOffer;
  /** The cluster that the image must be of. */
  readonly cluster: string;
  readonly files: FileSystem;
}

/** A checked image that is a generation now, not yet in use. */
export interface TakenImage extends CheckedImage {
  readonly generation: string;
}

/** One image on its way in. */
export class ImageIntake {
  readonly #options: TakeImageOptions;
  readonly #file: OpenFile;
  readonly #hash = createHash('sha256');
  #bytes = 0;

  private constructor(options: TakeImageOptions, file: OpenFile) {
    this.#options = options;
    this.#file = file;
  }

  /** Begins; leftovers of earlier images are removed. @throws CodedError `disk_full` */
  static open(options: TakeImageOptions): ImageIntake {
    const { dataFolder, offer, files } = options;
    const folder = incomingFolder(dataFolder);
    emptyFolder(folder, files);
    requireRoom(folder, offer.bytes + offer.rawBytes, files);
    const path = join(folder, 'image.zst');
    const file = files.create(path);
    // Without a name it cannot be left behind.
    files.remove(path);
    return new ImageIntake(options, file);
  }

  /** The next bytes. @throws CodedError `bad_request` when there are more than announced */
  write(bytes: Uint8Array): void {
    if (this.#bytes + bytes.length > this.#options.offer.bytes) {
      throw refuseImage('it is longer than announced');
    }
    this.#file.write([bytes], this.#bytes);
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
  }

  /**
   * All bytes are here: checks them and makes a generation of them, durable, not in use.
   *
   * @throws CodedError `bad_request` with the reason; nothing is left over then
   */
  async finish(): Promise<TakenImage> {
    const { dataFolder, offer, cluster, files } = this.#options;
    const { index, term, digest } = offer;
    const generation = imageGeneration(index, term);
    const database = join(incomingFolder(dataFolder), generation, databaseName);
    try {
      if (this.#bytes !== offer.bytes) throw refuseImage('it is shorter than announced');
      if (this.#hash.digest('hex') !== digest) throw refuseImage('its digest is another one');
      files.createFolder(dirname(database));
      await this.#decompress(database);
      const checked = checkImage(database, { index, term, cluster }, files);
      files.syncFolder(dirname(database));
      addGeneration(dataFolder, dirname(database), generation, files);
      return { ...checked, generation };
    } catch (error) {
      this.clear();
      throw error;
    }
  }

  /** Forgets a generation that is not to be used after all. */
  discard(): void {
    const { dataFolder, offer, files } = this.#options;
    removeGeneration(dataFolder, imageGeneration(offer.index, offer.term), files);
  }

  /** Removes what came in, unless it is a generation already. */
  clear(): void {
    emptyFolder(incomingFolder(this.#options.dataFolder), this.#options.files);
  }

  /** Writes the database, durable. */
  async #decompress(path: string): Promise<void> {
    const { offer, files } = this.#options;
    const database = files.create(path);
    let bytes = 0;
    try {
      await pipeline(
        Readable.from(piecesOf(this.#file, offer.bytes, pieceBytes), { objectMode: false }),
        createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: windowLogMax } }),
        async (pieces: AsyncIterable<Buffer>) => {
          for await (const piece of pieces) {
            if (bytes + piece.length > offer.rawBytes) {
              throw refuseImage('it unpacks to more than announced');
            }
            database.write([piece], bytes);
            bytes += piece.length;
          }
        },
      ).catch((cause: unknown) => {
        throw cause instanceof CodedError ? cause : refuseImage('it cannot be unpacked', cause);
      });
      if (bytes !== offer.rawBytes) throw refuseImage('it unpacks to less than announced');
      database.syncData();
    } finally {
      database.close();
      this.#file.close();
    }
  }
}
