// Requests that arrive while no node leads wait a moment for the next leader: an election takes
// about a second, and a client that is told `no leader` would only ask again. One timer looks for
// all.
import type { Backend } from '#http/backend.ts';
import { leaderLookMs, leaderWaitersMax, leaderWaitMs } from '#http/front-limits.ts';

interface Waiter {
  readonly untilMs: number;
  readonly done: (found: boolean) => void;
}

/** Waits for a leader to be known. */
export class LeaderWait {
  readonly #backend: Backend;
  readonly #nowMs: () => number;
  #waiters: Waiter[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(backend: Backend, nowMs: () => number) {
    this.#backend = backend;
    this.#nowMs = nowMs;
  }

  /** `done` is called once, at once when a leader is known; false when none came in time. */
  wait(timeoutMs: number, done: (found: boolean) => void): void {
    if (this.#known()) {
      done(true);
      return;
    }
    if (this.#waiters.length >= leaderWaitersMax) {
      done(false);
      return;
    }
    this.#waiters.push({ untilMs: this.#nowMs() + Math.min(timeoutMs, leaderWaitMs), done });
    this.#timer ??= setInterval(() => this.#look(), leaderLookMs);
  }

  /** Tells all that wait that there is no leader. */
  close(): void {
    this.#finish(() => true, false);
  }

  #known(): boolean {
    const { role, leader } = this.#backend.view;
    return role === 'leader' || leader !== undefined;
  }

  #look(): void {
    if (this.#known()) {
      this.#finish(() => true, true);
      return;
    }
    const now = this.#nowMs();
    this.#finish((waiter) => waiter.untilMs <= now, false);
  }

  #finish(which: (waiter: Waiter) => boolean, found: boolean): void {
    const over = this.#waiters.filter(which);
    this.#waiters = this.#waiters.filter((waiter) => !over.includes(waiter));
    if (this.#waiters.length === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    for (const waiter of over) waiter.done(found);
  }
}
