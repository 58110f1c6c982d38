// What the core hands to its driver, and what the driver owes for it. The contract:
//
//  1. Persist `truncateFrom`, `entries` and `hardState` in one append, in this order, with one
//     sync.
//  2. `messagesNow` may leave at once (a leader's appends travel while its own disk works,
//     dissertation 10.2.1). `messagesAfterSync` leave only when step 1 is durable; with nothing to
//     persist they may leave at once (the core holds them back while an earlier batch is under
//     way).
//  3. When step 1 is durable call `durable(sequence)`; several Readys may be under way, in order.
//  4. `commitIndex` says what may be applied: committed, and durable here. The driver applies in
//     order, at its own pace, and reports with `applied(index)`.
//  5. `loads` asks for entries that are on disk but not in memory; answer with `loaded(...)`.
import type { Alarm } from './alarm.ts';
import type { Entry } from './entry.ts';
import type { HardState } from './hard-state.ts';
import type { LogIndex } from './log-index.ts';
import type { Message, Snapshot } from './message.ts';
import type { NodeId } from './node-id.ts';
import type { Term } from './term.ts';

/** What a node is at the moment. */
export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

/** What others may want to know at every turn; a new object only when something changed. */
export interface SoftState {
  readonly role: Role;
  readonly term: Term;
  readonly leader: NodeId | undefined;
}

/**
 * A read-index round that a quorum confirmed: reads at `index` or later are linearizable. A round
 * that can no longer succeed comes back with `refused` set.
 */
export interface ReadState {
  readonly context: number;
  /** 0 when refused. */
  readonly index: LogIndex;
  readonly refused: boolean;
}

/** Entries on disk, wanted in memory. */
export interface LoadRequest {
  readonly from: LogIndex;
  readonly bytesMax: number;
}

/**
 * A follower that needs an image: its next entry is no longer in the log. The image that is sent
 * may hold more than `message` says; the message that travels with it then names what it holds. How
 * it ended is reported with `reportSnapshot` in any case: until then the follower is sent nothing.
 */
export interface SnapshotRequest {
  readonly to: NodeId;
  readonly message: Snapshot;
}

/** One turn's work for the driver. Absent parts are empty or undefined. */
export interface Ready {
  /** Grows by one with each Ready that has something to persist; returned with `durable`. */
  readonly sequence: number;
  /** Remove this entry and all behind it before `entries` are appended. */
  readonly truncateFrom: LogIndex | undefined;
  readonly entries: readonly Entry[];
  readonly hardState: HardState | undefined;
  /** An image was adopted: the log starts anew behind it, before anything else is persisted. */
  readonly snapshot: { readonly index: LogIndex; readonly term: Term } | undefined;
  /** Whether anything above needs the disk (then `durable(sequence)` is owed). */
  readonly mustSync: boolean;
  readonly messagesNow: readonly Message[];
  readonly messagesAfterSync: readonly Message[];
  /** Committed and on this disk: may be applied. Never goes back. */
  readonly commitIndex: LogIndex;
  readonly softState: SoftState;
  readonly readStates: readonly ReadState[];
  readonly loads: readonly LoadRequest[];
  readonly snapshotRequests: readonly SnapshotRequest[];
  /** What no correct cluster does; the core has refused it already. For log, metrics, operator. */
  readonly alarms: readonly Alarm[];
}

/** Why the core takes no proposal, configuration, read or transfer now. */
export type Refusal =
  | { readonly kind: 'not-leader'; readonly leader: NodeId | undefined }
  | { readonly kind: 'too-much-uncommitted' }
  | { readonly kind: 'transfer-in-progress' }
  | { readonly kind: 'target-stalled' }
  | { readonly kind: 'configuration-in-progress' }
  | { readonly kind: 'no-entry-of-own-term-committed' }
  | { readonly kind: 'invalid'; readonly reason: string };

/** What a proposal became. */
export type Proposed =
  | { readonly kind: 'accepted'; readonly index: LogIndex; readonly term: Term }
  | { readonly kind: 'refused'; readonly refusal: Refusal };
