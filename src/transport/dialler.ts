// Keeps one connection to one peer: dials it, and dials again when it fails or ends, the first time
// at once and then with a growing, spread wait. Knows nothing of what travels on it.
import { connect, type TLSSocket } from 'node:tls';
import type { NodeName } from '#identity/node-name.ts';
import { identifyPeer } from '#tls/peer-identity.ts';
import { peerDialOptions } from '#tls/tls-options.ts';
import { dialTimeoutMs } from './bounds.ts';
import type { ConnectionKind } from './frame-kind.ts';
import { addressesOf, hostPortFrom } from './peer-address.ts';
import { type ConnectionOwner, PeerConnection } from './peer-connection.ts';
import { RedialWait } from './redial-wait.ts';

/** What a dialler is for. */
export interface DiallerOptions {
  readonly name: NodeName;
  readonly kind: ConnectionKind;
  /** host:port */
  readonly address: string;
  readonly owner: ConnectionOwner;
  /** Does not dial again when the attempt fails or the connection ends. */
  readonly once?: boolean;
  /** An attempt failed, or the connection ended. */
  readonly onFailed: (reason: string) => void;
}

/** See the head of this file. Starts at once; `stop` ends it and its connection. */
export class Dialler {
  readonly #options: DiallerOptions;
  #stopped = false;
  readonly #wait = new RedialWait();
  #attempts = 0;
  #timer: NodeJS.Timeout | undefined;
  #socket: TLSSocket | undefined;
  #connection: PeerConnection | undefined;
  #readySinceMs: number | undefined;

  constructor(options: DiallerOptions) {
    this.#options = options;
    void this.#dial();
  }

  /** Ends the attempt or the connection and does not dial again. */
  stop(reason: string): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    if (this.#connection === undefined) this.#socket?.destroy();
    else this.#connection.close(reason);
  }

  async #dial(): Promise<void> {
    this.#timer = undefined;
    const place = hostPortFrom(this.#options.address);
    const addresses = place === undefined ? [] : await addressesOf(place.host);
    if (this.#stopped) return;
    const host = addresses[this.#attempts % Math.max(addresses.length, 1)];
    this.#attempts += 1;
    if (place === undefined || host === undefined) {
      this.#failed(`no address for ${this.#options.address}`);
      return;
    }
    this.#connect(host, place.port);
  }

  #connect(host: string, port: number): void {
    const { owner } = this.#options;
    const socket = connect({ ...peerDialOptions(owner.options.material()), host, port });
    this.#socket = socket;
    let why = 'the connection was closed in the handshake';
    socket.setTimeout(dialTimeoutMs, () => {
      why = 'no handshake in time';
      socket.destroy();
    });
    const onError = (error: Error): void => {
      // For a certificate Node's sentence advises to trust the system's authorities; its code does
      // not.
      const { authorizationError } = socket;
      why = authorizationError ? String(authorizationError) : error.message;
    };
    const onClose = (): void => this.#failed(why);
    socket.on('error', onError);
    socket.on('close', onClose);
    socket.once('secureConnect', () => {
      socket.setTimeout(0);
      socket.removeListener('close', onClose);
      this.#onSecure(socket);
    });
  }

  /** The server is not believed to be up before its hello: here it has not judged us yet. */
  #onSecure(socket: TLSSocket): void {
    const { name, kind, owner } = this.#options;
    const proved = identifyPeer(socket, { cluster: owner.options.cluster, name });
    const refusal = proved.kind === 'refused' ? proved.reason : owner.options.denied(proved);
    if (proved.kind === 'refused' || refusal !== undefined) {
      const reason = refusal ?? 'refused';
      const remote = `${socket.remoteAddress}:${socket.remotePort}`;
      owner.options.onRefused(remote, reason, 'certificate');
      socket.destroy();
      this.#failed(reason);
      return;
    }
    this.#connection = new PeerConnection(socket, proved, kind, {
      ...owner,
      onReady: (connection, peer) => {
        this.#readySinceMs = owner.options.monotonicMs();
        owner.onReady(connection, peer);
      },
      onClosed: (connection, reason) => {
        this.#connection = undefined;
        const wasReady = this.#readySinceMs;
        this.#readySinceMs = undefined;
        owner.onClosed(connection, reason);
        if (wasReady !== undefined) {
          this.#wait.ended(owner.options.monotonicMs() - wasReady, connection.wasSwept);
        }
        this.#failed(reason);
      },
    });
  }

  #failed(reason: string): void {
    this.#socket = undefined;
    if (this.#stopped) return;
    this.#options.onFailed(reason);
    if (this.#stopped || this.#options.once === true) return;
    const waitMs = this.#wait.next(this.#options.owner.options.random());
    this.#timer = setTimeout(() => void this.#dial(), waitMs);
  }
}
