// The node's side of the audit log: hands events to the thread that writes them and answers when
// they are durable. Never waits; what fails is said loudly and once.
import type { Worker } from 'node:worker_threads';
import type { AuditEvent } from '#audit/audit-event.ts';
import { type ChainHead, emptyHead } from '#audit/chain.ts';
import { startThread } from '#io/start-thread.ts';
import type { Logger } from './logger.ts';

/** What the thread is started with. */
export interface AuditThreadStart {
  readonly path: string;
  readonly node: string;
  readonly fileBytes: number;
  readonly filesMax: number;
}

/** Events on their way to the thread. */
export interface AuditBatch {
  readonly batch: number;
  readonly events: readonly AuditEvent[];
}

/** What came of all batches up to one; an empty `fault`: they are durable. */
export interface AuditWritten {
  readonly upTo: number;
  readonly fault: string;
  readonly head: ChainHead;
  /** Events that could not be kept, since the start. */
  readonly lost: number;
}

/** How the audit log stands. */
export interface AuditState {
  /** Why it cannot be written; empty: it can. */
  readonly fault: string;
  /** Number of its last durable line, over all its files. */
  readonly lines: number;
  /** Hash of that line. */
  readonly hash: string;
  /** Events that are not durable yet. */
  readonly waiting: number;
  /** Events that could not be kept, since the start. */
  readonly lost: number;
}

/** A line of the node's own log names the newest line of the audit this often. */
const headEveryMs = 3_600_000;
/** Batches that are not answered yet; more of them and the thread is stuck. */
const batchesMax = 20_000;

interface Waiting {
  readonly batch: number;
  readonly done: (durable: boolean) => void;
}

/** The audit log of a node. */
export class AuditLog {
  readonly #worker: Worker;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  #waiting: Waiting[] = [];
  #batches = 0;
  #dead = false;
  #fault = '';
  #head: ChainHead | undefined;
  #lost = 0;

  constructor(start: AuditThreadStart, log: Logger) {
    this.#log = log;
    const program = new URL('./audit-thread.ts', import.meta.url);
    this.#worker = startThread(program, { name: 'audit', workerData: start });
    this.#worker.unref();
    this.#worker.on('message', (written: AuditWritten) => this.#written(written));
    this.#worker.on('error', (error) => this.#failed(error.message));
    this.#worker.on('exit', () => this.#ended());
    this.#timer = setInterval(() => this.#logHead(), headEveryMs);
    this.#timer.unref();
  }

  /** How it stands now. */
  get state(): AuditState {
    const { sequence: lines, hash } = this.#head ?? emptyHead;
    const waiting = this.#waiting.length;
    return { fault: this.#fault, lines, hash, waiting, lost: this.#lost };
  }

  /** Keeps events; `done` is told once whether they are durable. */
  record(events: readonly AuditEvent[], done: (durable: boolean) => void = () => {}): void {
    if (this.#dead || this.#waiting.length >= batchesMax) {
      this.#failed('its thread does not answer');
      done(false);
      return;
    }
    this.#batches += 1;
    const batch: AuditBatch = { batch: this.#batches, events };
    this.#waiting.push({ batch: batch.batch, done });
    this.#worker.postMessage(batch);
  }

  /** The last events are written before this resolves, or cannot be. */
  async close(last: AuditEvent): Promise<void> {
    clearInterval(this.#timer);
    await new Promise<boolean>((resolve) => this.record([last], resolve));
    this.#logHead();
    this.#worker.removeAllListeners('exit');
    await this.#worker.terminate();
  }

  #written({ upTo, fault, head, lost }: AuditWritten): void {
    this.#head = head;
    this.#lost = lost;
    if (fault !== '') this.#failed(fault);
    else if (this.#fault !== '') {
      this.#fault = '';
      this.#log.warn(head, 'the audit log is written again');
    }
    const answered = this.#waiting.filter(({ batch }) => batch <= upTo);
    this.#waiting = this.#waiting.filter(({ batch }) => batch > upTo);
    for (const { done } of answered) done(fault === '');
  }

  #ended(): void {
    this.#dead = true;
    this.#failed('its thread has ended');
    const unanswered = this.#waiting.splice(0);
    for (const { done } of unanswered) done(false);
  }

  #failed(fault: string): void {
    if (fault !== this.#fault) this.#log.error({ fault }, 'THE AUDIT LOG CANNOT BE WRITTEN');
    this.#fault = fault;
  }

  #logHead(): void {
    if (this.#head !== undefined) this.#log.info(this.#head, 'the newest line of the audit log');
  }
}
