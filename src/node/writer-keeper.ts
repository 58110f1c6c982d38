// Keeps one writer running: starts it again when it dies, with a growing pause, and tells the node
// where the database stands each time. Nothing is lost in between: entries wait in the log.
import type { Logger } from './logger.ts';
import type { WriterStart } from './seams/writer-seam.ts';
import { WriterProcess } from './writer-process.ts';

const pauseMsMin = 50;
const pauseMsMax = 5000;
/** A writer that ran this long is not counted as failing again and again. */
const healthyMs = 10_000;

/** What the node hears. */
export interface WriterKeeperEvents {
  readonly onReady: (writer: WriterProcess) => void;
  readonly onLost: () => void;
}

/** The node's writer, whichever process it is at the moment. */
export class WriterKeeper {
  readonly #start: WriterStart;
  readonly #log: Logger;
  #events: WriterKeeperEvents | undefined;
  #writer: WriterProcess | undefined;
  #pauseMs = pauseMsMin;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  /** How often a writer was lost since the start. */
  restarts = 0;

  private constructor(start: WriterStart, log: Logger) {
    this.#start = start;
    this.#log = log;
  }

  /** @throws CodedError when the first writer cannot open the database */
  static async open(
    start: WriterStart,
    log: Logger,
  ): Promise<{ readonly keeper: WriterKeeper; readonly writer: WriterProcess }> {
    const keeper = new WriterKeeper(start, log);
    const writer = await keeper.#spawn();
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

  /** From now on the node hears of every writer, the present one first. */
  attach(events: WriterKeeperEvents): void {
    this.#events = events;
    if (this.#writer !== undefined) events.onReady(this.#writer);
  }

  /** Closes the database and ends the process. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#writer?.stop(graceMs);
  }

  async #spawn(): Promise<WriterProcess> {
    const since = performance.now();
    const writer = await WriterProcess.start(this.#start, this.#log, {
      onLost: (reason) => {
        this.#writer = undefined;
        this.restarts += 1;
        if (performance.now() - since > healthyMs) this.#pauseMs = pauseMsMin;
        this.#log.error(
          { reason, pauseMs: this.#pauseMs },
          'the writer ended; it is started again',
        );
        this.#events?.onLost();
        this.#later();
      },
    });
    this.#writer = writer;
    return writer;
  }

  #later(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#spawn().then(
        (writer) => {
          if (this.#stopped) writer.kill();
          else this.#events?.onReady(writer);
        },
        (error: unknown) => {
          this.#log.error({ err: error }, 'the writer cannot be started');
          this.#later();
        },
      );
    }, this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, pauseMsMax);
  }
}
