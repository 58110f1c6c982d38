// The way to the hasher thread: a bounded queue that serves addresses in turn, so that one source
// of wrong passwords delays another's login by one comparison at most. The thread starts with the
// first job.
import { Worker } from 'node:worker_threads';

/** What came of a comparison; `busy` when the queue is full, `failed` when the thread died. */
export type HashVerdict = 'match' | 'mismatch' | 'busy' | 'failed';

/**
 * Comparisons waiting in all: 64 of a third of a second are 20 s, beyond it nobody waits in
 * earnest.
 */
const jobsMax = 64;
/**
 * Comparisons waiting from one address; more than that is guessing, or a stampede to be retried.
 */
const jobsPerAddressMax = 8;

interface Job {
  readonly password: string;
  readonly hash: string;
  readonly done: (verdict: HashVerdict) => void;
}

/** Compares passwords with hashes in a thread of its own, one at a time. */
export class Hasher {
  #worker: Worker | undefined;
  /** Jobs by address; the map's order is the order of turns. */
  readonly #waiting = new Map<string, Job[]>();
  #waitingCount = 0;
  #running: Job | undefined;

  /** `done` is called once, never before this returns. */
  compare(
    address: string,
    password: string,
    hash: string,
    done: (verdict: HashVerdict) => void,
  ): void {
    const jobs = this.#waiting.get(address) ?? [];
    if (this.#waitingCount >= jobsMax || jobs.length >= jobsPerAddressMax) {
      setImmediate(done, 'busy');
      return;
    }
    jobs.push({ password, hash, done });
    this.#waiting.set(address, jobs);
    this.#waitingCount += 1;
    this.#next();
  }

  /** Ends the thread; jobs that wait are answered with `failed`. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#failAll();
    await worker?.terminate();
  }

  #next(): void {
    if (this.#running !== undefined) return;
    const first = this.#waiting.entries().next().value;
    if (first === undefined) return;
    const [address, jobs] = first;
    const job = jobs.shift();
    this.#waiting.delete(address);
    if (jobs.length > 0) this.#waiting.set(address, jobs);
    if (job === undefined) return;
    this.#waitingCount -= 1;
    this.#running = job;
    this.#thread().postMessage({ password: job.password, hash: job.hash });
  }

  #thread(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL('./hasher-thread.ts', import.meta.url), { env: {} });
    worker.unref();
    worker.on('message', (matches: boolean) => {
      if (worker !== this.#worker) return;
      const job = this.#running;
      this.#running = undefined;
      this.#next();
      job?.done(matches ? 'match' : 'mismatch');
    });
    worker.on('error', () => this.#lost(worker));
    worker.on('exit', () => this.#lost(worker));
    this.#worker = worker;
    return worker;
  }

  #lost(worker: Worker): void {
    if (worker !== this.#worker) return;
    this.#worker = undefined;
    this.#failAll();
  }

  #failAll(): void {
    const jobs = [...this.#waiting.values()].flat();
    if (this.#running !== undefined) jobs.unshift(this.#running);
    this.#running = undefined;
    this.#waiting.clear();
    this.#waitingCount = 0;
    for (const job of jobs) job.done('failed');
  }
}
