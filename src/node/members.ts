// Who the members are and where: the replicated records, and addresses that nodes told of
// themselves in the hello of a link. Decides whether a node whose certificate is in order is heard.
import type { MemberRecord } from '#command/member.ts';
import { type NodeName, nodeNameFrom } from '#identity/node-name.ts';
import type { Admission, PeerIdentity } from '#transport/transport.ts';

/** Members and addresses, as this node knows them now. */
export class Members {
  readonly #self: NodeName;
  #records = new Map<string, MemberRecord>();
  /** Addresses of nodes that are not (or not yet) in the records. */
  readonly #told = new Map<NodeName, string>();

  constructor(self: NodeName, records: readonly MemberRecord[]) {
    this.#self = self;
    this.replace(records);
  }

  /** The records of a newer configuration. */
  replace(records: readonly MemberRecord[]): void {
    this.#records = new Map(records.map((record) => [record.name, record]));
  }

  /** All records, by name. */
  get all(): readonly MemberRecord[] {
    return [...this.#records.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** One member's record. */
  record(name: string): MemberRecord | undefined {
    return this.#records.get(name);
  }

  /** A node told where it can be reached; true when that changes whom to dial. */
  told(name: NodeName, address: string): boolean {
    if (name === this.#self || address === '' || this.#told.get(name) === address) return false;
    this.#told.set(name, address);
    return true;
  }

  /** Whom to dial and where: what a node says of itself is newer than its record. */
  addresses(): ReadonlyMap<NodeName, string> {
    const addresses = new Map<NodeName, string>();
    for (const { name, peerAddress } of this.#records.values()) {
      if (name !== this.#self) addresses.set(nodeNameFrom(name), peerAddress);
    }
    for (const [name, address] of this.#told) addresses.set(name, address);
    return addresses;
  }

  /**
   * Whether a node is heard. A member must have the key and the disk that are on record: another
   * disk under a known name has forgotten its votes. Who is not on record is heard and counts for
   * nothing (dissertation 4.1: this node may be the one that lags behind).
   */
  admit(peer: PeerIdentity): Admission {
    const record = this.#records.get(peer.name);
    if (record === undefined) return { kind: 'heard' };
    if (record.keyPin !== peer.keyPin) {
      return {
        kind: 'refused',
        reason: `the key of ${peer.name} is not the one the cluster has on record`,
      };
    }
    if (record.storeId !== peer.storeId) {
      return {
        kind: 'refused',
        reason: `${peer.name} has another disk than the cluster has on record; remove it and join anew`,
      };
    }
    return { kind: 'heard' };
  }
}
