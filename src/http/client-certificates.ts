// Client certificates as an identity beside Basic: whom a connection's certificate names is found
// out once a connection, by whoever opened the front; its end is looked at with every request.
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** What a certificate says; `refused` is one that is there and does not prove anybody. */
export type ClientIdentity =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'user';
      readonly name: string;
      /** End of validity, milliseconds since 1970. */
      readonly notAfterMs: number;
      /** Serial number and authority, as a deny-list names them. */
      readonly serial: string;
      readonly issuer: string;
    }
  | { readonly kind: 'refused'; readonly reason: string };

/** How certificates are read. */
export interface ClientCertificateOptions {
  readonly identify: (socket: TLSSocket) => ClientIdentity;
  /** Whether the cluster shuts this certificate out. */
  readonly denied?: (shown: { readonly serial: string; readonly issuer: string }) => boolean;
  /** Told of every request and connection that is turned away for its certificate. */
  readonly onRefused?: () => void;
  /** The wall clock, milliseconds since 1970: certificates end by it. */
  readonly wallMs: () => number;
}

/** Remembers what each connection showed. */
export class ClientCertificates {
  readonly #options: ClientCertificateOptions;
  readonly #shown = new WeakMap<Socket, ClientIdentity>();
  /** Open connections whose certificate named somebody. */
  readonly #named = new Set<Socket>();

  constructor(options: ClientCertificateOptions) {
    this.#options = options;
  }

  /** Whom this connection's certificate names now. */
  shownBy(socket: Socket): ClientIdentity {
    const shown = this.#judge(socket);
    if (shown.kind === 'refused') this.#options.onRefused?.();
    return shown;
  }

  #judge(socket: Socket): ClientIdentity {
    const shown = this.#shown.get(socket) ?? this.#read(socket);
    if (shown.kind !== 'user') return shown;
    if (this.#options.wallMs() >= shown.notAfterMs) return { kind: 'refused', reason: 'expired' };
    if (this.#options.denied?.(shown) === true) return { kind: 'refused', reason: 'denied' };
    return shown;
  }

  /**
   * Cuts connections whose certificate has ended or is denied by now, whatever they are doing;
   * `all`: every one whose certificate named somebody.
   */
  sweep(all: boolean): void {
    for (const socket of this.#named) {
      if (all || this.shownBy(socket).kind === 'refused') socket.destroy();
    }
  }

  #read(socket: Socket): ClientIdentity {
    const shown: ClientIdentity =
      socket instanceof TLSSocket ? this.#options.identify(socket) : { kind: 'none' };
    this.#shown.set(socket, shown);
    if (shown.kind === 'user') {
      this.#named.add(socket);
      socket.once('close', () => this.#named.delete(socket));
    }
    return shown;
  }
}
