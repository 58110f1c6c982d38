// The interface of the transport: Raft messages and calls between nodes, over mutual TLS 1.3 only.
// Heartbeats travel on a connection of their own per peer, apart from entries and calls.
import type { ClusterId } from '#identity/cluster-id.ts';
import type { NodeName } from '#identity/node-name.ts';
import type { StoreId } from '#identity/store-id.ts';
import type { Message } from '#raft/message.ts';

/** Who is at the other end of a link: proved by its certificate, completed by its hello. */
export interface PeerIdentity {
  readonly name: NodeName;
  /** SHA-256 of the certificate's public key (SPKI), hexadecimal. */
  readonly keyPin: string;
  readonly storeId: StoreId;
}

/** What the node decides about a peer whose certificate is in order. */
export type Admission =
  /** Its messages count as far as configuration says. */
  | { readonly kind: 'heard' }
  /** Told why, then disconnected: denied, tombstoned, another key or another disk than recorded. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Certificates and keys of this node's peer port, PEM. Asked anew for every connection. */
export interface PeerMaterial {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
}

/** How a transport is opened. */
export interface TransportOptions {
  readonly cluster: ClusterId;
  readonly self: NodeName;
  readonly storeId: StoreId;
  readonly listenHost: string;
  readonly listenPort: number;
  readonly material: () => PeerMaterial;
  readonly admit: (peer: PeerIdentity) => Admission;
  /** Messages of one chunk, in order; `from` is proved and equals every message's `from`. */
  readonly onMessages: (from: NodeName, messages: readonly Message[]) => void;
  /** A call from a peer; `reply` may be called later, once. `payload` is a copy to keep. */
  readonly onCall: (
    from: NodeName,
    method: number,
    payload: Buffer,
    reply: (payload: Uint8Array) => void,
  ) => void;
  readonly onLink: (name: NodeName, up: boolean, reason: string) => void;
  /** A connection was refused before it became a link; for log, audit and metrics. */
  readonly onRefused: (remoteAddress: string, reason: string) => void;
}

/** How a call ended. */
export type CallReply =
  | { readonly kind: 'reply'; readonly payload: Buffer }
  /** `sent` false: the other side cannot have seen it. */
  | { readonly kind: 'failed'; readonly reason: string; readonly sent: boolean };

/** An open transport. */
export interface Transport {
  readonly port: number;
  /** Whom to dial and where (host:port); links to others are closed. */
  setPeers(peers: ReadonlyMap<NodeName, string>): void;
  /** Sends what has a link; the rest is dropped (Raft sends again). */
  send(messages: readonly Message[]): void;
  call(
    to: NodeName,
    method: number,
    payload: Uint8Array,
    deadlineMs: number,
    done: (reply: CallReply) => void,
  ): void;
  isUp(name: NodeName): boolean;
  /** Milliseconds since something arrived from this node, Infinity when never. */
  silentMs(name: NodeName): number;
  /** Runs `admit` again on every live link and cuts those that are refused. */
  sweep(): void;
  close(): Promise<void>;
}
