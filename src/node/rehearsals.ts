// Writes that may take long are tried out before they reach the log: the leader's writer runs them
// between batches and undoes them. One that passes its deadline is answered by killing the writer
// (it starts again within a tenth of a second or so); nothing was proposed. A committed entry would
// stop every node instead, and again after every restart.
import { decodeCommand, requestIdOf } from '#command/command-codec.ts';
import { encodeProposal } from '#command/proposal-codec.ts';
import type { BackendRefusal } from '#http/backend.ts';
import type { Logger } from './logger.ts';
import type { Penalties } from './penalties.ts';
import { refused } from './proposals.ts';
import type { FrontProposal } from './seams/front-seam.ts';

/** From the moment the writer begins; what it says before is flushed by then. */
const deadlineMs = 500;

/** Writes waiting to be tried out: each may take half a second. */
const waitingMax = 64;

/** The writer rests three times as long as it rehearsed: at most a quarter of its time. */
const restFactor = 3;

/** A writer, as far as rehearsals need it. */
export interface RehearsingWriter {
  /** `started` when the writer begins, `done` once: false when it died before the end. */
  rehearse(data: Uint8Array, started: () => void, done: (ended: boolean) => void): void;
  /** SIGKILL; whoever keeps writers starts another one. */
  abandon(): void;
}

/** What rehearsals need of the node. */
export interface RehearsalsContext {
  readonly writer: () => RehearsingWriter | undefined;
  /** This node leads and takes proposals; otherwise there is nothing to try out. */
  readonly open: () => boolean;
  /** Called after a verdict: what was proposed is to be sent. */
  readonly afterwards: () => void;
  readonly seed: () => Uint8Array;
  /** Milliseconds since 1970, and monotonic milliseconds. */
  readonly wallMs: () => number;
  readonly now: () => number;
  readonly penalties: Penalties;
  readonly log: Logger;
}

interface Waiting {
  readonly user: string;
  readonly command: Uint8Array;
  /** Called once. */
  readonly done: (refusal: BackendRefusal | undefined) => void;
}

const tooExpensive = (message: string): BackendRefusal =>
  refused('statement_too_expensive', message);

/** Tries writes out, one at a time. */
export class Rehearsals {
  readonly #context: RehearsalsContext;
  readonly #waiting: Waiting[] = [];
  #running = false;
  /** The one that is tried out; undefined while the writer rests. */
  #current: Waiting | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** How many writes passed, and how many were killed. */
  passed = 0;
  killed = 0;

  constructor(context: RehearsalsContext) {
    this.#context = context;
  }

  /** Proposes at once what needs no trial; else after it, or answers with the refusal. */
  admit(
    { command, rehearse }: FrontProposal,
    reply: (refusal: BackendRefusal) => void,
    propose: () => void,
  ): void {
    // Who does not lead refuses the proposal itself.
    if (!rehearse || !this.#context.open()) {
      propose();
      return;
    }
    this.#enqueue(command, (refusal) => {
      if (refusal === undefined) propose();
      else reply(refusal);
      this.#context.afterwards();
    });
  }

  #enqueue(command: Uint8Array, done: (refusal: BackendRefusal | undefined) => void): void {
    const { user } = decodeCommand(command);
    const penalty = this.#penaltyOf(user);
    if (penalty !== undefined) {
      done(penalty);
      return;
    }
    if (this.#waiting.length >= waitingMax) {
      done(refused('queue_full', 'too many long writes wait to be tried out; try again'));
      return;
    }
    let open = true;
    const once: Waiting['done'] = (refusal) => {
      if (open) done(refusal);
      open = false;
    };
    this.#waiting.push({ user, command, done: once });
    this.#next();
  }

  #penaltyOf(user: string): BackendRefusal | undefined {
    const seconds = this.#context.penalties.secondsLeft(user);
    if (seconds === 0) return undefined;
    return tooExpensive(`a write of this user ran too long; the next may be tried in ${seconds} s`);
  }

  /** The requests of all that is tried out, or waits for it. */
  requestIds(): ReadonlySet<string> {
    const all = this.#current === undefined ? this.#waiting : [this.#current, ...this.#waiting];
    return new Set(all.map(({ command }) => requestIdOf(command)));
  }

  /**
   * Refuses what of a request is tried out or waits for it; false: there is nothing. What the
   * writer is at ends by its own deadline, and is not proposed.
   */
  kill(id: string, why: BackendRefusal): boolean {
    const all = this.#current === undefined ? this.#waiting : [this.#current, ...this.#waiting];
    const ended = all.filter(({ command }) => id !== '' && requestIdOf(command) === id);
    for (const waiting of ended) {
      const at = this.#waiting.indexOf(waiting);
      if (at >= 0) this.#waiting.splice(at, 1);
      waiting.done(why);
    }
    return ended.length > 0;
  }

  /** Refuses what waits: the node stops, or does not lead any more. */
  close(why: BackendRefusal): void {
    for (const { done } of this.#waiting.splice(0)) done(why);
  }

  #next(): void {
    if (this.#running) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    // What was sent along with one that was killed meanwhile must not kill the next writer.
    const penalty = this.#penaltyOf(next.user);
    if (penalty !== undefined) {
      next.done(penalty);
      this.#next();
      return;
    }
    const writer = this.#context.writer();
    if (writer === undefined) {
      next.done(refused('not_ready', 'the writer is starting; try again'));
      return;
    }
    this.#running = true;
    this.#current = next;
    this.#try(writer, next);
  }

  #try(writer: RehearsingWriter, { user, command, done }: Waiting): void {
    const { seed, wallMs, now } = this.#context;
    const data = encodeProposal({ timeMs: wallMs(), seed: seed(), command });
    let startedMs = now();
    let overdue = false;
    let deadline: NodeJS.Timeout | undefined;
    writer.rehearse(
      data,
      () => {
        startedMs = now();
        deadline = setTimeout(() => {
          overdue = true;
          this.#punish(user);
          writer.abandon();
        }, deadlineMs);
      },
      (ended) => {
        clearTimeout(deadline);
        if (overdue) this.killed += 1;
        else this.passed += 1;
        this.#current = undefined;
        done(verdictOf(ended, overdue));
        this.#rest(now() - startedMs);
      },
    );
  }

  #punish(user: string): void {
    const { penalties, log } = this.#context;
    const lengthMs = penalties.punish(user);
    log.warn({ user, lengthMs }, 'a write ran too long in its rehearsal; the writer is replaced');
  }

  #rest(ranMs: number): void {
    this.#timer = setTimeout(() => {
      this.#running = false;
      this.#next();
    }, ranMs * restFactor);
    this.#timer.unref();
  }
}

const verdictOf = (ended: boolean, overdue: boolean): BackendRefusal | undefined => {
  if (overdue) {
    return tooExpensive(
      `the write ran longer than ${deadlineMs} ms when it was tried out; nothing was applied. ` +
        'Split it, or ask for the permission heavy',
    );
  }
  return ended ? undefined : refused('not_ready', 'the writer was restarted; try again');
};
