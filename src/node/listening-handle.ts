// The API's port as a handle that is bound here and listened on by the fronts: a new front takes
// over without the port ever being closed. Once a front listens nobody else can; who comes between
// the two makes the front's own listening fail, and with it the start.
import net from 'node:net';
import { getSystemErrorName } from 'node:util';
import { CodedError } from '#errors.ts';
import { type Address, addressText } from './config.ts';

interface BoundHandle {
  close(): void;
  /** 0, or the error that binding had: libuv keeps that a port is taken until it is asked. */
  getsockname(into: object): number;
}

/** What Node's cluster module uses for the same purpose; bound, not yet listening. */
type CreateHandle = (
  address: string,
  port: number,
  addressType: 4 | 6,
  descriptor: number,
  flags: number,
) => number | BoundHandle;

/** A bound port. */
export interface ListeningHandle {
  /** For `child.process.send` as the handle of a message. */
  forChild(): net.Server;
  close(): void;
}

const isCreateHandle = (value: unknown): value is CreateHandle => typeof value === 'function';

const failureAt = (address: Address, error: number): CodedError => {
  const place = addressText(address);
  const name = getSystemErrorName(error);
  return name === 'EADDRINUSE'
    ? new CodedError('address_in_use', `another program listens on ${place}`, {
        hint: 'Stop it, or set http.listen to a free port.',
      })
    : new CodedError('config_invalid', `cannot listen on ${place}: ${name}`, {
        hint: 'http.listen must be an address of this machine and a port it may open.',
      });
};

/**
 * @throws CodedError `address_in_use` when another program has the port, `config_invalid` when the
 *   address cannot be listened on for another reason
 */
export const bindAddress = (address: Address): ListeningHandle => {
  const create: unknown = Reflect.get(net, '_createServerHandle');
  if (!isCreateHandle(create)) {
    throw new CodedError('internal', 'this version of Node.js cannot hand over a listening port');
  }
  const host = address.host === 'localhost' ? '127.0.0.1' : address.host;
  const handle = create(host, address.port, net.isIPv6(host) ? 6 : 4, -1, 0);
  if (typeof handle === 'number') throw failureAt(address, handle);
  // A child that was given such a handle would listen on some other port, on every address.
  const late = handle.getsockname({});
  if (late !== 0) {
    handle.close();
    throw failureAt(address, late);
  }
  return {
    // A child takes such a handle like a server's; the types know servers only.
    forChild: () => handle as unknown as net.Server,
    close: () => handle.close(),
  };
};
