// A process that works on one image, seen from the node: started, let go of, at last killed.
// Letting go closes its pipe; it then removes its temporary files and ends by itself.
import { fileURLToPath } from 'node:url';
import { frameBytesMax } from '#limits.ts';
import { spawnChild } from '#process/child.ts';
import { Seam } from '#process/seam.ts';
import { cleanUpMs } from './bounds.ts';

/** One such process. */
export interface ImageProcess {
  readonly seam: Seam;
  /** Resolves when it is gone, and its temporary files with it. */
  readonly ended: Promise<unknown>;
  /** Harmless when it was done before. */
  release(): void;
}

/** Starts the program of that name in this folder; `onLost`: it ended without being released. */
export const startImageProcess = (
  name: 'maker-main' | 'intake-main',
  title: string,
  onLost: () => void,
): ImageProcess => {
  const child = spawnChild({
    file: fileURLToPath(new URL(`./${name}.ts`, import.meta.url)),
    execArguments: ['--max-semi-space-size=2'],
    title,
    takesHandle: false,
    shellLimits: 'ulimit -c 0',
  });
  let released = false;
  const release = (): void => {
    if (released) return;
    released = true;
    const timer = setTimeout(() => child.kill(), cleanUpMs);
    void child.ended.then(() => clearTimeout(timer));
    seam.close();
  };
  const seam: Seam = new Seam(child.stream, {
    frameBytesMax,
    onClose: () => {
      if (released) return;
      release();
      onLost();
    },
  });
  return { seam, ended: child.ended, release };
};
