// What the front answers by itself is written once per turn of the event loop, all together: the
// clients then send their next requests together, which halves the cost of each.

/** Runs what was queued in one turn of the event loop at its end, in order. */
export class TurnQueue {
  #jobs: (() => void)[] = [];

  /** Queues a job for the end of this turn. */
  push(job: () => void): void {
    this.#jobs.push(job);
    if (this.#jobs.length === 1) setImmediate(this.#run);
  }

  readonly #run = (): void => {
    const jobs = this.#jobs;
    this.#jobs = [];
    for (const job of jobs) job();
  };
}
