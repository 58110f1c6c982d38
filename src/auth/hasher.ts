// The way to the hasher thread: a bounded queue that serves addresses in turn, those without
// failed logins first, so that guessing delays the login of somebody else by one comparison at
// most, from however many addresses it comes. The thread starts with the first job.
import type { Worker } from 'node:worker_threads';
import { startThread } from '#io/start-thread.ts';

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

/**
 * Every so manyth turn is for an address with failures while such ones wait: who mistyped a
 * password is not kept out by a stream of others.
 */
const turnsPerSuspect = 4;

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
  #turns = 0;
  readonly #hasFailed: (address: string) => boolean;

  /** @param hasFailed whether logins from there failed a short while ago */
  constructor(hasFailed: (address: string) => boolean) {
    this.#hasFailed = hasFailed;
  }

  /** `done` is called once, never before this returns. */
  compare(
    address: string,
    password: string,
    hash: string,
    done: (verdict: HashVerdict) => void,
  ): void {
    const jobs = this.#waiting.get(address) ?? [];
    const full = this.#waitingCount >= jobsMax;
    if (jobs.length >= jobsPerAddressMax || (full && !this.#makeRoomFor(address))) {
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
    const address = this.#nextAddress();
    if (address === undefined) return;
    const jobs = this.#waiting.get(address) ?? [];
    const job = jobs.shift();
    this.#waiting.delete(address);
    if (jobs.length > 0) this.#waiting.set(address, jobs);
    if (job === undefined) return;
    this.#waitingCount -= 1;
    this.#running = job;
    this.#thread().postMessage({ password: job.password, hash: job.hash });
  }

  /** Whose turn it is, in the order of the map. */
  #nextAddress(): string | undefined {
    const addresses = [...this.#waiting.keys()];
    this.#turns += 1;
    const turnOfSuspect = this.#turns % turnsPerSuspect === 0;
    const preferred = addresses.find((address) => this.#hasFailed(address) === turnOfSuspect);
    return preferred ?? addresses[0];
  }

  /** Takes the last job of an address with failures out of a full queue for one without. */
  #makeRoomFor(address: string): boolean {
    if (this.#hasFailed(address)) return false;
    const suspect = [...this.#waiting.keys()].findLast((other) => this.#hasFailed(other));
    if (suspect === undefined) return false;
    const jobs = this.#waiting.get(suspect) ?? [];
    const job = jobs.pop();
    if (jobs.length === 0) this.#waiting.delete(suspect);
    this.#waitingCount -= 1;
    if (job !== undefined) setImmediate(job.done, 'busy');
    return true;
  }

  #thread(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = startThread(new URL('./hasher-thread.ts', import.meta.url), { name: 'hasher' });
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
