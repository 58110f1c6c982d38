// Whether a newcomer can be reached where it says: asked before it becomes a member, because a
// member that nobody can dial is only seen when it is missed. The newcomer shows a few random bytes
// to whoever connects; the node that admits it connects and compares.
import { createServer, connect as dial, type Socket } from 'node:net';
import { CodedError } from '#errors.ts';
import { addressesOf, hostPortFrom } from '#transport/peer-address.ts';
import { probeBytes, reachBackTimeoutMs } from './bounds.ts';

/** All members of a cluster dial a newcomer that asks a second time, with two connections each. */
const visitorsMax = 128;

/** A newcomer's open door. */
export interface Probe {
  close(): Promise<void>;
}

/** Where a door is opened, and how the operator can choose another place. */
export interface ProbePlace {
  readonly host: string;
  readonly port: number;
  /** As in "the peer port". */
  readonly what: string;
  /** The option that sets it. */
  readonly option: string;
}

/** Shows `bytes` to whoever connects. @throws CodedError `address_in_use`, `config_invalid` */
export const showProbe = (
  { host, port, what, option }: ProbePlace,
  bytes: Uint8Array,
): Promise<Probe> =>
  new Promise((resolve, reject) => {
    const open = new Set<Socket>();
    const server = createServer((socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      socket.on('error', () => undefined);
      socket.setTimeout(reachBackTimeoutMs, () => socket.destroy());
      socket.end(bytes);
      // Members that dial the new node already speak TLS, in vain; read, so that their end is seen.
      socket.resume();
    });
    server.maxConnections = visitorsMax;
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      reject(
        new CodedError(
          taken ? 'address_in_use' : 'config_invalid',
          `the ${what} ${host}:${port} cannot be opened: ${taken ? 'another program has it' : cause.message}`,
          { hint: `Choose another one with ${option}.`, cause },
        ),
      );
    });
    server.listen({ host, port }, () => {
      resolve({
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            for (const socket of open) socket.destroy();
          }),
      });
    });
  });

/** What answers at an address: the bytes it shows, or why there are none. */
const shownAt = (host: string, port: number): Promise<Buffer | string> =>
  new Promise((resolve) => {
    const socket = dial({ host, port });
    let shown = Buffer.alloc(0);
    const overdue = setTimeout(() => {
      resolve(`nothing answers within ${reachBackTimeoutMs / 1000} seconds`);
      socket.destroy();
    }, reachBackTimeoutMs);
    socket.on('data', (chunk) => {
      shown = Buffer.concat([shown, chunk]);
      if (shown.length >= probeBytes) socket.destroy();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('close', () => {
      clearTimeout(overdue);
      resolve(shown);
    });
  });

/**
 * Dials a newcomer back.
 *
 * @throws CodedError `unreachable` with the reason, as the newcomer is told it
 */
export const requireReachable = async (
  name: string,
  address: string,
  probe: Uint8Array,
): Promise<void> => {
  const place = hostPortFrom(address);
  const hosts = place === undefined ? [] : await addressesOf(place.host);
  const [host] = hosts;
  const shown =
    place === undefined || host === undefined
      ? 'no such host is known here'
      : await shownAt(host, place.port);
  if (typeof shown !== 'string' && shown.equals(probe)) return;
  const why = typeof shown === 'string' ? shown : 'something else answers there';
  throw new CodedError('unreachable', `${name} cannot be reached back at ${address}: ${why}`, {
    hint: 'Give the host that others reach this machine by with --advertise, and open its peer port in the firewall.',
  });
};
