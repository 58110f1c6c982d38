// A front's readers: started on demand, killed when a read passes its deadline, replaced. Requests
// wait FIFO per user, served round robin between users; a user never holds the last reader of a
// pool.
//
// Several requests are under way to a reader at once: batches make a hop cheap. The price is that
// one may stand behind a slow one; so when the first of a reader takes long, those behind it are
// sent to another reader as well, and what this one says of them later is dropped (a read can run
// twice).
import type { ChangesFound, ChangesWanted } from '#db/changes/read-changes.ts';
import type { SplitDump } from '#db/load/split-dump.ts';
import type { JudgeReply, JudgeRequest } from '#db/reader.ts';
import type { BackendRefusal } from '#http/backend.ts';
import type { Method } from '#process/seam.ts';
import type { Logger } from './logger.ts';
import type { Asker, Job, PooledReader } from './reader-jobs.ts';
import { startReaderProcess } from './reader-process.ts';
import {
  judgeTexts,
  type ReaderRead,
  type ReaderRows,
  readChanges,
  runRead,
  splitText,
} from './seams/reader-seam.ts';

/** Requests waiting for a reader, all users together: beyond it they are refused. */
const waitingMax = 10_000;

/** Requests under way to one reader: enough for a batch, few enough to move. */
const flightsMax = 64;

/** A request that runs longer is slow: those behind it are moved. */
const slowMs = 25;

/**
 * How long texts may be judged: 50 µs each is usual, and a new schema is read first. What takes
 * longer to prepare (views upon views) would take as long on every node.
 */
const judgeRunMs = 2000;
const judgeRunMsPerText = 5;

/** How exact deadlines are. */
const turnMs = 10;

/** Settings of a pool. */
export interface ReaderPoolOptions {
  readonly folder: string;
  /** `compat.doubleQuotedStrings`; off unless given. */
  readonly doubleQuotedStrings?: boolean;
  readonly readersMax: number;
  /** A monotonic clock, milliseconds. */
  readonly now: () => number;
  readonly log: Logger;
}

const refusal = (code: BackendRefusal['code'], message: string): BackendRefusal => ({
  kind: 'refused',
  code,
  message,
  applied: 'no',
});

