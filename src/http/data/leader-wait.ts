// Requests that arrive while no node leads wait a moment for the next leader: an election takes
// about a second, and a client that is told `no leader` would only ask again. One timer looks for
// all.
import type { Backend } from '#http/backend.ts';
import { leaderAgainMs, leaderLookMs, leaderWaitersMax, leaderWaitMs } from '#http/front-limits.ts';

interface Waiter {
  readonly untilMs: number;
  /** It was refused by who led then: whoever leads is asked again no sooner. */
  readonly notBeforeMs: number;
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
    if (this.#known()) done(true);
    else this.#push(timeoutMs, 0, done);
  }

  /** The same for a request that was refused, because leadership changes hands. */
  waitAgain(timeoutMs: number, done: (found: boolean) => void): void {
    if (timeoutMs <= leaderAgainMs) done(false);
    else this.#push(timeoutMs, leaderAgainMs, done);
  }

  /** Tells all that wait that there is no leader. */
  close(): void {
    this.#finish(() => true, false);
  }

  #known(): boolean {
    const { role, leader } = this.#backend.view;
    return role === 'leader' || leader !== undefined;
  }

  #push(timeoutMs: number, pauseMs: number, done: (found: boolean) => void): void {
    if (this.#waiters.length >= leaderWaitersMax) {
      done(false);
      return;
    }
    const nowMs = this.#nowMs();
    const untilMs = nowMs + Math.min(timeoutMs, leaderWaitMs);
    this.#waiters.push({ untilMs, notBeforeMs: nowMs + pauseMs, done });
    this.#timer ??= setInterval(() => this.#look(), leaderLookMs);
  }

  #look(): void {
    const now = this.#nowMs();
    if (this.#known()) this.#finish((waiter) => waiter.notBeforeMs <= now, true);
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
