// The peer port: accepts TLS 1.3 with a certificate of our peer CA and nothing else, and hands over
// sockets whose node is proved. Bounds what strangers cost until then.
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { CodedError } from '#errors.ts';
import type { ClusterId } from '#identity/cluster-id.ts';
import { peerConnectionsMax } from '#limits.ts';
import { identifyPeer, type ProvedNode } from '#tls/peer-identity.ts';
import { type PeerMaterial, peerServerOptions } from '#tls/tls-options.ts';
import { AcceptLimits } from './accept-limits.ts';

/** Settings of the port. */
export interface PeerListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly cluster: ClusterId;
  readonly material: () => PeerMaterial;
  /** `identified` is to be called when the hello was accepted: it counts as a stranger until then. */
  readonly onProved: (socket: TLSSocket, proved: ProvedNode, identified: () => void) => void;
  readonly onRefused: (remoteAddress: string, reason: string) => void;
}

/** An open port. */
export interface PeerListener {
  readonly port: number;
  /** Takes no new connections and ends those that have not been handed over. */
  close(): Promise<void>;
}

const endpointOf = (socket: Socket): { address: string; port: number; text: string } => {
  const address = socket.remoteAddress ?? 'unknown';
  const port = socket.remotePort ?? 0;
  return { address, port, text: `${address}:${port}` };
};

/** Opens the port. @throws CodedError `address_in_use`, `config_invalid`, `certificate_invalid` */
export const openPeerListener = async (options: PeerListenerOptions): Promise<PeerListener> => {
  let material = options.material();
  const server = createServer(peerServerOptions(material));
  server.maxConnections = peerConnectionsMax;
  const limits = new AcceptLimits();
  const strangers = new Set<Socket>();

  // Before the TLS layer sees the socket: it takes the context that is set at this moment.
  server.prependListener('connection', (socket: Socket) => {
    const { address, port, text } = endpointOf(socket);
    if (!limits.arrive(address, port)) {
      options.onRefused(text, 'too many connections that have not said who they are');
      socket.destroy();
      return;
    }
    strangers.add(socket);
    socket.once('close', () => {
      strangers.delete(socket);
      limits.leave(address, port);
    });
    const current = options.material();
    if (current === material) return;
    material = current;
    server.setSecureContext(peerServerOptions(material));
  });
  server.on('drop', (dropped) => {
    options.onRefused(`${dropped?.remoteAddress}:${dropped?.remotePort}`, 'too many connections');
  });
  // Node only *tells* of a failed or overdue handshake; the socket would stay open for ever (D3).
  server.on('tlsClientError', (error, socket) => {
    // Why a certificate was refused stands here only; the error says "socket hang up".
    const { authorizationError } = socket;
    const { text } = endpointOf(socket);
    options.onRefused(text, authorizationError ? String(authorizationError) : error.message);
    socket.destroy();
  });
  server.on('secureConnection', (socket) => {
    const { address, port, text } = endpointOf(socket);
    const proved = identifyPeer(socket, { cluster: options.cluster, name: undefined });
    if (proved.kind === 'refused') {
      options.onRefused(text, proved.reason);
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    options.onProved(socket, proved, () => limits.leave(address, port));
  });

  await listening(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of strangers) socket.destroy();
      }),
  };
};

const listening = (server: Server, { host, port }: PeerListenerOptions): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const place = `${host}:${port}`;
      reject(
        cause.code === 'EADDRINUSE'
          ? new CodedError('address_in_use', `another program listens on ${place}`, {
              hint: 'Stop it, or set peer.listen to a free port.',
              cause,
            })
          : new CodedError('config_invalid', `cannot listen on ${place}: ${cause.message}`, {
              hint: 'peer.listen must be an address of this machine and a port it may open.',
              cause,
            }),
      );
    });
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
