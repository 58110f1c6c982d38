// Who the members are and where: the replicated records, and addresses that nodes told of
// themselves in the hello of a link. Decides whether a node whose certificate is in order is heard.
import type {
  ClusterRecord,
  DeniedRecord,
  MemberRecord,
  TombstoneRecord,
} from '#command/member.ts';
import { isNodeName, type NodeName, nodeNameFrom } from '#identity/node-name.ts';
import type { Entry } from '#raft/entry.ts';
import type { LogIndex } from '#raft/log-index.ts';
import { type CertificateMarks, denialOf } from '#tls/deny-list.ts';
import type { Admission, PeerIdentity } from '#transport/transport.ts';
import { ClusterRecords, type PlacedRecord } from './cluster-records.ts';
import { epochOf, isRecoveryTerm } from './recovery/epoch.ts';

/** What a removed node is told first: it reads it as its own removal. */
export const removedSentence = (name: NodeName): string =>
  `removed_from_cluster: ${name} was removed from this cluster`;

/** What a node is told first that a recovery left behind. */
export const recoveredSentence = (name: NodeName): string =>
  `recovered_without: this cluster was recovered without ${name}`;

/** The first word of the refusal that a denied node is told. */
const deniedWord = 'denied';

/** Members and addresses, as this node knows them now. */
export class Members {
  readonly #self: NodeName;
  #records: ClusterRecords;
  #byName = new Map<string, MemberRecord>();
  #onDenied: (denied: readonly DeniedRecord[]) => void = () => undefined;
  /** Not on record here, but on that of a member that was asked. */
  #introduced = new Map<string, MemberRecord>();
  /** Addresses that nodes told of themselves. */
  readonly #told = new Map<NodeName, string>();

  readonly #term: () => number;

  /** `term` is the present one of this node: it tells whether the cluster was recovered. */
  constructor(self: NodeName, records: ClusterRecords, term: () => number = () => 0) {
    this.#term = term;
    this.#self = self;
    this.#records = records;
    this.#index();
  }

  /** Entries on their way to the log; true when they change who the members are. */
  appended(entries: readonly Entry[]): boolean {
    const changed = this.#records.appended(entries);
    if (changed) this.#index();
    return changed;
  }

  /** Entries up to `index` are committed; true when that changes who is refused. */
  committedTo(index: LogIndex): boolean {
    const before = this.committed.denied;
    const changed = this.#records.committedTo(index);
    if (!changed) return false;
    this.#forgetRemoved();
    if (this.committed.denied !== before) this.#onDenied(this.committed.denied);
    return true;
  }

  /** An image took the place of the database: its record is what is known from here on. */
  restart(index: LogIndex, encoded: Uint8Array): void {
    this.#records = new ClusterRecords(index, encoded);
    this.#index();
    this.#forgetRemoved();
    this.#onDenied(this.committed.denied);
  }

  /** Is told the committed deny-list now and whenever it changes; one listener. */
  watchDenied(listener: (denied: readonly DeniedRecord[]) => void): void {
    this.#onDenied = listener;
    listener(this.committed.denied);
  }

  /** Why the cluster shuts out a node, for its log; undefined when it does not. */
  denial(node: CertificateMarks & { readonly name: string }): string | undefined {
    const denial = denialOf(this.committed.denied, node, node.name);
    if (denial === undefined) return undefined;
    const what = denial.name === '' ? `certificate ${denial.serial}` : `node ${denial.name}`;
    const why = denial.reason === '' ? '' : ` (${denial.reason})`;
    return `${deniedWord}: ${what} is shut out of this cluster${why}; an operator lifts it with: stockade deny --lift`;
  }

  /** The record in the log's newest configuration entry. */
  get latest(): PlacedRecord {
    return this.#records.latest;
  }

  /** The newest record that is known to be committed. */
  get committed(): ClusterRecord {
    return this.#records.committed.record;
  }

  /** The term of the configuration entry at an index from the committed one on. */
  termAt(index: LogIndex): number | undefined {
    return this.#records.termAt(index);
  }

