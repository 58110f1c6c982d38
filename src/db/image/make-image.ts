// Makes an image: copies the database in one read transaction, lets it go, compresses the copy.
// Runs in a process of its own with a connection of its own; writers never wait for it. Everything
// is temporary: what is left on the disk when this process dies is removed by whoever looks next.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import { openEngine } from '#db/engine.ts';
import { emptyFolder, imagesFolder } from '#db/generations.ts';
import { PositionStore } from '#db/position.ts';
import type { FileSystem, OpenFile } from '#io/file-system.ts';
import { compressionLevel, pieceBytes, syncEveryBytes } from './bounds.ts';
import { copyDatabase } from './copy-database.ts';
import type { ImageOffer } from './image-offer.ts';
import { piecesOf } from './pieces.ts';

/** An image on this disk, without a name: it is gone when it is closed or the process ends. */
export interface MadeImage {
  readonly offer: ImageOffer;
  /** How long the database was held in one read, milliseconds. */
  readonly readMs: number;
  /** Fills `into` from `position` on; gives how many bytes there were. */
  read(into: Uint8Array, position: number): number;
  close(): void;
}

/** What making needs. */
export interface MakeImageOptions {
  readonly dataFolder: string;
  readonly files: FileSystem;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
}

/**
 * Makes an image of the current state.
 *
 * @throws CodedError `disk_full`, `data_folder_foreign`; else errors of SQLite and of the disk
 */
export const makeImage = async (options: MakeImageOptions): Promise<MadeImage> => {
  const { dataFolder, files, nowMs } = options;
  const folder = imagesFolder(dataFolder);
  emptyFolder(folder, files);
  const copy = join(folder, 'copy.sqlite');
  const since = nowMs();
  await copyDatabase(dataFolder, copy, 2, files);
  const readMs = nowMs() - since;
  const { index, term } = settleCopy(copy);
  const path = join(folder, 'image.zst');
  const image = files.create(path);
  // Without a name it cannot be left behind.
  files.remove(path);
  const source = files.open(copy, 'read');
  try {
    const rawBytes = source.status().bytes;
    const { bytes, digest } = await compress(source, rawBytes, image);
    const offer = { index, term, bytes, rawBytes, digest };
    return {
      offer,
      readMs,
      read: (into, position) => image.read(into, position),
      close: () => image.close(),
    };
  } finally {
    source.close();
    files.remove(copy);
  }
};

/** Makes the copy one file that needs no other beside it, and asks it what it holds. */
const settleCopy = (copy: string): { readonly index: number; readonly term: number } => {
  const engine = openEngine(copy, { readonly: false, busyTimeoutMs: 0 });
  try {
    engine.execute('PRAGMA journal_mode = DELETE');
    return new PositionStore(engine).read();
  } finally {
    engine.close();
  }
};

const compress = async (
  source: OpenFile,
  rawBytes: number,
  into: OpenFile,
): Promise<{ readonly bytes: number; readonly digest: string }> => {
  const hash = createHash('sha256');
  let bytes = 0;
  let synced = 0;
  await pipeline(
    Readable.from(piecesOf(source, rawBytes, pieceBytes), { objectMode: false }),
    createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: compressionLevel } }),
    async (compressed: AsyncIterable<Buffer>) => {
      for await (const piece of compressed) {
        into.write([piece], bytes);
        hash.update(piece);
        bytes += piece.length;
        if (bytes - synced < syncEveryBytes) continue;
        // A little at a time: see copy-database.ts.
        into.syncData();
        synced = bytes;
      }
    },
  );
  return { bytes, digest: hash.digest('hex') };
};
