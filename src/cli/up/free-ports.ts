// Whether the ports of a cluster are free, asked before anything is made or started.
import { createServer } from 'node:net';
import { CodedError } from '#errors.ts';
import { systemErrorCode } from '#io/file-system.ts';
import type { UpLayout } from './layout.ts';

/** The error code of listening on a port of loopback, undefined when it works. */
const listenFault = (port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(systemErrorCode(error) ?? error.message));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)));
  });

/** @throws CodedError `address_in_use` that names the first port that is taken */
export const requireFreePorts = async (layout: UpLayout): Promise<void> => {
  for (const { name, httpPort, peerPort } of layout.nodes) {
    for (const port of [httpPort, peerPort]) {
      const fault = await listenFault(port);
      if (fault === undefined) continue;
      const why =
        fault === 'EADDRINUSE' ? 'is in use by another program' : `cannot be used: ${fault}`;
      throw new CodedError('address_in_use', `port ${port} (node ${name}) ${why}`, {
        hint:
          'If this cluster runs already, use it; else choose other ports and another folder: ' +
          '--port-base 5001 --data DIR.',
      });
    }
  }
};
