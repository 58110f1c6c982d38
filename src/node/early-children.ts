// The processes that every start needs, begun before anything else: each loads its program while
// the node loads its own. They open nothing and listen nowhere until they are told to, and end when
// the node does.
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { startLogThread } from '#log/start-log-thread.ts';
import { type Child, spawnChild } from '#process/child.ts';

const programAt = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const writerProgram = programAt('./writer-main.ts');
const frontProgram = programAt('./front-main.ts');

const frontsMax = 8;

/** One front up to three cores, then half of what two cores leave, at most eight. */
export const frontCount = (cores: number): number =>
  cores < 4 ? 1 : Math.min(frontsMax, Math.floor((cores - 2) / 2));

/**
 * Size of the young generation of a front, MiB: under 256 clients a front needs 117 MiB with it and
 * 227 MiB without, at the same CPU.
 */
const semiSpaceMib = 8;

/** The process of a writer that was told nothing yet. */
export const spawnWriter = (): Child =>
  spawnChild({
    file: writerProgram,
    execArguments: [],
    title: 'stockade-writer',
    takesHandle: false,
    shellLimits: 'ulimit -c 0',
  });

/** The process of a front that was told nothing yet. */
export const spawnFront = (): Child =>
  spawnChild({
    file: frontProgram,
    execArguments: [`--max-semi-space-size=${semiSpaceMib}`, '--max-http-header-size=16384'],
    title: 'stockade-front',
    takesHandle: true,
    shellLimits: 'ulimit -c 0',
  });

/** Children that wait for their first word, and the thread of the log, which does so too. */
export interface EarlyChildren {
  readonly logThread: Worker;
  readonly writer: Child;
  readonly fronts: readonly Child[];
}

/** @param cores how many the machine has */
export const startEarly = (cores: number): EarlyChildren => ({
  logThread: startLogThread(),
  writer: spawnWriter(),
  fronts: Array.from({ length: frontCount(cores) }, spawnFront),
});

/** Ends them; those that have ended are passed over. */
export const endEarly = ({ logThread, writer, fronts }: EarlyChildren): void => {
  void logThread.terminate();
  for (const child of [writer, ...fronts]) child.kill();
};
