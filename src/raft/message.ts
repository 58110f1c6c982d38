// What nodes say to each other. One variant a kind, one file `receive-<kind>.ts` for each.
import type { Entry } from './entry.ts';
import type { LogIndex } from './log-index.ts';
import type { Membership } from './membership.ts';
import type { NodeId } from './node-id.ts';
import type { Term } from './term.ts';

interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  /** The sender's term; of a pre-vote request the term it would campaign in. */
  readonly term: Term;
}

/** AppendEntries (dissertation 3.5): entries that follow (prevIndex, prevTerm). */
export interface Append extends Envelope {
  readonly kind: 'append';
  readonly prevIndex: LogIndex;
  readonly prevTerm: Term;
  readonly entries: readonly Entry[];
  readonly commitIndex: LogIndex;
}

/**
 * Accepted: the log matches the leader's through `matchIndex`, durably. Rejected: the log does not
 * hold the entry at `rejectedIndex` that the leader named; `hintIndex` and `hintTerm` say where the
 * logs may meet (conflict back-off by term). A hint behind `lastIndex` has a meaning of its own:
 * the sender lost entries that it had acknowledged (see receive-heartbeat.ts).
 */
export type AppendReply = Envelope & { readonly kind: 'append-reply' } & (
    | { readonly accepted: true; readonly matchIndex: LogIndex }
    | {
        readonly accepted: false;
        readonly rejectedIndex: LogIndex;
        readonly hintIndex: LogIndex;
        readonly hintTerm: Term;
        readonly lastIndex: LogIndex;
      }
  );

/** RequestVote (dissertation 3.4, 9.6 for `preVote`, 3.10 for `transfer`). */
export interface VoteRequest extends Envelope {
  readonly kind: 'vote-request';
  readonly preVote: boolean;
  /** The leader itself asked for this election: the check for a live leader does not apply. */
  readonly transfer: boolean;
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
}

/** The answer to a vote request or a pre-vote request. */
export interface VoteReply extends Envelope {
  readonly kind: 'vote-reply';
  readonly preVote: boolean;
  readonly granted: boolean;
}

/** A leader's sign of life. `readContext` 0: none; else the number of a read-index round (6.4). */
export interface Heartbeat extends Envelope {
  readonly kind: 'heartbeat';
  readonly commitIndex: LogIndex;
  readonly readContext: number;
}

/**
 * Answer to a heartbeat; returns its `readContext`. `note` is what the drivers of both ends have to
 * say to each other; the core neither writes nor reads it.
 */
export interface HeartbeatReply extends Envelope {
  readonly kind: 'heartbeat-reply';
  readonly readContext: number;
  readonly note?: Uint8Array;
}

/**
 * InstallSnapshot (dissertation 5): the receiver's log begins after `index`. The image itself goes
 * another way; the receiver's driver delivers this message once the image is on its disk.
 */
export interface Snapshot extends Envelope {
  readonly kind: 'snapshot';
  readonly index: LogIndex;
  readonly indexTerm: Term;
  readonly membership: Membership;
}

/** Leadership transfer (3.10): the receiver campaigns at once. */
export interface TimeoutNow extends Envelope {
  readonly kind: 'timeout-now';
}

/** Any message of the protocol. */
export type Message =
  | Append
  | AppendReply
  | VoteRequest
  | VoteReply
  | Heartbeat
  | HeartbeatReply
  | Snapshot
  | TimeoutNow;
