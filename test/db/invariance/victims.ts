// Writers in processes of their own that are killed with SIGKILL at random moments; the next one
// goes on where the database stands.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { CommittedEntry } from '#db/writer.ts';
import { drawStops, type Stop } from './course.ts';
import type { Draw } from './draw.ts';
import type { JudgedLog } from './judged-log.ts';

/** What a victim is told; it answers `done` when the log is applied. */
export interface VictimTask {
  readonly folder: string;
  readonly foreignKeys: boolean;
  /** What they change is captured. */
  readonly captured: boolean;
  readonly entries: readonly CommittedEntry[];
  readonly stops: readonly Stop[];
}

const program = fileURLToPath(new URL('./victim-main.ts', import.meta.url));

const start = (): ChildProcess =>
  fork(program, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    serialization: 'advanced',
  });

/** What it says, or undefined when it ends first. */
const firstWordOf = (victim: ChildProcess): Promise<string | undefined> =>
  new Promise((resolve) => {
    const settle = (word: string | undefined): void => {
      victim.off('message', onMessage);
      victim.off('exit', onExit);
      resolve(word);
    };
    const onMessage = (message: unknown): void => settle(String(message));
    const onExit = (): void => settle(undefined);
    victim.on('message', onMessage);
    victim.on('exit', onExit);
  });

/** A victim at work and one that waits, so that a kill costs no start. */
export class Victims {
  #current = start();
  #next = start();
  /** How many were killed in the middle of a log, and how many had finished it first. */
  kills = 0;
  late = 0;
  /** How long a log takes here, milliseconds: kills fall within it. */
  #usualMs = 30;
  readonly #killPercent: number;

  /** `killPercent`: how many of a hundred starts on a log are to be killed. */
  constructor(killPercent: number) {
    this.#killPercent = killPercent;
  }

  /** Applies a log, however often it takes. */
  async apply(
    folder: string,
    { foreignKeys, entries }: JudgedLog,
    draw: Draw,
    captured = false,
  ): Promise<void> {
    const task = { folder, foreignKeys, captured, entries, stops: drawStops(draw, entries.length) };
    while (draw.chance(this.#killPercent)) {
      if (await this.#finishes(task, draw.below(1000) / 1000)) {
        this.late += 1;
        return;
      }
    }
    await this.#finishes(task, undefined);
  }

  /** Ends both processes. */
  close(): void {
    this.#current.kill('SIGKILL');
    this.#next.kill('SIGKILL');
  }

  /** Whether the log was applied before the kill, which comes after a share of the usual time. */
  async #finishes(task: VictimTask, share: number | undefined): Promise<boolean> {
    const victim = this.#current;
    const startedMs = performance.now();
    victim.send(task);
    const timer =
      share === undefined
        ? undefined
        : setTimeout(() => victim.kill('SIGKILL'), share * this.#usualMs);
    const said = await firstWordOf(victim);
    clearTimeout(timer);
    if (said !== undefined && said !== 'done') throw new Error(`a writer failed: ${said}`);
    const done = said === 'done';
    if (done) this.#usualMs += (performance.now() - startedMs - this.#usualMs) / 8;
    else if (share === undefined) throw new Error('a writer ended by itself');
    if (!victim.killed) return true;
    if (done) await once(victim, 'exit');
    if (!done) this.kills += 1;
    this.#current = this.#next;
    this.#next = start();
    return done;
  }
}
