// What the cluster knows of one member: replicated state, carried as the context of configuration
// entries, which the consensus core passes on unread.

/** One member's particulars. */
export interface MemberRecord {
  readonly name: string;
  readonly storeId: string;
  /** SHA-256 of the public key of the node's certificate (SPKI), lower-case hexadecimal. */
  readonly keyPin: string;
  /** host:port of the peer port. */
  readonly peerAddress: string;
  /** https://host:port of the API. */
  readonly apiUrl: string;
}
