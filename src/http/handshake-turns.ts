// New connections begin their TLS handshake a few at a time, addresses in turn, so that a flood of
// them costs everybody who is connected already a few milliseconds and not the whole loop: a
// handshake is a millisecond and a half of computing, whoever asks for it. Nobody is refused here
// but who has waited for longer than a handshake may take.
import type { Socket } from 'node:net';
import { sourceOf } from '#auth/attempt-limiter.ts';
import { handshakeTimeoutMs } from '#limits.ts';
import { handshakesPerTurn } from './front-limits.ts';

interface Waiting {
  readonly socket: Socket;
  readonly sinceMs: number;
  readonly begin: () => void;
}

/** See the head of this file. */
export class HandshakeTurns {
  readonly #nowMs: () => number;
  /** By source; the map's order is the order of turns. */
  readonly #waiting = new Map<string, Waiting[]>();
  #running = false;

  /** @param nowMs a monotonic clock */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** A connection has come; `begin` is called when its turn has. */
  arrived(socket: Socket, begin: () => void): void {
    const source = sourceOf(socket.remoteAddress ?? '');
    const before = this.#waiting.get(source);
    const waiting = { socket, begin, sinceMs: this.#nowMs() };
    if (before === undefined) this.#waiting.set(source, [waiting]);
    else before.push(waiting);
    // It may be reset while it waits; whoever serves it listens from then on.
    socket.on('error', ignore);
    if (this.#running) return;
    this.#running = true;
    setImmediate(() => this.#turn());
  }

  /** One turn of the loop; what is connected already is served before the next one. */
  #turn(): void {
    for (let begun = 0; begun < handshakesPerTurn; ) {
      const next = this.#next();
      if (next === undefined) break;
      const { socket, sinceMs, begin } = next;
      if (this.#nowMs() - sinceMs > handshakeTimeoutMs) socket.destroy();
      if (socket.destroyed) continue;
      socket.off('error', ignore);
      begin();
      begun += 1;
    }
    this.#running = this.#waiting.size > 0;
    if (this.#running) setImmediate(() => this.#turn());
  }

  #next(): Waiting | undefined {
    const first = this.#waiting.entries().next().value;
    if (first === undefined) return undefined;
    const [source, all] = first;
    this.#waiting.delete(source);
    const next = all.shift();
    if (all.length > 0) this.#waiting.set(source, all);
    return next;
  }
}

const ignore = (): void => undefined;
