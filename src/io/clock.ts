// Time, as an argument. Nothing else in the sources reads a clock, so that tests and the simulator
// can hand in a time of their own.

/** Two clocks: one to measure with, one to tell people. */
export interface Clock {
  /** Milliseconds with fractions since some moment in the past; never goes back. */
  monotonicMs(): number;
  /** Milliseconds since 1970 UTC, whole; may jump when somebody sets the clock. */
  wallMs(): number;
}

/** The clocks of this machine. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
};
