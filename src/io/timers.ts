// Waiting, as an argument, so that tests and the simulator decide when time has passed.

/** Steps that run later, never before the current one is over. */
export interface Timers {
  /** Runs `step` once after the delay; the function that comes back cancels it. */
  after(delayMs: number, step: () => void): () => void;
  /** Runs `step` when everything that has arrived by then is handled. */
  whenIdle(step: () => void): void;
}

/** The timers of this thread. */
export const systemTimers: Timers = {
  after: (delayMs, step) => {
    const timer = setTimeout(step, delayMs);
    return () => clearTimeout(timer);
  },
  whenIdle: (step) => {
    setImmediate(step);
  },
};
