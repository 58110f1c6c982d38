// The interface of the transport: Raft messages and calls between nodes, over mutual TLS 1.3 only.
// Heartbeats travel on a connection of their own per peer, apart from entries and calls.
import type { TLSSocket } from 'node:tls';
import type { ClusterId } from '#identity/cluster-id.ts';
import type { NodeName } from '#identity/node-name.ts';
import type { StoreId } from '#identity/store-id.ts';
import type { Message } from '#raft/message.ts';
import type { CertificateMarks } from '#tls/deny-list.ts';
import type { ProvedNode } from '#tls/peer-identity.ts';
import type { PeerMaterial } from '#tls/tls-options.ts';

/** Who is at the other end of a link: proved by its certificate, completed by its hello. */
export interface PeerIdentity {
  readonly name: NodeName;
  /** SHA-256 of the certificate's public key (SPKI), hexadecimal. */
  readonly keyPin: string;
  /** The certificate's serial number, upper-case hexadecimal: what a deny-list names. */
  readonly serial: string;
  /** Key identifier of the authority that signed it; empty when it says none. */
  readonly issuer: string;
  /** End of the certificate's validity, milliseconds since 1970. */
  readonly notAfterMs: number;
  readonly storeId: StoreId;
  /** Which replicated formats the node understands; grows with releases. */
  readonly featureLevel: number;
  /** What computes the node's data (SQLite and its build), opaque here; may be empty. */
  readonly engine: string;
  /** host:port where the node says it can be dialled; empty when it says nothing. A claim. */
  readonly address: string;
}

/** Where a connection ended: broken TLS, what its certificate or its words say, or too many. */
export type RefusedFor = 'handshake' | 'certificate' | 'limit';

/** What the node decides about a peer whose certificate is in order. */
export type Admission =
  /** Its messages count as far as configuration says. */
  | { readonly kind: 'heard' }
  /** Told why, then disconnected: denied, tombstoned, another key or another disk than recorded. */
  | { readonly kind: 'refused'; readonly reason: string };

/** What is said of an image before its bytes. */
export interface ImageAnnouncement {
  readonly formatVersion: number;
  /** The sender's term when it offered the image. */
  readonly senderTerm: number;
  /** The last entry that the image holds. */
  readonly index: number;
  readonly term: number;
  /** Bytes of the image as it travels, and of the database in it. */
  readonly bytes: number;
  readonly rawBytes: number;
  /** SHA-256 of the image as it travels, hexadecimal. */
  readonly digest: string;
}

/** How sending an image ended. */
export type ImageEnd =
  | { readonly kind: 'taken' }
  | { readonly kind: 'failed'; readonly reason: string };

/** An image to send. */
export interface OutgoingImage {
  readonly announcement: ImageAnnouncement;
  /** Exactly these bytes of it, in a buffer that is not written to again. */
  readonly read: (position: number, bytes: number) => Promise<Uint8Array>;
  /** Called once, never before `sendImage` returned. */
  readonly onEnd: (end: ImageEnd) => void;
}

/** Where the bytes of an accepted image go. */
export interface ImageTaker {
  /** `bytes` are the taker's to keep; never more than announced in all. */
  onChunk(bytes: Buffer): void;
  /** The connection is gone; called once, also after `taken` and `refuse`. */
  onClosed(reason: string): void;
}

/** An image that a peer offers: accept it, or refuse it now or later. */
export interface IncomingImage {
  accept(taker: ImageTaker): void;
  /** This many more bytes are on the disk; the sender sends on. */
  acknowledge(bytes: number): void;
  /** All of it is here and will be used. Ends the connection. */
  taken(): void;
  /** Ends the connection; the sender is told why. */
  refuse(reason: string): void;
}

/** How a transport is opened. */
export interface TransportOptions {
  readonly cluster: ClusterId;
  readonly self: NodeName;
  readonly storeId: StoreId;
  readonly featureLevel: number;
  /** At most 512 bytes; told to every peer. */
  readonly engine: string;
  /** host:port of this node's peer port as others reach it; told to every peer. */
  readonly advertise: string;
  readonly listenHost: string;
  readonly listenPort: number;
  /**
   * Certificates and keys of this node's peer port. Asked anew for every connection; the same
   * object means that nothing changed.
   */
  readonly material: () => PeerMaterial;
  /**
   * Why a node is not spoken to although its certificate is in order. Asked right after the
   * handshake, by the accepting and by the dialling side, before anything it says is read.
   */
  readonly denied: (proved: ProvedNode) => string | undefined;
  readonly admit: (peer: PeerIdentity) => Admission;
  /** A node of the cluster wants to meet this one; absent: nobody is met. */
  readonly onMeeting?: (socket: TLSSocket, proved: ProvedNode) => void;
  /** Messages of one chunk, in order; `from` is proved and equals every message's `from`. */
  readonly onMessages: (from: NodeName, messages: readonly Message[]) => void;
  /** A call from a peer; `reply` may be called later, once. `payload` is the receiver's to keep. */
  readonly onCall: (
    from: NodeName,
    method: number,
    payload: Buffer,
    reply: (payload: Uint8Array) => void,
  ) => void;
  /**
   * A peer offers an image, on a connection of its own; at most one at a time from each peer.
   */
  readonly onImage: (from: NodeName, image: ImageAnnouncement, incoming: IncomingImage) => void;
  /**
   * A peer can be sent to (heartbeats and bulk), or no longer; also, once per reason, why dialling
   * a peer fails.
   */
  readonly onLink: (name: NodeName, up: boolean, reason: string) => void;
  /** A connection was refused or cut for what it said; for log, audit and metrics. */
  readonly onRefused: (remoteAddress: string, reason: string, why: RefusedFor) => void;
  /** A monotonic clock, milliseconds. */
  readonly monotonicMs: () => number;
  /** The time of day, milliseconds since 1970: for the ends of certificates. */
  readonly wallMs: () => number;
  /** From 0 up to, not including, 1; spreads attempts to reconnect. Need not be unpredictable. */
  readonly random: () => number;
}

/** How a call ended. */
export type CallReply =
  | { readonly kind: 'reply'; readonly payload: Buffer }
  /** `sent` false: the other side did not act on it. */
  | { readonly kind: 'failed'; readonly reason: string; readonly sent: boolean };

/** An open transport. */
export interface Transport {
  readonly port: number;
  /** Whom to dial and where (host:port); dialled links to others are closed. */
  setPeers(peers: ReadonlyMap<NodeName, string>): void;
  /** Sends what has a link; the rest is dropped (Raft sends again). */
  send(messages: readonly Message[]): void;
  /**
   * Asks a peer; `done` is called exactly once, never before `call` returned. `payload` is copied
   * before `call` returns.
   */
  call(
    to: NodeName,
    method: number,
    payload: Uint8Array,
    deadlineMs: number,
    done: (reply: CallReply) => void,
  ): void;
  /**
   * Sends an image on a connection of its own, dialled for it, within a deadline that follows from
   * its size. The function that comes back gives it up.
   */
  sendImage(to: NodeName, image: OutgoingImage): () => void;
  isUp(name: NodeName): boolean;
  /** The certificates that a node showed on the connections that it has now; none: it has none. */
  shownBy(name: NodeName): readonly CertificateMarks[];
  /** Milliseconds since something arrived from this node, Infinity when never. */
  silentMs(name: NodeName): number;
  /**
   * Runs `admit` again on every live link and cuts those that are refused or whose certificate is
   * expired for longer than the grace. Call it when membership or the deny-list changes, and once a
   * minute.
   */
  sweep(): void;
  close(): Promise<void>;
}
