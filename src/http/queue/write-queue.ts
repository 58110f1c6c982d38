// Queued writes: taken at once, written in order and in batches, one batch at a time. Whatever a
// batch meets is said under its numbers, and the queue goes on. Held in memory only: what has not
// been written when the process dies is lost, as rqlite's is.
import type { DataDone, DataRequest } from '#http/data/data-request.ts';
import {
  queueBatchBytesMax,
  queueBytesMax,
  queueFailuresKept,
  queueFullWaitMs,
  queueLastTryMs,
  queueRetryMs,
  queueRetryMsMax,
  queueWaitersMax,
} from '#http/front-limits.ts';
import { type BatchEnd, batchEndFrom, isOfOneStatement, isPassing } from './batch-end.ts';
import {
  batchLength,
  type NumberedWrite,
  type QueuedWrite,
  type QueueFault,
  requestFrom,
} from './queued-write.ts';

/** The settings `queue.*`. */
export interface QueueSettings {
  /** Most requests that wait. */
  readonly depth: number;
  /** Most requests written together. */
  readonly batch: number;
  /** How long a request waits for others to go with. */
  readonly timeoutMs: number;
  /** Whether a batch is written as a whole or not at all. */
  readonly transaction: boolean;
}

/** rqlite's. */
export const queueStandard: QueueSettings = Object.freeze({
  depth: 1024,
  batch: 128,
  timeoutMs: 50,
  transaction: false,
});

/** A queued write that was not done, or of which a statement failed. */
export interface QueueFailure extends QueueFault {
  readonly sequence: bigint;
}

/** What a queue works with. */
export interface WriteQueueOptions extends QueueSettings {
  /** The first number given out; a clock in nanoseconds, so that numbers grow over restarts. */
  readonly firstSequence: bigint;
  readonly nowMs: () => number;
  readonly run: (request: DataRequest, done: DataDone) => void;
  /** For the log. */
  readonly onFailure: (failure: QueueFailure) => void;
}

/** What became of a wish to queue something. */
export type Queued =
  | { readonly kind: 'queued'; readonly sequence: bigint }
  | { readonly kind: 'full' }
  | { readonly kind: 'closed' };

interface Waiter {
  readonly write: QueuedWrite;
  readonly answer: (queued: Queued) => void;
  readonly untilMs: number;
}

/** See above. */
export class WriteQueue {
  readonly settings: QueueSettings;
  readonly #options: WriteQueueOptions;
  #waiting: NumberedWrite[] = [];
  /** Those that found the queue full, in order. */
  #waiters: Waiter[] = [];
  #running = 0;
  #bytes = 0;
  #next: bigint;
  #written = 0n;
  #failures: QueueFailure[] = [];
  #flushTimer: NodeJS.Timeout | undefined;
  #fullTimer: NodeJS.Timeout | undefined;
  #closing = false;
  /** How many failures there have been. */
  failuresTotal = 0;
  /** Tries at once what waits to be tried again, for the last time. */
  #lastTry: (() => void) | undefined;
  #onEmpty: () => void = () => undefined;

  constructor(options: WriteQueueOptions) {
    this.settings = options;
    this.#options = options;
    this.#next = options.firstSequence;
  }

  /** The highest number that is done with; 0 before the first. */
  get writtenSequence(): bigint {
    return this.#written;
  }

  /** Requests that are queued or being written. */
  get size(): number {
    return this.#waiting.length + this.#running;
  }

  /** The latest failures, oldest first. */
  get failures(): readonly QueueFailure[] {
    return this.#failures;
  }

