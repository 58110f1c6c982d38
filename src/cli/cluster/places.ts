// Where a node listens and what others are told, from the one host that the operator names.
import { isIP } from 'node:net';
import { CodedError } from '#errors.ts';
import { type Address, addressText } from '#node/config.ts';
import { isEverywhere, portBehind, requireApart } from '#node/own-addresses.ts';
import { hostPortFrom } from '#transport/peer-address.ts';

/** Addresses of one node, and the hosts its certificates name. */
export interface Places {
  readonly host: string;
  readonly httpListen: Address;
  readonly peerListen: Address;
  /** host:port that others are told. */
  readonly httpAddress: string;
  readonly peerAddress: string;
  readonly peerHosts: readonly string[];
  readonly httpsHosts: readonly string[];
}

/** All addresses of the machine: a name may stand for any of them. */
const everywhere = '0.0.0.0';

/** An address is listened on by itself; for a name all of the machine's addresses are. */
const listenHostOf = (host: string): string => {
  if (host === 'localhost') return '127.0.0.1';
  return isIP(host) === 0 ? everywhere : host;
};

/** @throws CodedError `config_invalid` when the host is none, has a port or is nobody's to dial, or
 * when ports of the node are the same */
export const placesOf = (host: string, httpPort: number, peerPort: number): Places => {
  const addressOf = (port: number): string => addressText({ host, port });
  if (hostPortFrom(addressOf(peerPort)) === undefined) {
    throw new CodedError('config_invalid', `${JSON.stringify(host)} is no host name or address`, {
      hint: 'Name the host that others reach this machine by, without a port: --advertise n1.lan',
    });
  }
  if (isEverywhere(host)) {
    throw new CodedError('config_invalid', `${host} is no address that others can dial`, {
      hint: 'Name the host that others reach this machine by: --advertise n1.lan. A node whose host is a name listens on all addresses.',
    });
  }
  const listen = listenHostOf(host);
  const peer = { host: listen, port: peerPort };
  requireApart({ http: { host: listen, port: httpPort }, peer, join: portBehind(peer) });
  return {
    host,
    httpListen: { host: listen, port: httpPort },
    peerListen: peer,
    httpAddress: addressOf(httpPort),
    peerAddress: addressOf(peerPort),
    peerHosts: [host],
    httpsHosts: [...new Set([host, '127.0.0.1', 'localhost'])],
  };
};
