// One reader as a child process, with limits from the shell that starts it.
import { fileURLToPath } from 'node:url';
import { prepareSpillFolder } from '#db/database-files.ts';
import { frameBytesMax } from '#limits.ts';
import { spawnChild } from '#process/child.ts';
import { Seam } from '#process/seam.ts';
import { systemEffects } from './node-effects.ts';
import { type ReaderStart, startReader } from './seams/reader-seam.ts';

const program = fileURLToPath(new URL('./reader-main.ts', import.meta.url));

/** How long a new reader may take to open the database; idle machines need about 80 ms. */
const startDeadlineMs = 15_000;

/**
 * No core files; address space in KiB: what a statement cannot allocate beyond (Node reserves
 * several GiB of it without using them, so the bound is generous); the size of a file in blocks of
 * 512 bytes: what a query may spill to disk, 1 GiB for each of its sorts.
 */
const limits = 'ulimit -c 0; ulimit -v 16000000; ulimit -f 2097152';

/** What a pool hears of a reader; each at most once, and nothing after `kill`. */
export interface ReaderProcessEvents {
  readonly onReady: () => void;
  /** It cannot open the database. */
  readonly onFailed: (reason: string) => void;
  /** It ended by itself. */
  readonly onEnded: () => void;
}

/** A reader process; requests go over its seam once it is ready. */
export interface ReaderProcess {
  readonly pid: number;
  readonly seam: Seam;
  kill(): void;
}

/** Starts a reader on a data folder. */
export const startReaderProcess = (
  start: ReaderStart,
  events: ReaderProcessEvents,
): ReaderProcess => {
  let over = false;
  const child = spawnChild({
    file: program,
    // The collector is called by the reader as well: see statement-garbage.ts.
    execArguments: ['--max-semi-space-size=4', '--expose-gc'],
    title: 'stockade-reader',
    takesHandle: false,
    shellLimits: limits,
    // Not where other programs and users put theirs.
    environment: { SQLITE_TMPDIR: prepareSpillFolder(start.folder, systemEffects.files) },
  });
  const end = (report: () => void): void => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    child.kill();
    report();
  };
  const timer = setTimeout(() => {
    end(() => events.onFailed('it did not start in time'));
  }, startDeadlineMs);
  const seam = new Seam(child.stream, { frameBytesMax, onClose: () => end(events.onEnded) });
  seam.call(startReader, start, (answer) => {
    if (answer.kind === 'gone') return;
    clearTimeout(timer);
    if (answer.reply.error !== '') end(() => events.onFailed(answer.reply.error));
    else events.onReady();
  });
  return { pid: child.pid, seam, kill: () => end(() => undefined) };
};
