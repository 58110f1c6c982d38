// The main program of the process that takes one scheduled backup. It ends when the node lets go of
// it, or is gone: an upload is aborted then, and nothing is left on the disk.
import { setPriority } from 'node:os';
import { frameBytesMax } from '#limits.ts';
import { failureOf } from '#node/backups/failure.ts';
import { systemEffects } from '#node/node-effects.ts';
import { scheduledProgress, takeScheduled } from '#node/seams/scheduled-backup-seam.ts';
import { pipeToParent } from '#process/child.ts';
import { Seam } from '#process/seam.ts';
import { openStore } from '#store/open-store.ts';
import { takeBackup } from './take-backup.ts';

/** Stands back behind everything that answers requests (nice value). */
const processNiceness = 10;

const givenUp = new AbortController();
let work: Promise<void> = Promise.resolve();

const seam = new Seam(pipeToParent(), {
  frameBytesMax,
  onClose: () => {
    givenUp.abort();
    void work.then(() => process.exit(0));
  },
});

setPriority(processNiceness);

seam.serve(takeScheduled, ({ task, store: settings }, reply) => {
  const store = openStore(settings, systemEffects.files, givenUp.signal);
  work = takeBackup(task, store, systemEffects, (progress) => {
    if (!givenUp.signal.aborted) seam.notify(scheduledProgress, progress);
  })
    .then(reply, (error: unknown) => reply(failureOf(error)))
    .finally(() => store.close());
});
