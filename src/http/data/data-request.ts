// A request for data and what becomes of it, apart from HTTP: the same for a client's request and
// for one that another node forwards.
import type { TableRules } from '#auth/table-rules.ts';
import type { Statement } from '#command/command.ts';
import type { ForwardKind, Level } from '#command/forward.ts';
import type { CodedAnswer } from '#http/coded-answer.ts';

/** What is asked. */
export interface DataRequest {
  /**
   * `load`: SQL text to load, in parts, in `texts`. `load-step`: the bytes of one are the one
   * parameter of the one statement.
   */
  readonly kind: ForwardKind;
  readonly user: string;
  readonly requestId: string;
  readonly clientAddress: string;
  readonly texts: readonly string[];
  readonly statements: readonly Statement[];
  /** A write under it is applied once; '': none. */
  readonly idempotencyKey: string;
  /** The user may write statements without a bound on their cost. */
  readonly heavy: boolean;
  /** The tables that the user may reach; undefined: all. */
  readonly tables: TableRules | undefined;
  readonly transaction: boolean;
  /** `renderBits`. */
  readonly render: number;
  readonly level: Level | 'auto';
  /** For level `none` on a node that does not lead; 0: no matter how old. */
  readonly freshnessMs: number;
  readonly freshnessStrict: boolean;
  readonly linearizableTimeoutMs: number;
  /** Bound of the way to another node. */
  readonly timeoutMs: number;
  /** Deadline of the reads; undefined: the server's own. */
  readonly dbTimeoutMs: number | undefined;
  /** Not the leader: name the leader instead of asking it. */
  readonly redirect: boolean;
  /** Another node sent it: it is never passed on. */
  readonly forwarded: boolean;
  /** The interactive transaction that this is a step of; '' or absent: none, or it opens one. */
  readonly transactionId?: string;
}

/** What became of it. */
export type DataReply =
  | {
      readonly kind: 'results';
      /** Elements of `results` without the brackets; where a transaction ends, a whole body. */
      readonly json: Uint8Array;
      /** Top-level `error`, empty when there is none. */
      readonly error: string;
      /** 0 when no log entry was made. */
      readonly raftIndex: number;
      /** Peer address of the leader that answered; empty when this node did. */
      readonly servedBy: string;
      /** Something about the request that its user should know: a line; empty for nothing. */
      readonly warning: string;
    }
  | { readonly kind: 'redirect'; readonly apiUrl: string }
  | { readonly kind: 'error'; readonly answer: CodedAnswer }
  /** An error body that another node wrote. */
  | { readonly kind: 'relayed'; readonly status: number; readonly json: Uint8Array };

/** Takes the reply; called exactly once. */
export type DataDone = (reply: DataReply) => void;

const nothing = new Uint8Array(0);

/** A reply of this node with elements of `results`; `error` as rqlite has it, in a success. */
export const resultsReply = (json: Uint8Array, raftIndex: number, error = ''): DataReply => ({
  kind: 'results',
  json,
  error,
  raftIndex,
  servedBy: '',
  warning: '',
});

/** A reply of this node that failed as a whole the way rqlite says so: status 200 and `error`. */
export const failedReply = (error: string): DataReply => resultsReply(nothing, 0, error);

/**
 * Whoever sent a key, or commits a transaction, can learn what became of a write of which that is
 * not known.
 */
export const saidWithKey = (
  reply: DataReply,
  { kind, idempotencyKey }: Pick<DataRequest, 'kind' | 'idempotencyKey'>,
): DataReply => {
  if (reply.kind !== 'error' || reply.answer.applied !== 'unknown') return reply;
  const isCommit = kind === 'transaction-commit';
  if (idempotencyKey === '' && !isCommit) return reply;
  const message = `${reply.answer.message}; ${isCommit ? commitAgain : askAgain}`;
  return { kind: 'error', answer: { ...reply.answer, message } };
};

const commitAgain = 'commit again, at any node: it is carried out once';

const askAgain = 'send it again with the same Idempotency-Key: it is applied once';
