// The main program of the process that fetches a backup and hands out its bytes: what came from
// somewhere else is opened here first. It ends when the node lets go of it, or is gone, and leaves
// nothing on the disk.
import { setPriority } from 'node:os';
import { basename } from 'node:path';
import { backupPath, removeBackupFile } from '#db/backup/backup-copy.ts';
import { Upload } from '#db/load/upload.ts';
import { openStream } from '#io/file-streams.ts';
import { frameBytesMax } from '#limits.ts';
import { failureOf } from '#node/backups/failure.ts';
import { fetchBackup, fetchChunks } from '#node/backups/fetch-backup.ts';
import { systemEffects } from '#node/node-effects.ts';
import {
  type BackupOrigin,
  type Fetched,
  fetchOne,
  readFetched,
} from '#node/seams/scheduled-backup-seam.ts';
import { pipeToParent } from '#process/child.ts';
import { Seam } from '#process/seam.ts';
import { openStore } from '#store/open-store.ts';

const processNiceness = 10;
const { files } = systemEffects;
const givenUp = new AbortController();
let upload: Upload | undefined;
let work: Promise<void> = Promise.resolve();

const seam = new Seam(pipeToParent(), {
  frameBytesMax,
  onClose: () => {
    givenUp.abort();
    void work.then(() => {
      upload?.clear();
      process.exit(0);
    });
  },
});

setPriority(processNiceness);

const contentFrom = async (
  origin: BackupOrigin,
  path: string,
): Promise<Omit<Fetched, 'kind' | 'bytes' | 'digest'>> => {
  if (origin.kind === 'file') {
    const { stream } = await openStream(origin.path);
    const { rows, digest } = await fetchChunks(stream, undefined, path, files);
    return { name: basename(origin.path), rows, content: digest };
  }
  const store = openStore(origin.store, files, givenUp.signal);
  try {
    const { name, rows, digest } = await fetchBackup(store, origin.name, path, files);
    return { name, rows, content: digest };
  } finally {
    store.close();
  }
};

/** The database as it may be replicated, made of what was fetched. */
const fetched = async (folder: string, origin: BackupOrigin): Promise<Fetched> => {
  const path = backupPath({ dataFolder: folder, ...systemEffects });
  const content = await contentFrom(origin, path);
  try {
    upload = new Upload({ dataFolder: folder, ...systemEffects });
    const { stream } = await openStream(path);
    for await (const chunk of stream) upload.write(chunk as Buffer);
    const { bytes, digest } = upload.finish();
    return { kind: 'fetched', ...content, bytes, digest: digest.toString('hex') };
  } finally {
    // A file of somebody else may be in WAL mode and leave others beside it.
    removeBackupFile(path, files);
  }
};

seam.serve(fetchOne, ({ folder, origin }, reply) => {
  work = fetched(folder, origin).then(reply, (error: unknown) => reply(failureOf(error)));
});

seam.serve(readFetched, ({ position, bytes }, reply) => {
  const piece = Buffer.allocUnsafe(bytes);
  reply(piece.subarray(0, upload?.read(piece, position) ?? 0));
});
