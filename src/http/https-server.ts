// The HTTPS server with every limit said out loud: Node and fastify leave some of them off.
import { createServer as createHttpsServer, type Server, type ServerOptions } from 'node:https';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import {
  connectionsMax,
  handshakeTimeoutMs,
  headerBytesMax,
  headersMax,
  headersTimeoutMs,
  keepAliveTimeoutMs,
  requestsPerSocketMax,
} from '#limits.ts';
import type { AddressLimit } from './address-limit.ts';
import {
  connectionCheckMs,
  idleReserveMs,
  loadBodyMsMax,
  socketIdleMsMin,
} from './front-limits.ts';
import { HandshakeTurns } from './handshake-turns.ts';
import type { RefusedFor } from './metrics/front-counters.ts';

/** What to listen on: an address, or a listening handle that another process opened. */
export type ListenTarget =
  | { readonly kind: 'address'; readonly host: string; readonly port: number }
  | { readonly kind: 'handle'; readonly handle: object };

/**
 * A server that does not listen yet; requests are whoever's adds the listener.
 *
 * @param addresses counts the connections of each address
 * @param waitMsMax how long an honest request may wait for its answer without a byte moving
 * @param onRefused told of connections that do not come to a request
 */
export const createServer = (
  tls: ServerOptions,
  waitMsMax: number,
  addresses: AddressLimit,
  onRefused: (reason: RefusedFor) => void,
): Server => {
  const server = createHttpsServer({
    ...tls,
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: handshakeTimeoutMs,
    // Ordinary bodies have less, see slow-bodies.ts.
    requestTimeout: loadBodyMsMax,
    headersTimeout: headersTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    connectionsCheckingInterval: connectionCheckMs,
    maxHeaderSize: headerBytesMax,
    insecureHTTPParser: false,
    requireHostHeader: true,
    joinDuplicateHeaders: false,
  });
  server.maxHeadersCount = headersMax;
  server.maxRequestsPerSocket = requestsPerSocketMax;
  server.maxConnections = connectionsMax;
  server.timeout = Math.max(socketIdleMsMin, waitMsMax + idleReserveMs);
  // Before anything of TLS is done for it.
  const turns = new HandshakeTurns(() => performance.now());
  const beginTls = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    if (addresses.arrived(socket)) {
      turns.arrived(socket, () => {
        for (const begin of beginTls) begin.call(server, socket);
      });
    } else {
      onRefused('limit');
      socket.destroy();
    }
  });
  server.on('drop', () => onRefused('limit'));
  server.on('tlsClientError', () => onRefused('handshake'));
  // CONNECT and Upgrade have no handler, so Node closes such connections.
  server.on('clientError', refuse);
  return server;
};

/** Starts to listen; the port it listens on. */
export const listen = (server: Server, target: ListenTarget): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    const listening = (): void => {
      server.off('error', reject);
      resolve(portOf(server));
    };
    if (target.kind === 'handle') server.listen(target.handle, listening);
    else server.listen(target.port, target.host, listening);
  });

/**
 * Takes no new connections and lets requests finish. A connection on which nothing is asked is
 * closed after `idleMs`, so that a request on its way to it still gets an answer, with which the
 * connection ends (whoever writes answers says so); what is left after `graceMs` is cut.
 */
export const stop = (server: Server, idleMs: number, graceMs: number): Promise<void> =>
  new Promise((resolve) => {
    if (!server.listening) {
      resolve();
      return;
    }
    const idle = setInterval(() => server.closeIdleConnections(), Math.min(idleMs, graceMs));
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    // The server's own `close` would close idle connections at once.
    NetServer.prototype.close.call(server, () => {
      clearInterval(idle);
      clearTimeout(cut);
      resolve();
    });
  });

/** host:port that the server listens on; empty while it does not. */
export const boundAddress = (server: Server): string => {
  const address = server.address();
  return address === null || typeof address === 'string'
    ? ''
    : `${hostOf(address)}:${address.port}`;
};

const hostOf = ({ family, address }: AddressInfo): string =>
  family === 'IPv6' ? `[${address}]` : address;

const portOf = (server: Server): number => {
  const address = server.address();
  return address === null || typeof address === 'string' ? 0 : address.port;
};

/** A body took too long to arrive: its client is told so, and disconnected. */
export const refuseSlow = (socket: Socket): void => {
  refuse(Object.assign(new Error('too slow'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
};

/** What could not be parsed as HTTP is told so, without a request id, and disconnected. */
const refuse = (error: NodeJS.ErrnoException, socket: Socket): void => {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [line, message] = refusals.get(error.code ?? '') ?? refusedAsUnreadable;
  const body = JSON.stringify({ error: message, code: 'bad_request' });
  socket.end(
    `HTTP/1.1 ${line}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
};

const refusedAsUnreadable = ['400 Bad Request', 'This is not a request that can be read'] as const;

const refusals: ReadonlyMap<string, readonly [string, string]> = new Map([
  [
    'HPE_HEADER_OVERFLOW',
    ['431 Request Header Fields Too Large', 'The headers are larger than 16 KiB'],
  ],
  ['ERR_HTTP_REQUEST_TIMEOUT', ['408 Request Timeout', 'The request took too long to arrive']],
]);
