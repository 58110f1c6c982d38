// The consensus core: a synchronous state machine without clock, disk, network or randomness of its
// own. Same inputs, same outputs, byte for byte. This file only dispatches.
import type { Entry } from './entry.ts';
import type { HardState } from './hard-state.ts';
import type { LogIndex } from './log-index.ts';
import type { ConfigurationCodec, Membership, MembershipChange } from './membership.ts';
import type { Message } from './message.ts';
import type { NodeId } from './node-id.ts';
import type { Proposed, Ready, Refusal, SoftState } from './ready.ts';
import type { Term } from './term.ts';

/** Settings and effects that are handed in. */
export interface RaftOptions {
  readonly self: NodeId;
  /** An election starts after `electionTicks` to `2 * electionTicks - 1` ticks without a leader. */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** Most bytes of entries in one append. */
  readonly appendBytesMax: number;
  /** Most appends and bytes in flight to one follower. */
  readonly inFlightMessagesMax: number;
  readonly inFlightBytesMax: number;
  readonly uncommittedBytesMax: number;
  /** Most bytes of recent entries kept in memory for followers and for apply. */
  readonly cachedBytesMax: number;
  /** How a configuration entry's `data` is written; the bytes are defined outside the core. */
  readonly configurationCodec: ConfigurationCodec;
  /** A whole number from 0 to `below - 1`, from a generator that the caller seeds. */
  readonly random: (below: number) => number;
}

/** The state a node starts from: what its log and its database hold. */
export interface RaftStart {
  readonly hardState: HardState;
  /** The log begins behind this entry (both 0: at the first). */
  readonly trimmedIndex: LogIndex;
  readonly trimmedTerm: Term;
  /** Every term in the log with the first index of it, ascending. */
  readonly terms: readonly { readonly from: LogIndex; readonly term: Term }[];
  readonly lastIndex: LogIndex;
  /** The newest entries, as many as fit `cachedBytesMax`, without a gap to `lastIndex`. */
  readonly recentEntries: readonly Entry[];
  readonly appliedIndex: LogIndex;
  /** The membership at `appliedIndex`, and every configuration entry behind it, in order. */
  readonly membership: Membership;
  readonly configurationEntries: readonly Entry[];
}

/** The core's surface; see ready.ts for the driver's duties. */
export interface Raft {
  readonly softState: SoftState;
  readonly membership: Membership;
  readonly lastIndex: LogIndex;
  readonly commitIndex: LogIndex;
  tick(): void;
  step(message: Message): void;
  propose(data: Uint8Array): Proposed;
  proposeBarrier(): Proposed;
  /** `context` travels in the entry unread by the core (members' particulars). */
  proposeConfiguration(changes: readonly MembershipChange[], context: Uint8Array): Proposed;
  /** Starts (or joins) a read-index round; its end arrives as a ReadState with this context. */
  readIndex(context: number): Refusal | undefined;
  transferLeadership(to: NodeId): Refusal | undefined;
  campaign(): void;
  reportUnreachable(node: NodeId): void;
  reportSnapshot(node: NodeId, sent: boolean): void;
  hasReady(): boolean;
  ready(): Ready;
  durable(sequence: number): void;
  applied(index: LogIndex): void;
  loaded(entries: readonly Entry[]): void;
  /** Entries from `from`, in memory; undefined when the first of them is not (ask the log). */
  cachedEntries(from: LogIndex, through: LogIndex, bytesMax: number): readonly Entry[] | undefined;
  trimmed(index: LogIndex): void;
}
