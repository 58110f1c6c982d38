// One timer for all deadlines of a process: a wheel that turns every few milliseconds. A timer per
// request would cost more than the request's own work.

/** How exact a deadline is. */
const turnMs = 10;

/** A deadline that can be called off. */
export interface Deadline {
  cancel(): void;
}

interface Slot {
  readonly at: number;
  readonly passed: () => void;
}

/** All deadlines of a process. */
export class Deadlines {
  readonly #now: () => number;
  readonly #slots = new Set<Slot>();
  #timer: NodeJS.Timeout | undefined;

  /** `now`: a monotonic clock, milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Calls `passed` once, after `ms` or a little later, unless it is cancelled before. */
  after(ms: number, passed: () => void): Deadline {
    const slot = { at: this.#now() + ms, passed };
    this.#slots.add(slot);
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => this.#turn(), turnMs);
      this.#timer.unref();
    }
    return { cancel: () => this.#slots.delete(slot) };
  }

  /** Forgets all deadlines. */
  close(): void {
    this.#slots.clear();
    clearInterval(this.#timer);
  }

  #turn(): void {
    const now = this.#now();
    for (const slot of this.#slots) {
      if (slot.at > now) continue;
      this.#slots.delete(slot);
      slot.passed();
    }
    if (this.#slots.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }
}
