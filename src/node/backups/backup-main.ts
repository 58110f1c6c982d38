// The main program of the process that makes one backup and hands out its bytes. It ends when the
// node lets go of it, or is gone, and leaves nothing on the disk.
import { setPriority } from 'node:os';
import { gzipChunks } from '#db/backup/gzip-chunks.ts';
import { makeBackup } from '#db/backup/make-backup.ts';
import { makeDump } from '#db/backup/make-dump.ts';
import { frameBytesMax } from '#limits.ts';
import { systemEffects } from '#node/node-effects.ts';
import { type BackupRequest, beginBackup, nextChunk } from '#node/seams/backup-seam.ts';
import { pipeToParent } from '#process/child.ts';
import { Seam } from '#process/seam.ts';
import { failureOf } from './failure.ts';

/** Stands back behind everything that answers requests (nice value). */
const processNiceness = 10;

/** Bytes of a file in one chunk. */
const chunkBytes = 1024 * 1024;

/** What both kinds of backup have in common. */
interface Chunks {
  readonly bytes: number | undefined;
  next(): Buffer | undefined;
  close(): void;
}

/** Chunks as they are handed out. */
interface Taken {
  readonly bytes: number | undefined;
  next(): Promise<Buffer | undefined>;
  close(): void;
}

let chunks: Taken | undefined;
/** A copy under way is finished before this process ends, so that it can be removed. */
let begun = false;
let released = false;

const release = (): void => {
  chunks?.close();
  process.exit(0);
};

const seam = new Seam(pipeToParent(), {
  frameBytesMax,
  onClose: () => {
    released = true;
    if (!begun || chunks !== undefined) release();
  },
});

setPriority(processNiceness);

const fileChunks = async (request: BackupRequest): Promise<Chunks> => {
  const source = { dataFolder: request.folder, ...systemEffects };
  const backup = await makeBackup(source, request.vacuum);
  let position = 0;
  return {
    bytes: backup.bytes,
    next: () => {
      const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, backup.bytes - position));
      const length = backup.read(chunk, position);
      position += length;
      return length === 0 ? undefined : chunk.subarray(0, length);
    },
    close: () => backup.close(),
  };
};

const asTheyAre = (made: Chunks): Taken => ({
  bytes: made.bytes,
  next: () => Promise.resolve(made.next()),
  close: () => made.close(),
});

const compressed = (made: Chunks): Taken => {
  const gzip = gzipChunks(() => made.next());
  return {
    bytes: undefined,
    next: () => gzip.next(),
    close: () => {
      gzip.close();
      made.close();
    },
  };
};

const open = async (request: BackupRequest): Promise<Taken> => {
  const made = await uncompressed(request);
  return request.compress ? compressed(made) : asTheyAre(made);
};

const uncompressed = async (request: BackupRequest): Promise<Chunks> => {
  if (request.format === 'file') return fileChunks(request);
  const dump = await makeDump({ dataFolder: request.folder, ...systemEffects }, request.tables);
  return { bytes: undefined, next: () => dump.next(), close: () => dump.close() };
};

seam.serve(beginBackup, (request, reply) => {
  begun = true;
  open(request).then(
    (opened) => {
      chunks = opened;
      if (released) release();
      reply({ kind: 'begun', bytes: opened.bytes });
    },
    (error: unknown) => {
      if (released) release();
      reply(failureOf(error));
    },
  );
});

seam.serve(nextChunk, (_request, reply) => {
  const taken = async (): Promise<Buffer | undefined> => chunks?.next();
  taken().then(
    (bytes) => reply(bytes === undefined ? { kind: 'end' } : { kind: 'bytes', bytes }),
    (error: unknown) => reply(failureOf(error)),
  );
});
