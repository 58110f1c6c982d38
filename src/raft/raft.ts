// The consensus core: a synchronous state machine without clock, disk, network or randomness of its
// own. Same inputs, same outputs, byte for byte. This file only dispatches.
import { describeState } from './describe.ts';
import { campaign, tickElection, tickLeader } from './election.ts';
import type { Entry } from './entry.ts';
import type { HardState } from './hard-state.ts';
import type { LogIndex } from './log-index.ts';
import type { ConfigurationCodec, Membership, MembershipChange } from './membership.ts';
import type { Message } from './message.ts';
import type { NodeId } from './node-id.ts';
import { propose, proposeConfiguration } from './propose.ts';
import { createRaftState, currentSoftState, membershipOf, type RaftState } from './raft-state.ts';
import { readIndex } from './read-index.ts';
import type { Proposed, Ready, Refusal, SoftState } from './ready.ts';
import {
  reportApplied,
  reportDurable,
  reportLoaded,
  reportSnapshot,
  reportStalled,
  reportTrimmed,
  reportUnreachable,
} from './reports.ts';
import { step } from './step.ts';
import { hasReady, takeReady } from './take-ready.ts';
import type { Term } from './term.ts';
import { transferLeadership } from './transfer.ts';

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

/** What a leader knows of one follower. */
export interface Follower {
  readonly node: NodeId;
  /** Its log is known to match, durably, up to here; 0 while nothing is known. */
  readonly match: LogIndex;
  /** It waits for an image. */
  readonly needsImage: boolean;
  /** It was heard since the last check of the quorum, which comes once an election time-out. */
  readonly isActive: boolean;
  /** Its database stands still behind its log, as was reported last. */
  readonly isStalled: boolean;
}

/** The core's surface; see ready.ts for the driver's duties. */
export interface Raft {
  /** The same object until something in it changes. */
  readonly softState: SoftState;
  /** The configuration in force: the latest in the log, committed or not (4.1). */
  readonly membership: Membership;
  readonly lastIndex: LogIndex;
  /** Known to be committed; what may be applied is Ready.commitIndex. */
  readonly commitIndex: LogIndex;
  /** Empty unless this node leads. */
  readonly followers: readonly Follower[];
  /** One tick of the driver's clock. */
  tick(): void;
  /** A message from the network. What no correct node sends is dropped, with an alarm. */
  step(message: Message): void;
  /** `data` belongs to the core from here on. */
  propose(data: Uint8Array): Proposed;
  /** `data` is for drivers, empty unless given: an entry that changes nothing may carry a mark. */
  proposeBarrier(data?: Uint8Array): Proposed;
  /**
   * `context` travels in the entry unread by the core (members' particulars). More than one voter
   * changes through a joint configuration that is left by itself, with an entry of empty context.
   * No changes: leaves a joint configuration that is not left by itself.
   */
  proposeConfiguration(changes: readonly MembershipChange[], context: Uint8Array): Proposed;
  /** Starts (or joins) a read-index round; its end arrives as a ReadState with this context. */
  readIndex(context: number): Refusal | undefined;
  transferLeadership(to: NodeId): Refusal | undefined;
  /**
   * How far the log of another node is known to match, durably; undefined where this node does not
   * lead or does not send it the log.
   */
  matchOf(node: NodeId): LogIndex | undefined;
  /** Campaigns (with a rehearsal) without waiting for the time-out, where this node may at all. */
  campaign(): void;
  /** A message to the node could not be delivered. */
  reportUnreachable(node: NodeId): void;
  /**
   * Whether the node's database stands still behind its log, as far as this leader heard.
   * Leadership is handed to nobody of whom that was the last word.
   */
  reportStalled(node: NodeId, isStalled: boolean): void;
  /** The image that was asked for is delivered, or cannot be. */
  reportSnapshot(node: NodeId, sent: boolean): void;
  /** Whether ready() has work. This ends the turn: what was proposed so far is sent together. */
  hasReady(): boolean;
  ready(): Ready;
  /** The batches up to this sequence are on disk. */
  durable(sequence: number): void;
  /** Entries up to `index` are applied; called in order, lower indexes are ignored. */
  applied(index: LogIndex): void;
  /** The answer to one LoadRequest: at least one entry, without a gap. */
  loaded(entries: readonly Entry[]): void;
  /** Entries from `from`, in memory; undefined when the first of them is not (ask the log). */
  cachedEntries(from: LogIndex, through: LogIndex, bytesMax: number): readonly Entry[] | undefined;
  /** The log on disk no longer holds entries up to `index`, which are applied. */
  trimmed(index: LogIndex): void;
  /** One line for logs. */
  describe(): string;
}

const followersOf = ({ role }: RaftState): readonly Follower[] =>
  role.kind === 'leader'
    ? [...role.progress].map(([node, progress]) => ({
        node,
        match: progress.match,
        needsImage: progress.state === 'snapshot',
        isActive: progress.recentlyActive,
        isStalled: progress.isStalled,
      }))
    : [];

/**
 * A core that continues from what is on disk. Throws InvariantError when that contradicts itself.
 */
export const createRaft = (options: RaftOptions, start: RaftStart): Raft => {
  const state = createRaftState(options, start);
  return {
    get softState() {
      return currentSoftState(state);
    },
    get membership() {
      return membershipOf(state);
    },
    get lastIndex() {
      return state.log.lastIndex;
    },
    get commitIndex() {
      return state.commitIndex;
    },
    get followers() {
      return followersOf(state);
    },
    tick() {
      if (state.role.kind === 'leader') tickLeader(state, state.role);
      else tickElection(state);
    },
    step: (message) => step(state, message),
    propose: (data) => propose(state, 'command', data),
    proposeBarrier: (data = new Uint8Array(0)) => propose(state, 'barrier', data),
    proposeConfiguration: (changes, context) => proposeConfiguration(state, changes, context),
    readIndex: (context) => readIndex(state, context),
    transferLeadership: (to) => transferLeadership(state, to),
    matchOf: (node) =>
      state.role.kind === 'leader' ? state.role.progress.get(node)?.match : undefined,
    campaign: () => campaign(state),
    reportUnreachable: (node) => reportUnreachable(state, node),
    reportStalled: (node, isStalled) => reportStalled(state, node, isStalled),
    reportSnapshot: (node, sent) => reportSnapshot(state, node, sent),
    hasReady: () => hasReady(state),
    ready: () => takeReady(state),
    durable: (sequence) => reportDurable(state, sequence),
    applied: (index) => reportApplied(state, index),
    loaded: (entries) => reportLoaded(state, entries),
    cachedEntries: (from, through, bytesMax) => state.log.slice(from, through, bytesMax),
    trimmed: (index) => reportTrimmed(state, index),
    describe: () => describeState(state),
  };
};
