// How many requests of one connection are taken up in one turn of the loop. Node parses whatever
// has arrived and hands all of it over at once: thousands of requests in a few records of TLS would
// be the whole turn's work, for whoever sent them.
import type { Socket } from 'node:net';
import { pipelinedPerTurnMax } from './front-limits.ts';

/** See the head of this file. */
export class PipelinedLimit {
  /** Of this turn only. */
  readonly #counts = new Map<Socket, number>();

  /** One more request; false: it is one too many, and the connection is to be cut. */
  takes(socket: Socket): boolean {
    if (this.#counts.size === 0) setImmediate(this.#clear);
    const count = (this.#counts.get(socket) ?? 0) + 1;
    this.#counts.set(socket, count);
    return count <= pipelinedPerTurnMax;
  }

  readonly #clear = (): void => this.#counts.clear();
}
