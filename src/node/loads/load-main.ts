// The main program of the process that takes a database file in: bytes of a user are written,
// opened and converted here and nowhere else. It ends when the front lets go of it, or is gone, and
// leaves nothing on the disk.
import { setPriority } from 'node:os';
import { Upload } from '#db/load/upload.ts';
import { MachineError } from '#db/machine-errors.ts';
import { CodedError } from '#errors.ts';
import { frameBytesMax } from '#limits.ts';
import { systemEffects } from '#node/node-effects.ts';
import type { BackupFailed } from '#node/seams/backup-seam.ts';
import {
  finishLoad,
  type LoadProblem,
  readLoad,
  startLoad,
  takeLoad,
} from '#node/seams/load-seam.ts';
import { pipeToParent } from '#process/child.ts';
import { Seam } from '#process/seam.ts';

/** Stands back behind everything that answers requests (nice value). */
const processNiceness = 10;

let upload: Upload | undefined;

const seam = new Seam(pipeToParent(), {
  frameBytesMax,
  onClose: () => {
    upload?.clear();
    process.exit(0);
  },
});

setPriority(processNiceness);

const codeOf = (error: unknown): string => {
  if (error instanceof CodedError) return error.code;
  return error instanceof MachineError && error.code === 'SQLITE_FULL'
    ? 'disk_full'
    : 'storage_failed';
};

const failed = (error: unknown): BackupFailed => ({
  kind: 'failed',
  code: codeOf(error),
  message: error instanceof Error ? error.message : String(error),
  hint: error instanceof CodedError ? (error.details.hint ?? '') : '',
});

const tried = (step: () => void): LoadProblem => {
  try {
    step();
    return {};
  } catch (error) {
    return { failed: failed(error) };
  }
};

seam.serve(startLoad, ({ folder }, reply) => {
  reply(
    tried(() => {
      upload = new Upload({ dataFolder: folder, ...systemEffects });
    }),
  );
});

seam.serve(takeLoad, (bytes, reply) => reply(tried(() => upload?.write(bytes))));

seam.serve(finishLoad, (_request, reply) => {
  try {
    const made = upload?.finish();
    if (made !== undefined) {
      reply({ kind: 'made', bytes: made.bytes, digest: made.digest.toString('hex') });
    }
  } catch (error) {
    reply(failed(error));
  }
});

seam.serve(readLoad, ({ position, bytes }, reply) => {
  const piece = Buffer.allocUnsafe(bytes);
  reply(piece.subarray(0, upload?.read(piece, position) ?? 0));
});
