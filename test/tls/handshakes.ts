// Real handshakes on loopback, to see what a listener made of our options does with a client.
import type { AddressInfo } from 'node:net';
import type { TlsOptions } from 'node:tls';
import {
  type ConnectionOptions,
  connect,
  createServer,
  type Server,
  type TLSSocket,
} from 'node:tls';

/** What came of a connection: the server sends one byte to whoever it lets in. */
export type Handshake =
  | {
      readonly kind: 'accepted';
      readonly protocol: string | null;
      readonly alpn: string | false | null;
      readonly group: string | undefined;
      readonly reused: boolean;
      readonly session: Buffer | undefined;
    }
  | { readonly kind: 'refused'; readonly code: string };

/** A listener that says "!" to every client it accepts. */
export const listen = async (options: TlsOptions): Promise<{ server: Server; port: number }> => {
  const server = createServer(options, (socket: TLSSocket) => {
    socket.on('error', () => undefined);
    socket.write('!');
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port };
};

export const handshake = (port: number, options: ConnectionOptions): Promise<Handshake> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, ...options });
    let code = 'closed';
    let session: Buffer | undefined;
    socket.on('session', (ticket) => {
      session = ticket;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      code = error.code ?? error.message;
    });
    socket.on('close', () => resolve({ kind: 'refused', code }));
    socket.on('data', () => {
      const { name } = socket.getEphemeralKeyInfo() as { name?: string };
      // A session ticket would follow the first byte; the turn of the loop lets it in.
      setImmediate(() => {
        resolve({
          kind: 'accepted',
          protocol: socket.getProtocol(),
          alpn: socket.alpnProtocol,
          group: name,
          reused: socket.isSessionReused(),
          session: session ?? socket.getSession(),
        });
        socket.destroy();
      });
    });
  });
