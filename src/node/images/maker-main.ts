// The main program of the process that makes one image and hands out its bytes. It ends when the
// node lets go of it, or is gone, and leaves nothing on the disk.
import { setPriority } from 'node:os';
import { emptyFolder, imagesFolder } from '#db/generations.ts';
import { type MadeImage, makeImage } from '#db/image/make-image.ts';
import { frameBytesMax } from '#limits.ts';
import { systemEffects } from '#node/node-effects.ts';
import { makeImageOf, readImage } from '#node/seams/image-seam.ts';
import { pipeToParent } from '#process/child.ts';
import { Seam } from '#process/seam.ts';
import { processNiceness } from './bounds.ts';
import { reasonOf } from './reason-of.ts';

let folder: string | undefined;
let image: MadeImage | undefined;

const seam = new Seam(pipeToParent(), {
  frameBytesMax,
  onClose: () => {
    if (folder !== undefined) emptyFolder(imagesFolder(folder), systemEffects.files);
    process.exit(0);
  },
});

setPriority(processNiceness);

seam.serve(makeImageOf, (request, reply) => {
  folder = request.folder;
  const { files, clock } = systemEffects;
  makeImage({ dataFolder: folder, files, nowMs: () => clock.monotonicMs() }).then(
    (made) => {
      image = made;
      reply({ kind: 'made', offer: made.offer, readMs: made.readMs });
    },
    (error: unknown) => reply({ kind: 'failed', reason: reasonOf(error) }),
  );
});

seam.serve(readImage, ({ position, bytes }, reply) => {
  const piece = Buffer.allocUnsafe(bytes);
  reply(piece.subarray(0, image?.read(piece, position) ?? 0));
});
