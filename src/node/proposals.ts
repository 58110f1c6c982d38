// Proposals on their way through the log: from a front (or the barrier of a strong read) to the
// outcome of the entry. Refuses what the node has no room for, holds back what must wait for a
// change of the schema, and says `applied` truthfully in every answer.
import { requestIdOf } from '#command/command-codec.ts';
import { lastingBytes } from '#command/lasting-bytes.ts';
import { encodeOutcome } from '#command/outcome-codec.ts';
import { encodeProposal } from '#command/proposal-codec.ts';
import type { BackendRefusal, ProposeReply, ReadIndexReply } from '#http/backend.ts';
import { unreachable } from '#invariant.ts';
import { proposalQueueBytesMax, proposalQueueCommandsMax } from '#limits.ts';
import type { Entry } from '#raft/entry.ts';
import type { LogIndex } from '#raft/log-index.ts';
import type { Raft } from '#raft/raft.ts';
import type { Refusal } from '#raft/ready.ts';
import type { Term } from '#raft/term.ts';
import type { FrontProposal } from './seams/front-seam.ts';

/** What proposals need of the node. */
export interface ProposalsContext {
  readonly raft: Raft;
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number;
  /** 16 random bytes. */
  readonly seed: () => Uint8Array;
  readonly schemaIndex: () => number;
  readonly appliedIndex: () => LogIndex;
  /**
   * Why the node takes no proposals at the moment (its apply lags, it stops), else undefined;
   * `frees`: of those that only make room on the disk.
   */
  readonly closed: (frees: boolean) => BackendRefusal | undefined;
}

interface Pending {
  readonly term: Term;
  readonly render: number;
  /** The entry's outcome; undefined for a barrier, which has none. */
  readonly applied: (index: LogIndex, outcome: Uint8Array | undefined) => void;
  readonly lost: (refusal: BackendRefusal) => void;
}

interface Waiting {
  readonly proposal: FrontProposal;
  readonly done: (reply: ProposeReply) => void;
}

/** A refusal before anything was appended. */
export const refused = (code: BackendRefusal['code'], message: string): BackendRefusal => ({
  kind: 'refused',
  code,
  message,
  applied: 'no',
});

/** The consensus core's refusals in the words of the API. */
export const backendRefusalOf = (refusal: Refusal): BackendRefusal => {
  switch (refusal.kind) {
    case 'not-leader':
      return refused('not_leader', 'this node does not lead');
    case 'too-much-uncommitted':
      return refused('queue_full', 'too many writes wait for a quorum; try again');
    case 'transfer-in-progress':
      return refused('no_leader', 'leadership is being handed over; try again');
    case 'configuration-in-progress':
      return refused('queue_full', 'a change of the cluster is under way; try again');
    case 'no-entry-of-own-term-committed':
      return refused('no_leader', 'the new leader is not ready yet; try again');
    case 'target-stalled':
      return refused('not_ready', 'the database of that node does not keep up with its log');
    case 'invalid':
      return refused('bad_request', refusal.reason);
    default:
      return unreachable(refusal);
  }
};

/** All proposals of this node. */
export class Proposals {
  /** Entries stay in memory for followers. */
  readonly #allocate = lastingBytes();
  readonly #context: ProposalsContext;
  readonly #pending = new Map<number, Pending>();
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** The last entry that changes the schema; until it is applied, others wait. */
  #schemaBarrier = 0;
  #held = false;
  /** Log time of the newest entry in the log: the next one is never earlier. */
  #lastTimeMs: number;

  constructor(context: ProposalsContext, lastTimeMs: number) {
    this.#context = context;
    this.#lastTimeMs = lastTimeMs;
  }

  /** Proposals without an answer yet. */
  get size(): number {
    return this.#pending.size + this.#waiting.length;
  }

