// What the cluster knows of its members and of who may become one: replicated state, carried as the
// context of configuration entries, which the consensus core passes on unread.

/** Fields of a later version, as they were read: they are written back, never understood. */
interface Extensible {
  readonly later?: Uint8Array;
}

/** One member's particulars. */
export interface MemberRecord extends Extensible {
  readonly name: string;
  readonly storeId: string;
  /** SHA-256 of the public key of the node's certificate (SPKI), lower-case hexadecimal. */
  readonly keyPin: string;
  /** host:port of the peer port. */
  readonly peerAddress: string;
  /** https://host:port of the API. */
  readonly apiUrl: string;
  /** It stays a learner for ever; absent means no. */
  readonly readReplica?: boolean;
}

/** The right to join once, under one name, until a moment: the public half of a token. */
export interface GrantRecord extends Extensible {
  readonly name: string;
  /** Ed25519 public key, 32 bytes in lower-case hexadecimal. */
  readonly publicKey: string;
  /** Milliseconds since 1970, by the leader's clock. */
  readonly expiresMs: number;
  readonly readReplica: boolean;
  /** When somebody joined with it, milliseconds since 1970; 0: nobody did. */
  readonly usedMs: number;
  /** From where (ip:port), for whoever finds it used. */
  readonly usedFrom: string;
}

/** A member that was removed: its disk and its key are never heard again. */
export interface TombstoneRecord extends Extensible {
  readonly name: string;
  readonly storeId: string;
  readonly keyPin: string;
}

/**
 * What is shut out until it is lifted: a node by its name, or one certificate by its serial number.
 * Nothing here expires, and no CA key is needed for it.
 */
export interface DeniedRecord extends Extensible {
  /** A node, with every certificate of it; empty when a certificate is denied. */
  readonly name: string;
  /** Upper-case hexadecimal without leading zeros; empty when a node is denied. */
  readonly serial: string;
  /** Key identifier of the authority that signed the certificate, lower-case; empty: any. */
  readonly issuer: string;
  /** Since when, milliseconds since 1970, by the leader's clock. */
  readonly deniedMs: number;
  /** The key pin of the member whose certificate is denied; absent: no member's, or not known. */
  readonly keyPin?: string;
  /** For whoever reads the list or is turned away. */
  readonly reason: string;
}

/** All of it. */
export interface ClusterRecord extends Extensible {
  readonly members: readonly MemberRecord[];
  /** Encoded settings that all nodes share; the database reads them. */
  readonly settings?: Uint8Array;
  readonly grants: readonly GrantRecord[];
  readonly tombstones: readonly TombstoneRecord[];
  readonly denied: readonly DeniedRecord[];
}

/** What is known before the first configuration. */
export const noClusterRecord: ClusterRecord = {
  members: [],
  grants: [],
  tombstones: [],
  denied: [],
};
