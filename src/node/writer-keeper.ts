// Keeps one writer running: starts it again when it dies, with a growing pause, and tells the node
// where the database stands each time. Nothing is lost in between: entries wait in the log. Changes
// the generation of the database when an image is adopted.
import type { Reaped } from '#db/writer.ts';
import { CodedError } from '#errors.ts';
import type { Sample } from '#http/metrics/exposition.ts';
import type { Child } from '#process/child.ts';
import type { Logger } from './logger.ts';
import type { WriterStart } from './seams/writer-seam.ts';
import { type OpenWriter, WriterProcess } from './writer-process.ts';

const pauseMsMin = 50;
const pauseMsMax = 5000;
/**
 * The writer is asked for its numbers so long: one that is at work on a long write answers later,
 * and what it said last counts until then.
 */
const samplesWaitMs = 250;
/** A writer that ran this long is not counted as failing again and again. */
const healthyMs = 10_000;

/** What the node hears. */
export interface WriterKeeperEvents {
  readonly onReady: (writer: WriterProcess) => void;
  readonly onLost: () => void;
  /** No writer will ever do: the node is configured differently from its cluster. */
  readonly onFatal: (error: CodedError) => void;
}

/** The node's writer, whichever process it is at the moment. */
export class WriterKeeper {
  readonly #start: WriterStart;
  readonly #log: Logger;
  #events: WriterKeeperEvents | undefined;
  #writer: WriterProcess | undefined;
  /** The writer that is being started; never rejects. */
  #starting: Promise<WriterProcess | undefined> = Promise.resolve(undefined);
  /** Resolves when the last writer that was ended is gone. */
  #ending: Promise<void> = Promise.resolve();
  #pauseMs = pauseMsMin;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #samples: readonly Sample[] = [];
  /** Between `retire` and `adopt` no writer is started. */
  #retired = false;
  /** How often a writer was lost since the start. */
  restarts = 0;
  /** How often the database was replaced since the start: by an image, or by a loaded file. */
  adoptions = 0;

  private constructor(start: WriterStart, log: Logger) {
    this.#start = start;
    this.#log = log;
  }

  /**
   * @param child the process of the first writer, where it was begun before
   * @throws CodedError when the first writer cannot open the database
   */
  static async open(
    start: Omit<WriterStart, 'generation'>,
    log: Logger,
    child?: Child,
  ): Promise<{ readonly keeper: WriterKeeper; readonly writer: WriterProcess }> {
    const keeper = new WriterKeeper({ ...start, generation: undefined }, log);
    const writer = await keeper.#spawn(undefined, child);
    return { keeper, writer };
  }

  /** The process id of the writer, 0 while there is none. */
  get pid(): number {
    return this.#writer?.pid ?? 0;
  }

  /** The highest applied index that survives a power cut. Rejects while there is no writer. */
  durableIndex(): Promise<number> {
    return this.#writer?.durableIndex() ?? Promise.reject(new Error('there is no writer now'));
  }

  /** Captured changes up to this entry were posted; while there is no writer it is told again. */
  noteHighWater(index: number): void {
    this.#writer?.noteHighWater(index);
  }

  /** What the writer has counted; what it said last while there is none or it is at work. */
  async samples(): Promise<readonly Sample[]> {
    const writer = this.#writer;
    if (writer === undefined) return this.#samples;
    const asked = writer.samples().then(
      (samples) => {
        this.#samples = samples;
      },
      () => undefined,
    );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, samplesWaitMs);
    });
    await Promise.race([asked, late]);
    clearTimeout(timer);
    return this.#samples;
  }

  /** Removes what is not in use; `temporary`: unfinished images as well (at a start only). */
  async removeLeftovers(temporary: boolean): Promise<void> {
    await this.#writer?.removeLeftovers(temporary).catch((error: unknown) => {
      this.#log.warn({ err: error }, 'leftovers in the data folder could not be removed');
    });
  }

  /** Tidies up the folder. @throws CodedError `not_ready` while there is no writer */
  async reap(): Promise<Reaped> {
    const reaped = await this.#writer?.reap().catch(() => undefined);
    if (reaped !== undefined) return reaped;
    throw new CodedError('not_ready', 'the database is being opened', { hint: 'Try again.' });
  }

  /** From now on the node hears of every writer, the present one first. */
  attach(events: WriterKeeperEvents): void {
    this.#events = events;
    if (this.#writer !== undefined) events.onReady(this.#writer);
  }

  /** Ends the writer at once: its database is about to be replaced. `adopt` follows. */
  retire(): void {
    this.#retired = true;
    clearTimeout(this.#timer);
    const writer = this.#writer;
    this.#writer = undefined;
    if (writer === undefined) return;
    this.#ending = writer.kill();
    this.#events?.onLost();
  }

  /**
   * Starts a writer on another generation, which is the current one from then on.
   *
   * @throws CodedError when that cannot be opened
   */
  async adopt(generation: string): Promise<OpenWriter> {
    await (await this.#starting)?.kill();
    await this.#ending;
    const writer = await this.#spawn(generation);
    this.#retired = false;
    this.adoptions += 1;
    if (this.#stopped) {
      await writer.kill();
    } else {
      this.#events?.onReady(writer);
      void this.removeLeftovers(false);
    }
    return writer.started;
  }

  /** The writer goes on in the database that a load has brought. */
  loaded(): void {
    this.adoptions += 1;
    void this.removeLeftovers(false);
  }

  /** Closes the database and ends the process. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#ending;
    await this.#writer?.stop(graceMs);
  }

  async #spawn(generation: string | undefined, child?: Child): Promise<WriterProcess> {
    const since = performance.now();
    const start = { ...this.#start, generation };
    const onLost = (failure: CodedError | undefined): void => {
      this.#writer = undefined;
      this.restarts += 1;
      if (performance.now() - since > healthyMs) this.#pauseMs = pauseMsMin;
      this.#log.error(
        { reason: failure?.message ?? '', pauseMs: this.#pauseMs },
        'the writer ended; it is started again',
      );
      this.#events?.onLost();
      this.#later(failure);
    };
    const writer = await WriterProcess.start(start, this.#log, { onLost }, child);
    this.#writer = writer;
    return writer;
  }

  /** Tries again later, unless what went wrong stays wrong. */
  #later(reason: unknown): void {
    if (this.#stopped || this.#retired) return;
    if (reason instanceof CodedError && reason.code === 'config_invalid') {
      this.#events?.onFatal(reason);
      return;
    }
    this.#timer = setTimeout(() => {
      this.#starting = this.#restart();
    }, this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, pauseMsMax);
  }

  /** The writer, or undefined when there is none or nobody wants it any more. */
  async #restart(): Promise<WriterProcess | undefined> {
    try {
      const writer = await this.#spawn(undefined);
      if (this.#stopped || this.#retired) {
        this.#writer = undefined;
        await writer.kill();
      } else {
        this.#events?.onReady(writer);
      }
      return writer;
    } catch (error) {
      this.#log.error({ err: error }, 'the writer cannot be started');
      this.#later(error);
      return undefined;
    }
  }
}