  /** Queues a write; `answer` is called once, at once unless the queue is full. */
  push(write: QueuedWrite, answer: (queued: Queued) => void): void {
    if (this.#closing) {
      answer({ kind: 'closed' });
      return;
    }
    if (this.#waiters.length === 0 && this.#fits(write)) {
      answer({ kind: 'queued', sequence: this.#take(write) });
      this.#maybeFlush();
      return;
    }
    if (this.#waiters.length >= queueWaitersMax) {
      answer({ kind: 'full' });
      return;
    }
    this.#waiters.push({ write, answer, untilMs: this.#options.nowMs() + queueFullWaitMs });
    this.#fullTimer ??= setTimeout(() => this.#lookForLate(), queueFullWaitMs);
  }

  /** Takes nothing more and writes what is queued; what is left after `graceMs` has failed. */
  close(graceMs: number): Promise<void> {
    this.#closing = true;
    for (const { answer } of this.#waiters.splice(0)) answer({ kind: 'closed' });
    clearTimeout(this.#fullTimer);
    if (this.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const grace = setTimeout(() => {
        for (const lost of this.#waiting.splice(0)) this.#end(lost, stopped);
        this.#lastTry?.();
        setTimeout(resolve, this.size === 0 ? 0 : queueLastTryMs);
      }, graceMs);
      this.#onEmpty = () => {
        clearTimeout(grace);
        resolve();
      };
      this.#maybeFlush();
    });
  }

  #fits({ bytes }: QueuedWrite): boolean {
    if (this.size === 0) return true;
    return this.size < this.settings.depth && this.#bytes + bytes <= queueBytesMax;
  }

  #take(write: QueuedWrite): bigint {
    const sequence = this.#next;
    this.#next += 1n;
    this.#bytes += write.bytes;
    this.#waiting.push({ sequence, write });
    return sequence;
  }

  #lookForLate(): void {
    this.#fullTimer = undefined;
    const now = this.#options.nowMs();
    while ((this.#waiters[0]?.untilMs ?? Infinity) <= now) {
      this.#waiters.shift()?.answer({ kind: 'full' });
    }
    const first = this.#waiters[0];
    if (first === undefined) return;
    this.#fullTimer = setTimeout(() => this.#lookForLate(), Math.max(1, first.untilMs - now));
  }

  /** There is room again: those that wait come in, in order. */
  #letIn(): void {
    for (let first = this.#waiters[0]; first !== undefined; first = this.#waiters[0]) {
      if (!this.#fits(first.write)) return;
      this.#waiters.shift();
      first.answer({ kind: 'queued', sequence: this.#take(first.write) });
    }
  }

  #maybeFlush(): void {
    if (this.#running > 0 || this.#waiting.length === 0) return;
    if (this.#closing || this.#waiting.length >= this.settings.batch) this.#flush();
    else this.#flushTimer ??= setTimeout(() => this.#flush(), this.settings.timeoutMs);
  }

  #flush(): void {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    const length = batchLength(this.#waiting, {
      writes: this.settings.batch,
      bytes: queueBatchBytesMax,
    });
    const batch = this.#waiting.splice(0, length);
    if (batch.length === 0) return;
    this.#running = batch.length;
    this.#write(batch, this.#options.nowMs() + queueRetryMsMax, () => {
      this.#letIn();
      if (this.size === 0) this.#onEmpty();
      // What came meanwhile has waited long enough.
      else this.#flush();
    });
  }

  /** Writes a batch; `over` is called when each of its writes has ended. */
  #write(batch: readonly NumberedWrite[], untilMs: number, over: () => void): void {
    const { transaction } = this.settings;
    let open = true;
    this.#options.run(requestFrom(batch, transaction), (reply) => {
      // A fault while the first reply was worked off brings another one.
      if (!open) return;
      open = false;
      const end = batchEndFrom(reply, transaction);
      if (end.kind === 'failed' && isPassing(end.fault) && this.#options.nowMs() < untilMs) {
        this.#tryLater(batch, untilMs, over);
        return;
      }
      if (end.kind === 'failed' && isOfOneStatement(end.fault) && batch.length > 1) {
        this.#oneByOne(batch, untilMs, over);
        return;
      }
      this.#running -= batch.length;
      this.#endAll(batch, end);
      over();
    });
  }

  #tryLater(batch: readonly NumberedWrite[], untilMs: number, over: () => void): void {
    const again = (until: number): void => {
      clearTimeout(timer);
      this.#lastTry = undefined;
      this.#write(batch, until, over);
    };
    const timer = setTimeout(() => again(untilMs), queueRetryMs);
    this.#lastTry = () => again(0);
  }

  /** One statement can stop its whole batch: the others of the batch need not suffer from it. */
  #oneByOne(batch: readonly NumberedWrite[], untilMs: number, over: () => void): void {
    const [first, ...rest] = batch;
    if (first === undefined) over();
    else this.#write([first], untilMs, () => this.#oneByOne(rest, untilMs, over));
  }

  #endAll(batch: readonly NumberedWrite[], end: BatchEnd): void {
    let from = 0;
    for (const numbered of batch) {
      const to = from + numbered.write.statements.length;
      this.#end(numbered, end.kind === 'failed' ? end.fault : faultBetween(end.faults, from, to));
      from = to;
    }
  }

  #end({ sequence, write }: NumberedWrite, fault: QueueFault | undefined): void {
    this.#bytes -= write.bytes;
    if (sequence > this.#written) this.#written = sequence;
    if (fault !== undefined) {
      const failure = { sequence, ...fault };
      this.failuresTotal += 1;
      this.#failures = [...this.#failures, failure].slice(-queueFailuresKept);
      this.#options.onFailure(failure);
    }
    write.done(fault);
  }
}

/** The first fault among the statements of one write, if there is one. */
const faultBetween = (
  faults: ReadonlyMap<number, string>,
  from: number,
  to: number,
): QueueFault | undefined => {
  const own = [...faults].filter(([at]) => at >= from && at < to);
  const message = own[0]?.[1];
  if (message === undefined) return undefined;
  return { code: 'statement_failed', message, applied: own.length === to - from ? 'no' : 'yes' };
};

const stopped: QueueFault = {
  code: 'shutting_down',
  message: 'This node stopped before the write could be done',
  applied: 'no',
};
