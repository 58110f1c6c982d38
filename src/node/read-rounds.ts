// Linearizable reads (dissertation 6.4): all that ask in one turn of the event loop share one round
// of confirmation by a quorum. A round started before a request arrived never answers it.
import type { ReadIndexReply } from '#http/backend.ts';
import type { Raft } from '#raft/raft.ts';
import type { ReadState } from '#raft/ready.ts';
import { backendRefusalOf, refused } from './proposals.ts';

type Done = (reply: ReadIndexReply) => void;

/** The reads that wait for a quorum's word. */
export class ReadRounds {
  readonly #raft: Raft;
  #collecting: Done[] = [];
  readonly #rounds = new Map<number, readonly Done[]>();
  #nextContext = 1;
  #scheduled = false;
  readonly #afterRound: () => void;

  /** `afterRound` is called when a round was started: the driver has something to send. */
  constructor(raft: Raft, afterRound: () => void) {
    this.#raft = raft;
    this.#afterRound = afterRound;
  }

  /** Asks from which index on a read is linearizable. */
  request(done: Done): void {
    this.#collecting.push(done);
    this.#schedule();
  }

  /** Rounds that ended. */
  ended(states: readonly ReadState[]): void {
    for (const { context, index, refused: broken } of states) {
      const waiting = this.#rounds.get(context);
      this.#rounds.delete(context);
      const reply: ReadIndexReply = broken
        ? refused('not_leader', 'leadership ended while the read waited for a quorum')
        : { kind: 'index', index };
      for (const done of waiting ?? []) done(reply);
    }
  }

  /** Something was committed: a new leader may be able to confirm reads now. */
  committed(): void {
    if (this.#collecting.length > 0) this.#schedule();
  }

  /** This node does not lead any more: nothing that waits can be confirmed here. */
  deposed(): void {
    const waiting = [...this.#rounds.values()].flat().concat(this.#collecting);
    this.#rounds.clear();
    this.#collecting = [];
    for (const done of waiting) done(refused('not_leader', 'this node does not lead'));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#start();
    });
  }

  #start(): void {
    if (this.#collecting.length === 0) return;
    const context = this.#nextContext;
    const refusal = this.#raft.readIndex(context);
    if (refusal?.kind === 'no-entry-of-own-term-committed') return;
    const waiting = this.#collecting;
    this.#collecting = [];
    if (refusal !== undefined) {
      const reply = backendRefusalOf(refusal);
      for (const done of waiting) done(reply);
      return;
    }
    this.#nextContext += 1;
    this.#rounds.set(context, waiting);
    this.#afterRound();
  }
}
