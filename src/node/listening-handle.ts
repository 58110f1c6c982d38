// The API's port as a handle that is bound here and listened on by the fronts: no other process of
// the same user can slip in, and a new front takes over without the port ever being closed.
import net from 'node:net';
import { CodedError } from '#errors.ts';
import { type Address, addressText } from './config.ts';

/** What Node's cluster module uses for the same purpose; bound, not yet listening. */
type CreateHandle = (
  address: string,
  port: number,
  addressType: 4 | 6,
  descriptor: number,
  flags: number,
) => number | { close(): void };

/** A bound port. */
export interface ListeningHandle {
  /** For `child.process.send` as the handle of a message. */
  forChild(): net.Server;
  close(): void;
}

const isCreateHandle = (value: unknown): value is CreateHandle => typeof value === 'function';

/** @throws CodedError `address_in_use` when the address cannot be bound */
export const bindAddress = (address: Address): ListeningHandle => {
  const create: unknown = Reflect.get(net, '_createServerHandle');
  if (!isCreateHandle(create)) {
    throw new CodedError('internal', 'this version of Node.js cannot hand over a listening port');
  }
  const host = address.host === 'localhost' ? '127.0.0.1' : address.host;
  const handle = create(host, address.port, net.isIPv6(host) ? 6 : 4, -1, 0);
  if (typeof handle === 'number') {
    throw new CodedError('address_in_use', `${addressText(address)} cannot be listened on`, {
      hint: 'Another program has it, or it is not an address of this machine. Choose another one.',
    });
  }
  return {
    // A child takes such a handle like a server's; the types know servers only.
    forChild: () => handle as unknown as net.Server,
    close: () => handle.close(),
  };
};
