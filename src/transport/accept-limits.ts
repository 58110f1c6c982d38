// How many strangers may stand in the door: accepted connections that have not said who they are,
// in all and from one address. Known peers are not counted here, so no flood takes their place.
import { peerConnectionsPerAddressMax } from '#limits.ts';
import { unidentifiedConnectionsMax } from './bounds.ts';

/**
 * Counts by remote endpoint; every `arrive` that returned true is followed by one or more `leave`.
 */
export class AcceptLimits {
  readonly #endpoints = new Set<string>();
  readonly #perAddress = new Map<string, number>();

  /** Whether one more stranger from this address may wait. */
  arrive(address: string, port: number): boolean {
    const here = this.#perAddress.get(address) ?? 0;
    if (this.#endpoints.size >= unidentifiedConnectionsMax) return false;
    if (here >= peerConnectionsPerAddressMax) return false;
    this.#endpoints.add(`${address} ${port}`);
    this.#perAddress.set(address, here + 1);
    return true;
  }

  /** It is known now, or gone; saying so twice is no harm. */
  leave(address: string, port: number): void {
    if (!this.#endpoints.delete(`${address} ${port}`)) return;
    const here = this.#perAddress.get(address) ?? 0;
    if (here > 1) this.#perAddress.set(address, here - 1);
    else this.#perAddress.delete(address);
  }
}
