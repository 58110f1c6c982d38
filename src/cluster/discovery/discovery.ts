// Where other nodes may be. Discovery yields addresses and never identities: who is at an address
// its certificate says, and whether it belongs here the founding or the cluster's record.
import { addressesOf, type HostPort, hostPortFrom } from '#transport/peer-address.ts';

/** One place to dial. Any of its addresses will do: they are of one host. */
export interface Place {
  /** As an operator knows it. */
  readonly text: string;
  readonly addresses: readonly HostPort[];
}

/** A source of places. */
export interface Discovery {
  /** All places that are known now, this node's own perhaps among them. @throws Error with why */
  places(): Promise<readonly Place[]>;
  /**
   * Writes down who founds the cluster, if nobody has; gives what stands there then. Where there is
   * no common memory, what was given.
   */
  claim(founding: string): Promise<string>;
  /** This node is not to be found any more. */
  close(): Promise<void>;
}

/** Most places that are looked at. */
export const placesMax = 64;

/** Places by their addresses alone. */
export const placesAt = (addresses: readonly HostPort[]): readonly Place[] =>
  addresses.slice(0, placesMax).map(({ host, port }) => ({
    text: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
    addresses: [{ host, port }],
  }));

/** The places that configuration lists, as host:port. */
export const listedPlaces = (list: readonly string[]): Discovery => ({
  places: () => Promise.all(list.map(placeOf)),
  claim: (founding) => Promise.resolve(founding),
  close: () => Promise.resolve(),
});

/** A place by its host:port; without addresses when the host is not known. */
export const placeOf = async (text: string): Promise<Place> => {
  const place = hostPortFrom(text);
  const hosts = place === undefined ? [] : await addressesOf(place.host);
  return { text, addresses: hosts.map((host) => ({ host, port: place?.port ?? 0 })) };
};
