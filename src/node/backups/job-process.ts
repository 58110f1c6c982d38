// A process that works on one scheduled backup or fetches one, seen from the node: started, let go
// of, at last killed.
import { fileURLToPath } from 'node:url';
import { frameBytesMax } from '#limits.ts';
import { letGo } from '#node/let-go.ts';
import { spawnChild } from '#process/child.ts';
import { Seam } from '#process/seam.ts';

/** One that was let go of aborts its upload and removes its files; by then it is killed. */
const cleanUpMs = 60_000;

/** No core files, and address space in KiB: a file from elsewhere must not take all memory. */
const limits = 'ulimit -c 0; ulimit -v 16000000';

/** One such process. */
export interface JobProcess {
  readonly pid: number;
  readonly seam: Seam;
  /** Harmless when it was done before. */
  readonly release: () => void;
}

/** Starts the program of that name in this folder. */
export const startJob = (
  name: 'scheduled/scheduled-main' | 'restore/fetch-main',
  title: string,
): JobProcess => {
  const child = spawnChild({
    file: fileURLToPath(new URL(`./${name}.ts`, import.meta.url)),
    execArguments: ['--max-semi-space-size=2'],
    title,
    takesHandle: false,
    shellLimits: limits,
  });
  const seam = new Seam(child.stream, { frameBytesMax, onClose: () => undefined });
  return { pid: child.pid, seam, release: letGo(child, seam, cleanUpMs) };
};
