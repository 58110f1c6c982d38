// Turns of interactive transactions at the writer: one run or commit at a time, in order, and over
// time no more than their share of its time, so that they cannot hold up what others write.
import { transactionBurstMs, transactionSharePercent, transactionTurnsMax } from '#limits.ts';

const share = transactionSharePercent / 100;

/** What waits for its turn. */
export interface Turn {
  /** It is its turn. Calls `over` once, with the milliseconds of the writer that it has used. */
  readonly run: (over: (usedMs: number) => void) => void;
}

/** All turns of a node. */
export class WriterTurns {
  readonly #now: () => number;
  readonly #waiting: Turn[] = [];
  #busy = false;
  #timer: NodeJS.Timeout | undefined;
  /** Milliseconds that may be used at once; it grows with time, to a bound. */
  #creditMs = transactionBurstMs;
  #creditedMs: number;

  /** `now` is a monotonic clock, milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
    this.#creditedMs = now();
  }

  /** Takes a place in the queue; false: there is none left. */
  take(turn: Turn): boolean {
    if (this.#waiting.length >= transactionTurnsMax) return false;
    this.#waiting.push(turn);
    this.#next();
    return true;
  }

  /** Nobody waits for the time that is owed. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #next(): void {
    if (this.#busy || this.#timer !== undefined || this.#waiting.length === 0) return;
    this.#credit();
    if (this.#creditMs <= 0) {
      const waitMs = Math.ceil(-this.#creditMs / share) + 1;
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#next();
      }, waitMs);
      this.#timer.unref();
      return;
    }
    const turn = this.#waiting.shift();
    if (turn === undefined) return;
    this.#busy = true;
    turn.run((usedMs) => {
      this.#busy = false;
      this.#creditMs -= usedMs;
      this.#next();
    });
  }

  #credit(): void {
    const now = this.#now();
    const earnedMs = (now - this.#creditedMs) * share;
    this.#creditMs = Math.min(transactionBurstMs, this.#creditMs + earnedMs);
    this.#creditedMs = now;
  }
}
