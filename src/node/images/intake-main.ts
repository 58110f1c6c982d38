// The main program of the process that takes one image in: bytes from a peer are written, unpacked
// and opened here and nowhere else. It ends when the node lets go of it, or is gone; what is not a
// generation by then is removed.
import { setPriority } from 'node:os';
import { ImageIntake } from '#db/image/take-image.ts';
import { frameBytesMax } from '#limits.ts';
import { systemEffects } from '#node/node-effects.ts';
import { discardIntake, finishIntake, startIntake, takeBytes } from '#node/seams/image-seam.ts';
import { pipeToParent } from '#process/child.ts';
import { Seam } from '#process/seam.ts';
import { processNiceness } from './bounds.ts';
import { reasonOf } from './reason-of.ts';

let intake: ImageIntake | undefined;

const seam = new Seam(pipeToParent(), {
  frameBytesMax,
  onClose: () => {
    intake?.clear();
    process.exit(0);
  },
});

setPriority(processNiceness);

/** Runs a step; why it did not work, or nothing. */
const tried = (step: () => void): { readonly reason: string } => {
  try {
    step();
    return { reason: '' };
  } catch (error) {
    return { reason: reasonOf(error) };
  }
};

seam.serve(startIntake, ({ folder, cluster, offer }, reply) => {
  const { files } = systemEffects;
  reply(
    tried(() => {
      intake = ImageIntake.open({ dataFolder: folder, offer, cluster, files });
    }),
  );
});

seam.serve(takeBytes, (bytes, reply) => {
  reply(tried(() => intake?.write(bytes)));
});

seam.serve(finishIntake, (_request, reply) => {
  if (intake === undefined) return;
  intake.finish().then(
    (taken) => reply({ kind: 'taken', ...taken }),
    (error: unknown) => reply({ kind: 'failed', reason: reasonOf(error) }),
  );
});

seam.serve(discardIntake, (_request, reply) => {
  intake?.discard();
  reply(undefined);
});
