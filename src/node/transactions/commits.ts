// Commits of interactive transactions: proposals are held back until all that is in the log is
// applied, everything that the client saw is seen once more, and the statements become one command
// that is carried out right there, and nowhere else in the log.
import { createHash } from 'node:crypto';
import type { Idempotency } from '#command/command.ts';
import { encodeCommand } from '#command/command-codec.ts';
import { type Outcome, renderBits } from '#command/outcome.ts';
import { decodeOutcome } from '#command/outcome-codec.ts';
import type { BackendRefusal, ProposeReply, TransactionReply } from '#http/backend.ts';
import { unreachable } from '#invariant.ts';
import { keptMs, transactionHoldMs } from '#limits.ts';
import { type Proposals, refused } from '#node/proposals.ts';
import type { FrontProposal } from '#node/seams/front-seam.ts';
import { conflict, failedAtCommit, heldTooLong, noSuch, troubled, writerGone } from './refusals.ts';
import type { Transaction } from './transaction.ts';
import { runTrial, type TryingWriter } from './trials.ts';

/** What commits need of the node. */
export interface CommitContext {
  readonly writer: () => TryingWriter | undefined;
  readonly proposals: Pick<Proposals, 'hold' | 'release' | 'submit' | 'submitHolding'>;
  /** The term in which this node leads; undefined: it does not. */
  readonly leadsIn: () => number | undefined;
  /** The last entry in the log, and the last that is applied here. */
  readonly lastIndex: () => number;
  readonly appliedIndex: () => number;
  /** No entry behind this one that is applied here can have changed data. */
  readonly lastChange: () => number;
  /** What was proposed is to be sent. */
  readonly afterwards: () => void;
  /** Milliseconds since 1970, and monotonic milliseconds. */
  readonly wallMs: () => number;
  readonly now: () => number;
}

/** Who commits what. */
export interface CommitRequest {
  readonly id: string;
  readonly user: string;
  readonly requestId: string;
  /** '': none. */
  readonly key: string;
}

/** How a commit ended; `isOver`: the transaction with it. */
export type CommitEnd =
  | { readonly kind: 'killed' }
  | { readonly kind: 'replied'; readonly reply: TransactionReply; readonly isOver: boolean };

/** The one commit that holds proposals back. */
interface Holding {
  readonly through: number;
  readonly go: (refusal: BackendRefusal | undefined) => void;
}

const over = (reply: TransactionReply): CommitEnd => ({ kind: 'replied', reply, isOver: true });
const stays = (reply: TransactionReply): CommitEnd => ({ kind: 'replied', reply, isOver: false });

/** A look-up is never carried out, whatever schema it names. */
const anySchema = Number.MAX_SAFE_INTEGER;

/** Before what is remembered is forgotten, it is no longer relied on. */
const rememberedMs = keptMs - 10 * 60_000;

/** See the head of this file. */
export class Commits {
  readonly #context: CommitContext;
  #holding: Holding | undefined;

  constructor(context: CommitContext) {
    this.#context = context;
  }

  /** Entries were applied here. */
  applied(): void {
    const holding = this.#holding;
    if (holding !== undefined && this.#context.appliedIndex() >= holding.through) {
      holding.go(undefined);
    }
  }

  /** This node does not lead any more. */
  deposed(): void {
    this.#holding?.go(noSuch);
  }

