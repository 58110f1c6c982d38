// The peer port: accepts TLS 1.3 with a certificate of our peer CA and nothing else, and hands over
// sockets whose node is proved. Bounds what strangers cost until then.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createSecureServer, type TLSSocket } from 'node:tls';
import { CodedError } from '#errors.ts';
import type { ClusterId } from '#identity/cluster-id.ts';
import { peerConnectionsMax } from '#limits.ts';
import { identifyPeer, type ProvedNode } from '#tls/peer-identity.ts';
import { meetAlpn, type PeerMaterial, peerAlpn, peerServerOptions } from '#tls/tls-options.ts';
import { AcceptLimits } from './accept-limits.ts';
import type { RefusedFor } from './transport.ts';

/** Settings of the port. */
export interface PeerListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly cluster: ClusterId;
  readonly material: () => PeerMaterial;
  /**
   * `identified` is to be called when the hello was accepted: it counts as a stranger until then.
   */
  readonly onProved: (socket: TLSSocket, proved: ProvedNode, identified: () => void) => void;
  /** A node of the cluster wants to meet this one; it counts as a stranger for as long. */
  readonly onMeeting: (socket: TLSSocket, proved: ProvedNode) => void;
  readonly onRefused: (remoteAddress: string, reason: string, why: RefusedFor) => void;
  readonly monotonicMs: () => number;
}

/** An open port. */
export interface PeerListener {
  readonly port: number;
  /** Takes no new connections and ends those that have not been handed over. */
  close(): Promise<void>;
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly text: string;
}

const endpointOf = (socket: Socket): Endpoint => {
  const address = socket.remoteAddress ?? 'unknown';
  const port = socket.remotePort ?? 0;
  return { address, port, text: `${address}:${port}` };
};

/**
 * Where a handshake came from. The TLS layer lets go of its socket before it tells that a
 * certificate was refused; what is below it is in a field that Node does not document.
 */
const originOf = (socket: TLSSocket, arrived: WeakMap<object, Endpoint>): Endpoint => {
  const below: unknown = Reflect.get(socket, '_parent');
  const known = typeof below === 'object' && below !== null ? arrived.get(below) : undefined;
  return known ?? endpointOf(socket);
};

/** Opens the port. @throws CodedError `address_in_use`, `config_invalid`, `certificate_invalid` */
export const openPeerListener = async (options: PeerListenerOptions): Promise<PeerListener> => {
  const limits = new AcceptLimits();
  const strangers = new Map<string, Socket>();
  const arrived = new WeakMap<object, Endpoint>();
  const forget = ({ address, port, text }: Endpoint): void => {
    strangers.delete(text);
    limits.leave(address, port);
  };
  let material = options.material();
  const secure = createSecureServer(peerServerOptions(material));

  // The TLS layer gets a socket only after it was counted, and the certificates of this moment.
  const server = createServer((socket) => {
    const endpoint = endpointOf(socket);
    const refusal = limits.arrive(endpoint.address, endpoint.port, options.monotonicMs());
    if (refusal !== undefined) {
      options.onRefused(endpoint.text, refusal, 'limit');
      socket.destroy();
      return;
    }
    strangers.set(endpoint.text, socket);
    arrived.set(socket, endpoint);
    socket.once('close', () => forget(endpoint));
    const current = options.material();
    if (current !== material) secure.setSecureContext(peerServerOptions(current));
    material = current;
    secure.emit('connection', socket);
  });
  server.maxConnections = peerConnectionsMax;
  server.on('drop', (dropped) => {
    const from = `${dropped?.remoteAddress}:${dropped?.remotePort}`;
    options.onRefused(from, 'too many connections', 'limit');
  });
  // Node only *tells* of a failed or overdue handshake; the socket would stay open for ever (D3).
  secure.on('tlsClientError', (error, socket) => {
    // Why a certificate was refused stands here only; the error says "socket hang up".
    const { authorizationError } = socket;
    const { text } = originOf(socket, arrived);
    const why = authorizationError ? 'certificate' : 'handshake';
    options.onRefused(text, String(authorizationError || error.message), why);
    socket.destroy();
  });
  secure.on('secureConnection', (socket) => {
    const endpoint = endpointOf(socket);
    const meets = socket.alpnProtocol === meetAlpn;
    const protocol = meets ? meetAlpn : peerAlpn;
    const proved = identifyPeer(socket, { cluster: options.cluster, name: undefined, protocol });
    if (proved.kind === 'refused') {
      options.onRefused(endpoint.text, proved.reason, 'certificate');
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    if (meets) options.onMeeting(socket, proved);
    else options.onProved(socket, proved, () => forget(endpoint));
  });

  await listening(server, options);
  // A connection that could not be accepted (no file descriptors left): the port stays open.
  server.on('error', (error) => options.onRefused('unknown', error.message, 'limit'));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of strangers.values()) socket.destroy();
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
