// What a pool of readers keeps of its work: requests, and which reader is at which.
import type { BackendRefusal } from '#http/backend.ts';
import type { Seam } from '#process/seam.ts';
import type { ReaderProcess } from './reader-process.ts';

/** Whose work it is: a user's, for one of its requests. */
export interface Asker {
  readonly user: string;
  readonly requestId: string;
}

/** One request. */
export interface Job extends Asker {
  readonly deadlineMs: number;
  /** How long it may run once it is a reader's turn to do it. */
  readonly runMs: number;
  readonly since: number;
  readonly send: (seam: Seam, answered: (intact: boolean) => void) => void;
  readonly fail: (refusal: BackendRefusal) => void;
  /** Set when it was answered or refused; later answers are dropped. */
  over: boolean;
}

/** A job under way to one reader. */
export interface Flight {
  readonly job: Job;
  /** It waits for another reader as well, because this one is held up. */
  moved: boolean;
}

/** A reader and what it is at. */
export interface PooledReader {
  readonly process: ReaderProcess;
  /** Under way, oldest first; the reader answers in this order. */
  readonly flights: Flight[];
  /** When the first of `flights` became the first. */
  headSince: number;
  ready: boolean;
}
