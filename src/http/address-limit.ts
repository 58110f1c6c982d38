// How many connections one address (of IPv6 one /64) may hold on which nobody has proved to be
// somebody: a flood from one machine takes no place from others. Whoever has proved a name is bound
// by other limits only, so that many users behind one proxy are not taken for one.
import type { Socket } from 'node:net';
import { sourceOf } from '#auth/attempt-limiter.ts';

const placeOf = ({ remoteAddress, remotePort }: Socket): string =>
  `${remoteAddress ?? ''} ${remotePort ?? 0}`;

/** Counts by address. */
export class AddressLimit {
  readonly #max: number;
  readonly #counts = new Map<string, number>();
  /** Connections that count, by address and port: TCP and TLS have a socket each for one. */
  readonly #counted = new Set<string>();

  /** @param max connections of one address without a proof */
  constructor(max: number) {
    this.#max = max;
  }

  /** A connection has come; false: it is one too many and is to be closed. */
  arrived(socket: Socket): boolean {
    const address = sourceOf(socket.remoteAddress ?? '');
    const count = this.#counts.get(address) ?? 0;
    if (count >= this.#max) return false;
    const place = placeOf(socket);
    this.#counts.set(address, count + 1);
    this.#counted.add(place);
    socket.once('close', () => this.#release(place, address));
    return true;
  }

  /** Somebody proved to be somebody on this connection. */
  proved(socket: Socket): void {
    this.#release(placeOf(socket), sourceOf(socket.remoteAddress ?? ''));
  }

  #release(place: string, address: string): void {
    if (!this.#counted.delete(place)) return;
    const left = (this.#counts.get(address) ?? 1) - 1;
    if (left <= 0) this.#counts.delete(address);
    else this.#counts.set(address, left);
  }
}
