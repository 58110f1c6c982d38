// The join listener: where newcomers make first contact. A port of its own, open only while a grant
// is, so that the peer port never has to take anybody whose certificate no authority signed.
// It frames, bounds and identifies; who becomes a member is decided elsewhere.
import { type AddressInfo, createServer, type Server } from 'node:net';
import { createServer as createSecureServer, type TLSSocket } from 'node:tls';
import { CodedError } from '#errors.ts';
import { identifyApplicant } from '#tls/join-identity.ts';
import { joinServerOptions, type PeerMaterial } from '#tls/tls-options.ts';
import { FrameLink, frameOf } from '#transport/frame-link.ts';
import {
  joinConnectionsMax,
  joinRequestBytesMax,
  joinRequestTimeoutMs,
  joinTimeoutMs,
} from './bounds.ts';
import {
  bindingBytes,
  bindingLabel,
  decodeRequest,
  encodeAnswer,
  encodeOffer,
  encodeRefusal,
  type JoinAnswer,
  type JoinRequest,
  joinFrame,
} from './join-messages.ts';

/** A request, what the connection proved, and where it came from. */
export interface Application {
  readonly request: JoinRequest;
  /** Of the key that the handshake proved. */
  readonly keyPin: string;
  /** Keying material of the connection. */
  readonly binding: Uint8Array;
  /** ip:port */
  readonly from: string;
}

/** How the listener is opened. */
export interface JoinListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly material: () => PeerMaterial;
  /** Makes a member of it. @throws CodedError what the newcomer is told */
  readonly admit: (application: Application) => Promise<JoinAnswer>;
  readonly onRefused: (from: string, reason: string) => void;
}

/** An open listener. */
export interface JoinListener {
  readonly port: number;
  close(): void;
}

/** @throws CodedError `address_in_use`, `config_invalid` */
export const openJoinListener = async (options: JoinListenerOptions): Promise<JoinListener> => {
  const secure = createSecureServer(joinServerOptions(options.material()));
  const open = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    const overdue = setTimeout(() => socket.destroy(), joinTimeoutMs);
    socket.once('close', () => clearTimeout(overdue));
    // Whoever resets the connection in the middle of a handshake.
    socket.on('error', () => undefined);
    secure.setSecureContext(joinServerOptions(options.material()));
    secure.emit('connection', socket);
  });
  server.maxConnections = joinConnectionsMax;
  secure.on('tlsClientError', (error, socket) => {
    options.onRefused(socket.remoteAddress ?? 'unknown', error.message);
    socket.destroy();
  });
  secure.on('secureConnection', (socket) => serve(socket, options));
  await listening(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
};

const serve = (socket: TLSSocket, options: JoinListenerOptions): void => {
  const from = `${socket.remoteAddress}:${socket.remotePort}`;
  const applicant = identifyApplicant(socket);
  socket.on('error', () => undefined);
  if (applicant.kind === 'refused') {
    options.onRefused(from, applicant.reason);
    socket.destroy();
  } else if (applicant.kind === 'stranger') {
    socket.end(frameOf(joinFrame.offer, encodeOffer(options.material().ca)));
  } else {
    serveApplicant(socket, applicant.keyPin, from, options);
  }
};

const serveApplicant = (
  socket: TLSSocket,
  keyPin: string,
  from: string,
  options: JoinListenerOptions,
): void => {
  const broken = (why: string): void => {
    options.onRefused(from, why);
    socket.destroy();
  };
  const overdue = setTimeout(() => broken('no request in time'), joinRequestTimeoutMs);
  socket.once('close', () => clearTimeout(overdue));
  const binding = socket.exportKeyingMaterial(bindingBytes, bindingLabel, Buffer.alloc(0));
  new FrameLink(socket, {
    frameBytesMax: joinRequestBytesMax,
    monotonicMs: () => performance.now(),
    onChunkEnd: () => undefined,
    onBroken: broken,
    onFrame: (kind, payload) => {
      clearTimeout(overdue);
      const request = decodeRequest(payload);
      if (kind !== joinFrame.request || request.kind === 'broken') {
        broken(request.kind === 'broken' ? request.why : `frame kind ${kind}`);
        return false;
      }
      answer(socket, { request: request.value, keyPin, binding, from }, options);
      // One request a connection; what else comes is never looked at.
      return false;
    },
  });
};

const answer = (
  socket: TLSSocket,
  application: Application,
  { admit, onRefused }: JoinListenerOptions,
): void => {
  admit(application).then(
    (member) => socket.end(frameOf(joinFrame.answer, encodeAnswer(member))),
    (error: unknown) => {
      const coded = error instanceof CodedError ? error : undefined;
      const message = coded?.message ?? 'a fault of the node; its log has the details';
      onRefused(application.from, error instanceof Error ? error.message : message);
      const refusal = { code: coded?.code ?? 'internal', message, hint: coded?.details.hint ?? '' };
      socket.end(frameOf(joinFrame.refusal, encodeRefusal(refusal)));
    },
  );
};

const listening = (server: Server, { host, port }: JoinListenerOptions): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      reject(
        new CodedError(
          taken ? 'address_in_use' : 'config_invalid',
          `newcomers cannot be listened for on ${host}:${port}: ${taken ? 'another program does' : cause.message}`,
          { hint: 'Set join.listen to a free address of this machine.', cause },
        ),
      );
    });
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      server.on('error', () => undefined);
      resolve();
    });
  });
