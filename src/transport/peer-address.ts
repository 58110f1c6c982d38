// From what configuration says of a peer's place to an address that can be dialled. Names are
// resolved with c-ares, never with getaddrinfo: that blocks one of the four pool threads of the
// process for as long as a DNS server is silent. The hosts file and search domains are therefore
// not consulted.
import { promises as dns } from 'node:dns';
import { isIP } from 'node:net';
import { resolveTimeoutMs } from './bounds.ts';

/** A place to dial: a name or an address, and a port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const pattern = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]{1,253})):([0-9]{1,5})$/;

/** `host:port` or `[v6]:port`; undefined for anything else. */
export const hostPortFrom = (text: string): HostPort | undefined => {
  const [, bracketed, plain, digits] = pattern.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port < 1 || port > 65_535) return undefined;
  if (bracketed !== undefined && isIP(bracketed) !== 6) return undefined;
  return { host, port };
};

/** Every address of a host; empty when there is none. Never rejects. */
export const addressesOf = async (host: string): Promise<readonly string[]> => {
  if (isIP(host) !== 0) return [host];
  if (host === 'localhost') return ['127.0.0.1', '::1'];
  const resolver = new dns.Resolver({ timeout: resolveTimeoutMs, tries: 1 });
  const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
};
