// Places from DNS: the addresses of one name (A, AAAA), or the targets of one service (SRV). Asked
// anew each time, with c-ares and so without the hosts file.
import { promises as dns } from 'node:dns';
import { isIP } from 'node:net';
import { resolveTimeoutMs } from '#transport/bounds.ts';
import { type Discovery, type Place, placesAt, placesMax } from './discovery.ts';

/** Which name, asked how. */
export interface DnsSettings {
  readonly name: string;
  /** Of the peers behind A and AAAA records; SRV records have their own. */
  readonly port: number;
  /** Name servers as ip or ip:port; empty: those of the machine. */
  readonly servers: readonly string[];
  /** Addresses that nodes do not listen on would never answer; 0: both. */
  readonly family: 0 | 4 | 6;
}

const triesPerQuestion = 2;

/** There is no such record: that is an answer. Everything else is a failure. */
const isNone = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  (error.code === 'ENODATA' || error.code === 'ENOTFOUND');

const orNone = async <Record>(asked: Promise<Record[]>): Promise<readonly Record[]> => {
  try {
    return await asked;
  } catch (error) {
    if (isNone(error)) return [];
    throw error;
  }
};

const resolverFor = ({ servers }: DnsSettings): dns.Resolver => {
  const resolver = new dns.Resolver({ timeout: resolveTimeoutMs, tries: triesPerQuestion });
  if (servers.length > 0) resolver.setServers([...servers]);
  return resolver;
};

const hostsOf = async (
  resolver: dns.Resolver,
  name: string,
  family: DnsSettings['family'],
): Promise<readonly string[]> => {
  if (isIP(name) !== 0) return [name];
  const [v4, v6] = await Promise.all([
    family === 6 ? [] : orNone(resolver.resolve4(name)),
    family === 4 ? [] : orNone(resolver.resolve6(name)),
  ]);
  return [...v4, ...v6].sort();
};

const noMemory = {
  claim: (founding: string) => Promise.resolve(founding),
  close: () => Promise.resolve(),
};

/** Each address of the name is a place. */
export const dnsDiscovery = (settings: DnsSettings): Discovery => ({
  places: async () => {
    const hosts = await hostsOf(resolverFor(settings), settings.name, settings.family);
    return placesAt(hosts.map((host) => ({ host, port: settings.port })));
  },
  ...noMemory,
});

/** Each target of the service is a place. */
export const dnsSrvDiscovery = (settings: DnsSettings): Discovery => ({
  places: async () => {
    const resolver = resolverFor(settings);
    const records = await orNone(resolver.resolveSrv(settings.name));
    return Promise.all(
      records.slice(0, placesMax).map(async ({ name, port }): Promise<Place> => {
        const hosts = await hostsOf(resolver, name, settings.family);
        return { text: `${name}:${port}`, addresses: hosts.map((host) => ({ host, port })) };
      }),
    );
  },
  ...noMemory,
});