  /** An entry with this time is in the log. */
  observeTime(timeMs: number): void {
    if (timeMs > this.#lastTimeMs) this.#lastTimeMs = timeMs;
  }

  /** Proposes a command; `done` gets the entry's outcome or the reason why there is none. */
  submit(proposal: FrontProposal, done: (reply: ProposeReply) => void): void {
    const closed = this.#context.closed(proposal.frees);
    if (closed !== undefined) {
      done(closed);
      return;
    }
    if (this.#mustWait) this.#wait({ proposal, done });
    else this.#propose({ proposal, done });
  }

  /**
   * From now on proposals wait, but for `submitHolding`: once what is in the log is applied, the
   * database stays as it is. `release` follows soon.
   */
  hold(): void {
    this.#held = true;
  }

  /** Ends a hold; harmless without one. */
  release(): void {
    this.#held = false;
    this.#releaseWaiting();
  }

  /** Proposes a command for the sake of which the others are held. */
  submitHolding(proposal: FrontProposal, done: (reply: ProposeReply) => void): void {
    const closed = this.#context.closed(proposal.frees);
    if (closed === undefined) this.#propose({ proposal, done });
    else done(closed);
  }

  /** The time of the log now: an entry proposed next would have it, or a later one. */
  get logTimeMs(): number {
    return Math.max(this.#lastTimeMs, this.#context.now());
  }

  /**
   * Proposes a command of the node's own, although nothing else is taken: a restore for the sake of
   * which the others wait.
   */
  submitOwn(proposal: FrontProposal, done: (reply: ProposeReply) => void): void {
    this.#propose({ proposal, done });
  }

  /** Proposes an empty entry; `done` gets its index once it is applied here. */
  submitBarrier(done: (reply: ReadIndexReply) => void): void {
    const proposed = this.#context.raft.proposeBarrier();
    if (proposed.kind === 'refused') {
      done(backendRefusalOf(proposed.refusal));
      return;
    }
    this.#pending.set(proposed.index, {
      term: proposed.term,
      render: 0,
      applied: (index) => done({ kind: 'index', index }),
      lost: done,
    });
  }

  /** `renderBits` of an entry that is about to be applied; 0 when nobody here waits for it. */
  renderOf(entry: Entry): number {
    const pending = this.#pending.get(entry.index);
    if (pending === undefined) return 0;
    if (pending.term === entry.term) return pending.render;
    // Another leader's entry stands where ours was: ours can never be committed.
    this.#pending.delete(entry.index);
    pending.lost(refused('leadership_lost', 'another leader took over; nothing was applied'));
    return 0;
  }

  /** Entries were applied; `outcomes` are those that were asked for, in order. */
  applied(
    entries: readonly Entry[],
    outcomes: readonly { readonly index: number; readonly outcome: Uint8Array }[],
  ): void {
    let at = 0;
    for (const { index } of entries) {
      const outcome = outcomes[at]?.index === index ? outcomes[at++]?.outcome : undefined;
      const pending = this.#pending.get(index);
      if (pending === undefined) continue;
      this.#pending.delete(index);
      pending.applied(index, outcome);
    }
    this.#releaseWaiting();
  }

  /** The writer was restarted and holds everything up to `index`: their outcomes are lost. */
  resultsLost(index: LogIndex): void {
    for (const [at, pending] of this.#pending) {
      if (at > index) continue;
      this.#pending.delete(at);
      pending.lost({
        kind: 'refused',
        code: 'result_lost',
        message: 'the write was applied, but its result was lost in a restart of the writer',
        applied: 'yes',
      });
    }
    this.#releaseWaiting();
  }

  /** An image took the place of the entries up to `index`: what they were is not known here. */
  replacedByImage(index: LogIndex): void {
    for (const [at, pending] of this.#pending) {
      if (at > index) continue;
      this.#pending.delete(at);
      pending.lost({
        kind: 'refused',
        code: 'leadership_lost',
        message: 'another leader took over; whether the write was applied is not known',
        applied: 'unknown',
      });
    }
  }

  /** This node does not lead any more: what was not even appended is refused. */
  deposed(): void {
    const waiting = this.#waiting.splice(0);
    this.#waitingBytes = 0;
    this.#schemaBarrier = 0;
    this.#held = false;
    for (const { done } of waiting) done(refused('not_leader', 'this node does not lead'));
  }

  /** Refuses what of a request waits for a change of the schema; false: there is nothing. */
  kill(id: string, why: BackendRefusal): boolean {
    const ended = this.#waiting.filter(
      ({ proposal }) => id !== '' && requestIdOf(proposal.command) === id,
    );
    for (const waiting of ended) {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      this.#waitingBytes -= waiting.proposal.command.length;
      waiting.done(why);
    }
    return ended.length > 0;
  }

  get #mustWait(): boolean {
    return this.#held || this.#schemaBarrier > this.#context.appliedIndex();
  }

  #wait(waiting: Waiting): void {
    const bytes = waiting.proposal.command.length;
    if (
      this.#waiting.length >= proposalQueueCommandsMax ||
      this.#waitingBytes + bytes > proposalQueueBytesMax
    ) {
      waiting.done(
        refused('queue_full', 'too many writes wait for a schema change or a commit; try again'),
      );
      return;
    }
    this.#waiting.push(waiting);
    this.#waitingBytes += bytes;
  }

  #releaseWaiting(): void {
    while (this.#waiting.length > 0 && !this.#mustWait) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#waitingBytes -= next.proposal.command.length;
      this.#propose(next);
    }
  }

  #propose({ proposal, done }: Waiting): void {
    const schemaIndex = this.#context.schemaIndex();
    if (proposal.schemaIndex < schemaIndex) {
      // The writer would refuse it; say so without a log entry.
      const outcome = encodeOutcome({ kind: 'schema-changed', schemaIndex });
      done({ kind: 'outcome', index: 0, outcome });
      return;
    }
    const timeMs = this.logTimeMs;
    const { command } = proposal;
    const data = encodeProposal({ timeMs, seed: this.#context.seed(), command }, this.#allocate);
    const proposed = this.#context.raft.propose(data);
    if (proposed.kind === 'refused') {
      done(backendRefusalOf(proposed.refusal));
      return;
    }
    this.#lastTimeMs = timeMs;
    if (proposal.changesSchema) this.#schemaBarrier = proposed.index;
    this.#pending.set(proposed.index, {
      term: proposed.term,
      render: proposal.render,
      applied: (index, outcome) => done(outcomeReply(index, outcome)),
      lost: done,
    });
  }
}

const outcomeReply = (index: LogIndex, outcome: Uint8Array | undefined): ProposeReply =>
  outcome === undefined
    ? {
        kind: 'refused',
        code: 'result_lost',
        message: 'the write was applied, but its result was lost',
        applied: 'yes',
      }
    : {
        kind: 'outcome',
        index,
        outcome: Buffer.from(outcome.buffer, outcome.byteOffset, outcome.byteLength),
      };
