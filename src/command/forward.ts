// A data request that a follower passes to the leader, under the name of the user who sent it. The
// leader judges it by its own policy. Only data statements travel this way, never administration.
import type { Statement } from './command.ts';

/** Consistency of a read; `auto` is resolved before anything is forwarded. */
export type Level = 'none' | 'weak' | 'linearizable' | 'strong';

/**
 * What is asked of the leader; the last four are steps of an interactive transaction. The place of
 * each is its number in forward.proto, counted from 1: what comes later is added at the end.
 */
export const forwardKinds = [
  'execute',
  'query',
  'request',
  'load',
  'load-step',
  'transaction-open',
  'transaction-run',
  'transaction-commit',
  'transaction-rollback',
] as const;

/** One of {@link forwardKinds}. */
export type ForwardKind = (typeof forwardKinds)[number];

/** What the leader is asked to do. */
export interface ForwardRequest {
  readonly kind: ForwardKind;
  readonly user: string;
  readonly requestId: string;
  readonly clientAddress: string;
  readonly level: Level;
  /** `renderBits`. */
  readonly render: number;
  readonly transaction: boolean;
  readonly texts: readonly string[];
  readonly statements: readonly Statement[];
  readonly timeoutMs: number;
  /** '': none. */
  readonly idempotencyKey: string;
  /** Whole milliseconds; 0: as the leader has it. */
  readonly linearizableTimeoutMs: number;
  readonly dbTimeoutMs: number;
  /** Without the permission `heavy`, whatever the leader's file says: a token may hold less. */
  readonly withoutHeavy: boolean;
  /** The transaction that a step is of; '' for everything else. */
  readonly transactionId: string;
}

/**
 * What the leader answered; `body` is the complete JSON body less what only the asked node adds.
 */
export interface ForwardReply {
  /** HTTP status of the answer. */
  readonly status: number;
  /**
   * Elements of `results` for status 200 (a whole body where a transaction is opened or ended), a
   * JSON error body otherwise; UTF-8.
   */
  readonly json: Uint8Array;
  /** Top-level `error` of a 200 answer; empty when there is none. */
  readonly error: string;
  /** Index of the log entry, 0 for reads that took none. */
  readonly raftIndex: number;
  /** host:port of the leader's peer address: the value of X-RQLITE-SERVED-BY. */
  readonly servedBy: string;
  readonly microseconds: number;
  /** What the user should know of the request: a line for a header; empty when there is nothing. */
  readonly warning: string;
}