  /** Commits; `usedMs` is told when the writer and the proposals are free again. */
  commit(
    transaction: Transaction,
    request: CommitRequest,
    free: (usedMs: number) => void,
    done: (end: CommitEnd) => void,
  ): void {
    const { proposals, now, leadsIn, lastIndex, afterwards } = this.#context;
    const sinceMs = now();
    const term = leadsIn();
    const letGo = (): void => {
      proposals.release();
      afterwards();
      free(now() - sinceMs);
    };
    proposals.hold();
    this.#whenDrained((refusal) => {
      if (refusal !== undefined) {
        letGo();
        done(refusal === noSuch ? over(refusal) : stays(refusal));
        return;
      }
      this.#seeAgain(transaction, sinceMs, (end) => {
        // Who leads in the same term has led all the time.
        const stillLeads = term !== undefined && leadsIn() === term;
        if (end === undefined && stillLeads) {
          // No command was proposed since the last one that the writer has applied.
          const command = transaction.commitOf(lastIndex(), request.requestId, keyOf(request));
          const { schemaIndex = 0 } = transaction;
          proposals.submitHolding(proposalOf(command, schemaIndex), (reply) => {
            done(committedFrom(reply));
          });
        }
        if (end !== undefined) done(end);
        else if (!stillLeads) done(over(noSuch));
        letGo();
      });
    });
  }

  /**
   * What came of a transaction that is not open here: a command that cannot be carried out asks the
   * database for it. Once that is applied, no commit of an earlier leader can be any more.
   */
  lookUp(request: CommitRequest, done: (reply: TransactionReply) => void): void {
    const { id, user, requestId } = request;
    const idempotency = keyOf(request);
    const command = encodeCommand({
      ...{ texts: [], statements: [], transaction: true, changesSchema: false },
      ...{ schemaIndex: 0, user, requestId },
      ...(idempotency === undefined ? {} : { idempotency }),
      interactive: { id, fence: 0, timeMs: 0, seed: Buffer.alloc(16) },
    });
    this.#context.proposals.submit(proposalOf(command, anySchema), (reply) => {
      if (reply.kind === 'refused') done(reply);
      else done(this.#lookedUp(id, decodeOutcome(reply.outcome)));
    });
    this.#context.afterwards();
  }

  #lookedUp(id: string, outcome: Outcome): TransactionReply {
    if (outcome.kind === 'repeated' || outcome.kind === 'key-reused') return replyOf(outcome, 0);
    const openedMs = Number.parseInt(id, 36);
    if (this.#context.wallMs() - openedMs < rememberedMs) return noSuch;
    return {
      ...noSuch,
      message: `${noSuch.message}; too long ago to say more`,
      applied: 'unknown',
    };
  }

  /** `go` is called once: when all that is in the log is applied, or with why it gives up. */
  #whenDrained(go: (refusal: BackendRefusal | undefined) => void): void {
    const { lastIndex, appliedIndex } = this.#context;
    const timer = setTimeout(() => this.#holding?.go(heldTooLong), transactionHoldMs);
    this.#holding = {
      through: lastIndex(),
      go: (refusal) => {
        clearTimeout(timer);
        this.#holding = undefined;
        go(refusal);
      },
    };
    if (appliedIndex() >= this.#holding.through) this.#holding.go(undefined);
  }

  /** Runs everything once more; `seen` gets why it is not as it was, else undefined. */
  #seeAgain(
    transaction: Transaction,
    sinceMs: number,
    seen: (end: CommitEnd | undefined) => void,
  ): void {
    const { writer, now, lastChange } = this.#context;
    const [...left] = transaction.trialsSince(lastChange());
    const next = (): void => {
      const trial = left.shift();
      if (trial === undefined) {
        seen(undefined);
        return;
      }
      if (now() - sinceMs > transactionHoldMs) {
        seen(stays(heldTooLong));
        return;
      }
      runTrial(writer(), trial, now, (end) => {
        if (end.kind === 'overdue') seen({ kind: 'killed' });
        else if (end.kind === 'gone') seen(stays(writerGone));
        else if (end.result.kind === 'trouble') seen(stays(troubled(end.result.reason)));
        else if (end.result.kind === 'ran') next();
        else seen(over(conflict));
      });
    };
    next();
  }
}

/** Under a key of its client a transaction is another request than every other one. */
const keyOf = ({ id, key }: CommitRequest): Idempotency | undefined =>
  key === ''
    ? undefined
    : { key, digest: createHash('sha256').update(`transaction ${id}`).digest(), render: 0 };

const proposalOf = (command: Uint8Array, schemaIndex: number): FrontProposal => ({
  ...{ command, schemaIndex, render: renderBits.wanted },
  ...{ changesSchema: false, rehearse: false, frees: false },
});

const committedFrom = (reply: ProposeReply): CommitEnd => {
  if (reply.kind === 'outcome') return over(replyOf(decodeOutcome(reply.outcome), reply.index));
  // What was not taken may be sent again, unless the leader has changed.
  return reply.applied === 'no' && reply.code !== 'leadership_lost' ? stays(reply) : over(reply);
};

const replyOf = (outcome: Outcome, index: number): TransactionReply => {
  switch (outcome.kind) {
    case 'results':
      return outcome.error === '' ? { kind: 'committed', index } : failedAtCommit(outcome.error);
    case 'repeated':
      if (outcome.error !== '') return failedAtCommit(outcome.error);
      return { kind: 'committed', index: outcome.index };
    case 'conflict':
    case 'schema-changed':
      return conflict;
    case 'key-reused':
      return refused('key_reused', 'this Idempotency-Key was used for another request');
    default:
      return unreachable(outcome);
  }
};