  /** All records, by name. */
  get all(): readonly MemberRecord[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Takes a member's word for who else is one; it holds until this node's own record changes. */
  introduce(records: readonly MemberRecord[]): void {
    this.#introduced = new Map(records.map((record) => [record.name, record]));
  }

  /** Whether a member gave its word that this node is one. */
  isIntroduced(name: string): boolean {
    return this.#introduced.has(name);
  }

  /** One member's record. */
  record(name: string): MemberRecord | undefined {
    return this.#byName.get(name);
  }

  /** A node told where it can be reached; true when that changes whom to dial. */
  told(name: NodeName, address: string): boolean {
    if (name === this.#self || address === '' || this.#told.get(name) === address) return false;
    this.#told.set(name, address);
    return true;
  }

  /** Where a node said it can be reached; undefined when it said nothing yet. */
  toldBy(name: NodeName): string | undefined {
    return this.#told.get(name);
  }

  /**
   * Whom to dial and where: what a node says of itself is newer than its record. Nobody who is
   * denied.
   */
  addresses(): ReadonlyMap<NodeName, string> {
    const addresses = new Map<NodeName, string>();
    for (const { name, peerAddress } of this.#byName.values()) {
      if (name !== this.#self) addresses.set(nodeNameFrom(name), peerAddress);
    }
    for (const [name, address] of this.#told) addresses.set(name, address);
    for (const { name } of this.committed.denied) if (isNodeName(name)) addresses.delete(name);
    return addresses;
  }

  /**
   * Whether a node is heard. One that was removed is not, by its disk or its key. A member must
   * have the key and the disk that are on record: another disk under a known name has forgotten
   * its votes. Who is not on record is heard and counts for nothing (dissertation 4.1: this node
   * may be the one that lags behind).
   */
  admit(peer: PeerIdentity): Admission {
    const denial = this.denial(peer);
    if (denial !== undefined) return { kind: 'refused', reason: denial };
    const reason = this.#fault(peer);
    return reason === undefined ? { kind: 'heard' } : { kind: 'refused', reason };
  }

  /** Why a node is none of the members; empty for a member with its own key and disk. */
  strangeness(node: Pick<PeerIdentity, 'name' | 'keyPin' | 'storeId'>): string {
    const unknown = this.#byName.has(node.name) ? '' : `${node.name} is not on its record`;
    return this.#fault(node) ?? unknown;
  }

  #fault({
    name,
    keyPin,
    storeId,
  }: Pick<PeerIdentity, 'name' | 'keyPin' | 'storeId'>): string | undefined {
    const removed = this.#tombstones.some(
      (tombstone) => tombstone.storeId === storeId || tombstone.keyPin === keyPin,
    );
    if (removed && epochOf(this.#term()) > 0) {
      return `${recoveredSentence(name)}; to bring the machine back, join anew with an empty folder`;
    }
    if (removed) {
      return `${removedSentence(name)}; to bring the machine back, join anew with an empty folder`;
    }
    const record = this.#byName.get(name) ?? this.#introduced.get(name);
    if (record === undefined) return undefined;
    if (record.keyPin !== keyPin) {
      return `the key of ${name} is not the one the cluster has on record`;
    }
    if (record.storeId !== storeId) {
      return `${name} has another disk than the cluster has on record; remove it and join anew`;
    }
    return undefined;
  }

  /**
   * Who is never heard. A removal counts when it is committed; a recovery at once, because nobody
   * whom it buries can be of a quorum that takes it back.
   */
  get #tombstones(): readonly TombstoneRecord[] {
    const { record, term } = this.latest;
    return term !== undefined && isRecoveryTerm(term)
      ? record.tombstones
      : this.committed.tombstones;
  }

  #index(): void {
    this.#introduced.clear();
    this.#byName = new Map(this.latest.record.members.map((member) => [member.name, member]));
  }

  /** A removed node is dialled no more, whatever it told of itself. */
  #forgetRemoved(): void {
    const { members, tombstones } = this.committed;
    for (const { name } of tombstones) {
      if (!members.some((member) => member.name === name)) this.#told.delete(nodeNameFrom(name));
    }
  }
}