/** The readers of one front. */
export class ReaderPool {
  readonly #options: ReaderPoolOptions;
  readonly #readers = new Set<PooledReader>();
  readonly #queues = new Map<string, Job[]>();
  readonly #timer: NodeJS.Timeout;
  #waiting = 0;
  #closed = false;
  /** Process ids of the readers. */
  readonly pids = () => [...this.#readers].map((reader) => reader.process.pid);
  /** How many readers were killed because a deadline passed. */
  killed = 0;

  constructor(options: ReaderPoolOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#turn(), turnMs);
    this.#timer.unref();
  }

  /** Starts the first reader, so that the first request does not wait for it. */
  warm(): void {
    if (this.#readers.size === 0) this.#start();
  }

  /** Judges texts; `done` is called once. */
  judge(
    asker: Asker,
    request: JudgeRequest,
    deadlineMs: number,
    done: (reply: JudgeReply | BackendRefusal) => void,
  ): void {
    const bounds = { deadlineMs, runMs: judgeRunMs + request.texts.length * judgeRunMsPerText };
    this.#submit(asker, bounds, judgeTexts, request, () => true, done);
  }

  /** Takes SQL text apart; `done` is called once. */
  split(
    asker: Asker,
    text: string,
    deadlineMs: number,
    done: (reply: SplitDump | BackendRefusal) => void,
  ): void {
    const bounds = { deadlineMs, runMs: deadlineMs };
    this.#submit(asker, bounds, splitText, text, () => true, done);
  }

  /** Reads captured changes, null when there are none; `done` is called once. */
  changes(
    asker: Asker,
    wanted: ChangesWanted,
    deadlineMs: number,
    done: (reply: { readonly found: ChangesFound | null } | BackendRefusal) => void,
  ): void {
    const bounds = { deadlineMs, runMs: deadlineMs };
    this.#submit(
      asker,
      bounds,
      readChanges,
      wanted,
      () => true,
      (reply) => {
        done(reply !== null && 'kind' in reply ? reply : { found: reply });
      },
    );
  }

  /** Runs a read; `done` is called once. */
  read(
    asker: Asker,
    request: ReaderRead,
    deadlineMs: number,
    done: (reply: ReaderRows | BackendRefusal) => void,
  ): void {
    const bounds = { deadlineMs, runMs: deadlineMs };
    this.#submit(asker, bounds, runRead, request, (rows) => rows.intact, done);
  }

  /** The database was replaced: every reader is replaced, what was under way runs again. */
  renew(): void {
    for (const reader of [...this.#readers]) this.#replace(reader);
    this.warm();
  }

  /**
   * Ends the read that runs longest, if it does so for `ranMs` at least: its snapshot keeps the
   * write-ahead log from beginning anew. False when there is none.
   */
  endOldest(ranMs: number): boolean {
    const busy = [...this.#readers].filter(({ flights }) => flights.length > 0);
    const oldest = busy.sort((left, right) => left.headSince - right.headSince)[0];
    if (oldest === undefined || this.#options.now() - oldest.headSince < ranMs) return false;
    this.killed += 1;
    const why = 'the read was ended: it held up the write-ahead log, which had grown too large';
    oldest.flights[0]?.job.fail(refusal('timeout', why));
    this.#options.log.warn({ pid: oldest.process.pid }, 'a read held up the log; killed');
    this.#replace(oldest);
    return true;
  }

  /**
   * Ends what waits or runs here for a request; a reader that is at it is killed. False: there is
   * nothing.
   */
  cancel(requestId: string): boolean {
    let found = false;
    const end = (job: Job): boolean => {
      if (job.over || job.requestId !== requestId) return false;
      job.fail(refusal('killed', 'the request was ended while a reader was at it'));
      found = true;
      return true;
    };
    // What waits stays in its queue, over; those who hand out pass it by.
    for (const queue of this.#queues.values()) for (const job of queue) end(job);
    for (const reader of [...this.#readers]) {
      const ended = reader.flights.filter(({ job }) => end(job));
      // One behind another has not begun: when its turn comes and it takes long, see #turn.
      if (ended.length === 0 || ended[0] !== reader.flights[0]) continue;
      this.killed += 1;
      this.#options.log.warn({ pid: reader.process.pid, requestId }, 'a read was ended; killed');
      this.#replace(reader);
    }
    return found;
  }

  /** Kills all readers; waiting requests are refused. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const reader of this.#readers) reader.process.kill();
    this.#failWaiting(refusal('shutting_down', 'this node is stopping'));
  }

  #submit<Request, Reply>(
    { user, requestId }: Asker,
    bounds: Pick<Job, 'deadlineMs' | 'runMs'>,
    method: Method<Request, Reply>,
    request: Request,
    intact: (reply: Reply) => boolean,
    done: (reply: Reply | BackendRefusal) => void,
  ): void {
    if (this.#closed || this.#waiting >= waitingMax) {
      done(refusal('queue_full', 'too many reads wait for a reader; try again'));
      return;
    }
    const finish = (reply: Reply | BackendRefusal): void => {
      if (job.over) return;
      job.over = true;
      done(reply);
    };
    const job: Job = {
      user,
      requestId,
      ...bounds,
      since: this.#options.now(),
      over: false,
      fail: finish,
      send: (seam, answered) => {
        seam.call(method, request, (answer) => {
          if (answer.kind === 'gone') return;
          answered(intact(answer.reply));
          finish(answer.reply);
        });
      },
    };
    this.#enqueue(job);
    this.#dispatch();
  }

  #enqueue(job: Job): void {
    const queue = this.#queues.get(job.user);
    if (queue === undefined) this.#queues.set(job.user, [job]);
    else queue.push(job);
    this.#waiting += 1;
  }

  /** Hands out what waits, user by user in turn, until nobody's next job has a reader. */
  #dispatch(): void {
    let starved = false;
    for (let progress = true; progress; ) {
      progress = false;
      starved = false;
      for (const [user, queue] of [...this.#queues]) {
        const reader = this.#readerFor(user);
        if (reader === undefined) {
          starved = true;
          continue;
        }
        const job = queue.shift();
        // The user goes to the end of the round.
        this.#queues.delete(user);
        if (queue.length > 0) this.#queues.set(user, queue);
        if (job === undefined) continue;
        this.#waiting -= 1;
        progress = true;
        if (!job.over) this.#send(reader, job);
      }
    }
    const allReady = [...this.#readers].every((reader) => reader.ready);
    if (starved && allReady && this.#readers.size < this.#options.readersMax) this.#start();
  }

  /** The least loaded reader that may take a job of this user and is not held up by a slow one. */
  #readerFor(user: string): PooledReader | undefined {
    const now = this.#options.now();
    const held = [...this.#readers].filter(({ flights }) =>
      flights.some(({ job, moved }) => job.user === user && !moved && !job.over),
    );
    const atShare = held.length >= Math.max(1, this.#options.readersMax - 1);
    let best: PooledReader | undefined;
    for (const reader of this.#readers) {
      const { flights } = reader;
      if (!reader.ready || flights.length >= flightsMax) continue;
      if (flights.length > 0 && now - reader.headSince > slowMs) continue;
      if (atShare && !held.includes(reader)) continue;
      if (best === undefined || flights.length < best.flights.length) best = reader;
    }
    return best;
  }

  #send(reader: PooledReader, job: Job): void {
    if (reader.flights.length === 0) reader.headSince = this.#options.now();
    reader.flights.push({ job, moved: false });
    job.send(reader.process.seam, (intact) => {
      reader.flights.shift();
      reader.headSince = this.#options.now();
      if (!intact) {
        this.#options.log.warn('a request left its reader in another state; it is replaced');
        this.#replace(reader);
      }
      if (this.#waiting > 0) this.#dispatch();
    });
  }

  /** Looks for what is late, what is slow and what waits in vain. */
  #turn(): void {
    const now = this.#options.now();
    for (const reader of this.#readers) {
      const head = reader.flights[0]?.job;
      if (head === undefined || now - reader.headSince <= slowMs) continue;
      this.#moveThoseBehind(reader);
      const ranMs = now - Math.max(reader.headSince, head.since);
      // One that was ended before its turn is nobody's: it holds up the others for nothing.
      if (!head.over && now - head.since <= head.deadlineMs && ranMs <= head.runMs) continue;
      this.killed += 1;
      head.fail(refusal('timeout', 'the statement ran longer than it may and was killed'));
      this.#options.log.warn({ pid: reader.process.pid }, 'a read passed its deadline; killed');
      this.#replace(reader);
    }
    if (this.#waiting === 0) return;
    this.#failOverdue(now);
    this.#dispatch();
  }

  #moveThoseBehind(reader: PooledReader): void {
    for (const flight of reader.flights.slice(1)) {
      if (flight.job.over || flight.moved) continue;
      flight.moved = true;
      this.#enqueue(flight.job);
    }
  }

  #failOverdue(now: number): void {
    for (const [user, queue] of this.#queues) {
      const left = queue.filter((job) => {
        if (now - job.since <= job.deadlineMs) return !job.over;
        job.fail(refusal('timeout', 'the time was over before a reader was free'));
        return false;
      });
      this.#waiting -= queue.length - left.length;
      if (left.length === 0) this.#queues.delete(user);
      else this.#queues.set(user, left);
    }
  }

  /** Ends a reader; what it had not answered goes to another one. */
  #replace(reader: PooledReader): void {
    this.#readers.delete(reader);
    reader.process.kill();
    this.#enqueueAgain(reader);
    this.#dispatch();
  }

  /** What a reader that is gone had not answered, unless it waits for another one already. */
  #enqueueAgain(reader: PooledReader): void {
    for (const { job, moved } of reader.flights.splice(0)) {
      if (!job.over && !moved) this.#enqueue(job);
    }
  }

  #start(): void {
    if (this.#closed) return;
    const { folder, log, doubleQuotedStrings = false } = this.#options;
    const process = startReaderProcess(
      { folder, doubleQuotedStrings },
      {
        onReady: () => {
          reader.ready = true;
          this.#dispatch();
        },
        onFailed: (reason) => {
          log.error({ reason }, 'a reader cannot open the database');
          this.#readers.delete(reader);
          this.#failWaiting(refusal('storage_failed', `the database cannot be opened: ${reason}`));
        },
        onEnded: () => {
          if (this.#closed || !this.#readers.has(reader)) return;
          log.warn({ pid: process.pid }, 'a reader ended by itself');
          this.#readers.delete(reader);
          // Whatever ended it may end the next one too: its first request is not tried again.
          const ended = refusal('storage_failed', 'the reader of this request ended');
          reader.flights.shift()?.job.fail(ended);
          this.#enqueueAgain(reader);
          this.#dispatch();
        },
      },
    );
    const reader: PooledReader = { process, flights: [], headSince: 0, ready: false };
    this.#readers.add(reader);
  }

  #failWaiting(why: BackendRefusal): void {
    const jobs = [...this.#queues.values()].flat();
    this.#queues.clear();
    this.#waiting = 0;
    for (const job of jobs) job.fail(why);
  }
}
