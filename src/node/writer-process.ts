// The writer as a child process: started, fed, restarted when it dies. While there is none, entries
// wait in the log; nothing is lost, because the database says itself which entries it holds.
import type { Trial, TrialResult } from '#db/try-transaction.ts';
import type { Reaped } from '#db/writer.ts';
import { CodedError, type ErrorCode } from '#errors.ts';
import type { Sample } from '#http/metrics/exposition.ts';
import { frameBytesMax } from '#limits.ts';
import type { Child } from '#process/child.ts';
import { Seam } from '#process/seam.ts';
import type { SendToWriter } from './apply-feed.ts';
import { spawnWriter } from './early-children.ts';
import type { Logger } from './logger.ts';
import {
  applyEntries,
  captureFailed,
  changesSent,
  durableIndexOf,
  reapFolder,
  rehearsalStarted,
  rehearseCommand,
  removeLeftovers,
  startWriter,
  stopWriter,
  trialStarted,
  tryTransaction,
  type WriterStart,
  type WriterStarted,
  writerFailed,
  writerSamples,
} from './seams/writer-seam.ts';

/** A started writer's first report. */
export type OpenWriter = Extract<WriterStarted, { readonly kind: 'open' }>;

/** What the node hears of its writer. */
export interface WriterProcessEvents {
  /** The writer ended without being asked to; with what it said before, if it did. */
  readonly onLost: (failure: CodedError | undefined) => void;
}

/** One writer process. */
export class WriterProcess {
  readonly started: OpenWriter;
  readonly pid: number;
  readonly #child: Child;
  readonly #seam: Seam;
  #stopping: boolean;

  private constructor(child: Child, seam: Seam, started: OpenWriter) {
    this.#child = child;
    this.pid = child.pid;
    this.#seam = seam;
    this.started = started;
    this.#stopping = false;
  }

  /**
   * Starts a writer and opens the database.
   *
   * @throws CodedError what the writer reported (`data_folder_in_use`, `storage_failed`, ...)
   */
  static async start(
    start: WriterStart,
    log: Logger,
    events: WriterProcessEvents,
    child = spawnWriter(),
  ): Promise<WriterProcess> {
    let writer: WriterProcess | undefined;
    let failure: CodedError | undefined;
    const seam = new Seam(child.stream, {
      frameBytesMax,
      onClose: () => {
        if (writer !== undefined && !writer.#stopping) events.onLost(failure);
      },
    });
    seam.hear(writerFailed, ({ code, message, hint }) => {
      failure = new CodedError(code as ErrorCode, message, { hint });
      log.error({ code, reason: message, hint }, 'the writer stops');
    });
    seam.hear(captureFailed, ({ reason }) => {
      log.error({ reason }, 'changes could not be captured: their stream has a gap');
    });
    const started = await seam.ask(startWriter, start).catch((cause: unknown) => {
      throw new CodedError('storage_failed', 'the writer process ended while it started', {
        cause,
        hint: 'Its own message stands above in the log.',
      });
    });
    if (started.kind === 'failed') {
      child.kill();
      throw new CodedError(started.code as ErrorCode, started.message, { hint: started.hint });
    }
    writer = new WriterProcess(child, seam, started);
    return writer;
  }

  /** Applies entries; `done` gets undefined when the writer died first. */
  readonly apply: SendToWriter = (entries, done) => {
    this.#seam.call(applyEntries, entries, (answer) => {
      done(answer.kind === 'reply' ? answer.reply : undefined);
    });
  };

  /** Runs a command between batches and undoes it; one at a time. */
  rehearse(data: Uint8Array, started: () => void, done: (ended: boolean) => void): void {
    this.#seam.hear(rehearsalStarted, started);
    this.#seam.call(rehearseCommand, data, ({ kind }) => done(kind === 'reply'));
  }

  /** Runs a transaction between batches and undoes it; one at a time. */
  tryTransaction(
    trial: Trial,
    started: () => void,
    done: (result: TrialResult | undefined) => void,
  ): void {
    this.#seam.hear(trialStarted, started);
    this.#seam.call(tryTransaction, trial, (answer) => {
      done(answer.kind === 'reply' ? answer.reply : undefined);
    });
  }

  /** Captured changes up to this entry were posted and taken. */
  noteHighWater(index: number): void {
    this.#seam.notify(changesSent, { index });
  }

  /** SIGKILL; `onLost` is called, so that another one is started. */
  abandon(): void {
    this.#child.kill();
  }

  /** The highest applied index that survives a power cut. */
  async durableIndex(): Promise<number> {
    return (await this.#seam.ask(durableIndexOf, undefined)).index;
  }

  /** What it has counted. */
  samples(): Promise<readonly Sample[]> {
    return this.#seam.ask(writerSamples, undefined);
  }

  /** Closes the database and ends the process; kills it when that takes longer than `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    const timer = setTimeout(() => this.#child.kill(), graceMs);
    await this.#seam.ask(stopWriter, undefined).catch(() => undefined);
    await this.#child.ended;
    clearTimeout(timer);
  }

  /** Removes what is not in use; see the seam. */
  async removeLeftovers(temporary: boolean): Promise<void> {
    await this.#seam.ask(removeLeftovers, { temporary });
  }

  /** Tidies up its folder; see the seam. */
  reap(): Promise<Reaped> {
    return this.#seam.ask(reapFolder, undefined);
  }

  /** SIGKILL; `onLost` is not called. Resolves when it is gone, its locks with it. */
  async kill(): Promise<void> {
    this.#stopping = true;
    this.#child.kill();
    await this.#child.ended;
  }
}
