// Bodies that take too long to arrive end with their connection. Node has one such limit for a
// whole server, and a database file that is loaded may take longer than anything else.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** When a body is too slow. */
export interface BodyPace {
  /** How long it has in any case. */
  readonly graceMs: number;
  /** What it must have brought since then; 0: nothing helps. */
  readonly bytesPerSecondMin: number;
}

interface Watched {
  readonly pace: BodyPace;
  readonly sinceMs: number;
  /** What the connection had brought by then. */
  readonly before: number;
}

const isLate = (message: IncomingMessage, watched: Watched, now: number): boolean => {
  const { pace, sinceMs, before } = watched;
  const overMs = now - sinceMs - pace.graceMs;
  if (overMs <= 0 || pace.bytesPerSecondMin === 0) return overMs > 0;
  const brought = message.socket.bytesRead - before;
  return overMs > (brought * 1000) / pace.bytesPerSecondMin;
};

/** Looks after the bodies that are being read. */
export class SlowBodies {
  readonly #nowMs: () => number;
  readonly #lookMs: number;
  readonly #refuse: (socket: Socket) => void;
  readonly #watched = new Map<IncomingMessage, Watched>();
  #timer: NodeJS.Timeout | undefined;

  /** @param refuse tells the client that it was too slow, and closes its connection */
  constructor(nowMs: () => number, lookMs: number, refuse: (socket: Socket) => void) {
    this.#nowMs = nowMs;
    this.#lookMs = lookMs;
    this.#refuse = refuse;
  }

  /** From now on; the message is not of interest any more when it is complete, or closed. */
  watch(message: IncomingMessage, pace: BodyPace): void {
    this.#watched.set(message, {
      pace,
      sinceMs: this.#nowMs(),
      before: message.socket.bytesRead,
    });
    this.#timer ??= setInterval(() => this.#look(), this.#lookMs).unref();
  }

  /** Its body is there, or nobody reads it any more. */
  done(message: IncomingMessage): void {
    this.#watched.delete(message);
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const now = this.#nowMs();
    for (const [message, watched] of this.#watched) {
      if (message.complete || message.destroyed) this.done(message);
      else if (isLate(message, watched, now)) {
        this.done(message);
        this.#refuse(message.socket);
      }
    }
  }
}
