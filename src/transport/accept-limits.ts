// How many strangers may stand in the door: accepted connections that have not said who they are,
// in all and from one address, at once and per second. A handshake costs milliseconds of CPU, a
// refusal here microseconds. Known peers are not counted, so no flood takes the place of their
// links.
import { peerConnectionsPerAddressMax } from '#limits.ts';
import {
  acceptsPerAddressPerSecondMax,
  acceptsPerSecondMax,
  unidentifiedConnectionsMax,
} from './bounds.ts';

/** Counts by remote endpoint; an `arrive` that returned undefined is followed by a `leave`. */
export class AcceptLimits {
  readonly #waiting = new Set<string>();
  readonly #waitingPerAddress = new Map<string, number>();
  /** Of the second that began at `#secondMs`. */
  readonly #arrivedPerAddress = new Map<string, number>();
  #arrived = 0;
  #secondMs = Number.NEGATIVE_INFINITY;

  /** Lets one more stranger wait, or returns why not. */
  arrive(address: string, port: number, nowMs: number): string | undefined {
    const waiting = this.#waitingPerAddress.get(address) ?? 0;
    if (
      this.#waiting.size >= unidentifiedConnectionsMax ||
      waiting >= peerConnectionsPerAddressMax
    ) {
      return 'too many connections that have not said who they are';
    }
    if (!this.#withinRate(address, nowMs)) return 'too many connections in one second';
    this.#waiting.add(`${address} ${port}`);
    this.#waitingPerAddress.set(address, waiting + 1);
    return undefined;
  }

  /** It is known now, or gone; saying so twice is no harm. */
  leave(address: string, port: number): void {
    if (!this.#waiting.delete(`${address} ${port}`)) return;
    const waiting = this.#waitingPerAddress.get(address) ?? 0;
    if (waiting > 1) this.#waitingPerAddress.set(address, waiting - 1);
    else this.#waitingPerAddress.delete(address);
  }

  #withinRate(address: string, nowMs: number): boolean {
    if (nowMs - this.#secondMs >= 1000) {
      this.#secondMs = nowMs;
      this.#arrived = 0;
      this.#arrivedPerAddress.clear();
    }
    const here = this.#arrivedPerAddress.get(address) ?? 0;
    if (this.#arrived >= acceptsPerSecondMax || here >= acceptsPerAddressPerSecondMax) return false;
    this.#arrived += 1;
    this.#arrivedPerAddress.set(address, here + 1);
    return true;
  }
}
