// Chunks as a gzip file, made as they are asked for.
import { Readable } from 'node:stream';
import { constants, createGunzip, createGzip } from 'node:zlib';

/** A compressed chunk, bytes. */
const gzipChunkBytes = 256 * 1024;

/** What is asked for chunk by chunk. */
export interface GzipChunks {
  /** Undefined at the end. */
  next(): Promise<Buffer | undefined>;
  close(): void;
}

function* untilEnd(next: () => Buffer | undefined): Generator<Buffer> {
  for (let chunk = next(); chunk !== undefined; chunk = next()) yield chunk;
}

/** Compresses with the fastest level, because whoever asked waits for it. */
export const gzipChunks = (next: () => Buffer | undefined): GzipChunks => {
  const source = Readable.from(untilEnd(next), { objectMode: false });
  const gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: gzipChunkBytes });
  source.on('error', (error) => gzip.destroy(error));
  const pieces: AsyncIterator<Buffer> = source.pipe(gzip)[Symbol.asyncIterator]();
  return {
    next: async () => {
      const piece = await pieces.next();
      return piece.done === true ? undefined : piece.value;
    },
    close: () => {
      source.destroy();
      gzip.destroy();
    },
  };
};

/** The first bytes of every gzip file. */
const gzipStart = Buffer.from([0x1f, 0x8b]);

/** Whether a file that begins so is a gzip file. */
export const isGzip = (start: Uint8Array): boolean =>
  Buffer.compare(start.subarray(0, gzipStart.length), gzipStart) === 0;

/** What a gzip file holds, chunk by chunk; an error for one that is damaged or cut off. */
export async function* gunzipped(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const source = Readable.from(chunks, { objectMode: false });
  const gunzip = createGunzip({ chunkSize: gzipChunkBytes });
  source.on('error', (error) => gunzip.destroy(error));
  try {
    for await (const chunk of source.pipe(gunzip)) yield chunk as Buffer;
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}
