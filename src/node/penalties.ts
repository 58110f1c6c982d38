// Whoever had a statement killed in the writer waits before the next one is tried: each time twice
// as long.

const penaltyMsFirst = 10_000;
const penaltyMsMax = 600_000;
/** Users whose penalty is remembered. */
const penaltiesMax = 10_000;

interface Penalty {
  readonly untilMs: number;
  readonly lengthMs: number;
}

/** The penalties of all users. */
export class Penalties {
  readonly #now: () => number;
  readonly #all = new Map<string, Penalty>();

  /** `now` is a monotonic clock, milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** How long a user has to wait still, seconds; 0: not at all. */
  secondsLeft(user: string): number {
    const penalty = this.#all.get(user);
    return penalty === undefined ? 0 : Math.ceil(Math.max(0, penalty.untilMs - this.#now()) / 1000);
  }

  /** A statement of this user was killed; for how long it waits, milliseconds. */
  punish(user: string): number {
    const before = this.#all.get(user)?.lengthMs ?? penaltyMsFirst / 2;
    const lengthMs = Math.min(penaltyMsMax, before * 2);
    if (this.#all.size >= penaltiesMax) this.#all.clear();
    this.#all.set(user, { untilMs: this.#now() + lengthMs, lengthMs });
    return lengthMs;
  }
}
