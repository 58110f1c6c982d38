// Leadership as an operator handles it: taken by the node that is asked for a change, given to a
// named voter or to whoever can take it. Raft decides who wins; this only asks.
import { CodedError } from '#errors.ts';
import type { BackendRefusal } from '#http/backend.ts';
import { isNodeName, type NodeName } from '#identity/node-name.ts';
import { type NodeId, nodeId } from '#raft/node-id.ts';
import type { Raft } from '#raft/raft.ts';
import type { Transport } from '#transport/transport.ts';
import type { Logger } from './logger.ts';
import { peerCalls } from './peer-calls.ts';

/** Said by who does not care to whom the leader hands over; an empty wish is for the caller. */
const anybody = '?';

/** How long a leader may take to answer that it hands over. */
const handOverMs = 1000;
/** How long another node may take to lead after that. */
const transferMs = 5000;
/** Between two looks at who leads. */
const lookEveryMs = 25;

/** What the office needs of the node. */
export interface OfficeContext {
  readonly self: NodeName;
  readonly raft: Raft;
  readonly transport: Pick<Transport, 'isUp' | 'call'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly monotonicMs: () => number;
  /**
   * As the leader, hands over to a voter (empty: to any that is there) and waits at most so long
   * until another leads.
   */
  readonly stepDown: (to: string, waitMs: number) => Promise<{ kind: 'done' } | BackendRefusal>;
}

/** See the head of this file. */
export class Office {
  readonly #context: OfficeContext;
  #closed = false;

  constructor(context: OfficeContext) {
    this.#context = context;
  }

  /** The node stops: nothing is waited for any more. */
  close(): void {
    this.#closed = true;
  }

  /**
   * Makes this node the leader. @throws CodedError `not_leader` when it is no voter, `no_leader`
   */
  async take(untilMs: number): Promise<void> {
    const { raft, self, monotonicMs } = this.#context;
    let askAtMs = 0;
    while (raft.softState.role !== 'leader') {
      if (!raft.membership.voters.includes(nodeId(self))) {
        throw new CodedError('not_leader', `${self} is no voter and cannot change the cluster`, {
          hint: 'Run the command on a voter.',
        });
      }
      if (this.#closed) throw new CodedError('shutting_down', 'this node is stopping');
      if (monotonicMs() > untilMs) {
        throw new CodedError('no_leader', `${self} could not take over the leadership in time`, {
          hint: 'See whether a majority of the nodes runs and reaches each other, then try again.',
        });
      }
      if (monotonicMs() >= askAtMs) {
        askAtMs = monotonicMs() + handOverMs;
        void this.#ask('', handOverMs);
      }
      await pause();
    }
  }

  /**
   * Gives the leadership, wherever it is, to a voter; empty: to any other that is there. Resolves
   * to who leads then.
   *
   * @throws CodedError `bad_request` for no voter, `unreachable`, `no_leader`, `timeout`
   */
  async transfer(to: string): Promise<string> {
    const { raft, self, stepDown, monotonicMs } = this.#context;
    const before = raft.softState.leader;
    if (to === self) await this.take(monotonicMs() + transferMs);
    else if (raft.softState.role === 'leader') done(await stepDown(to, transferMs));
    else if (to !== before || to === '') {
      const refusal = await this.#ask(to === '' ? anybody : to, transferMs);
      if (refusal !== '') throw new CodedError('unreachable', refusal);
    }
    const leads = (leader: NodeId): boolean => (to === '' ? leader !== before : leader === to);
    const leader = await this.#leaderIn(transferMs, leads);
    if (leader !== undefined) return leader;
    throw new CodedError('timeout', `${to === '' ? 'no other node' : to} does not lead yet`, {
      hint: 'See who leads: stockade nodes',
    });
  }

  /** Gives the leadership away if this node has it; resolves to who leads. @throws CodedError */
  async lay(): Promise<NodeName> {
    const { raft, self, stepDown } = this.#context;
    if (raft.softState.role === 'leader') done(await stepDown('', transferMs));
    // Whoever was the leader a moment ago hears of the next one only when that one has won.
    const leader = await this.#leaderIn(transferMs, (name) => name !== nodeId(self));
    if (leader !== undefined && isNodeName(leader)) return leader;
    throw new CodedError('no_leader', 'no other node leads');
  }

  /** Who leads, as soon as it is one that fits; undefined when that takes longer than `waitMs`. */
  async #leaderIn(waitMs: number, fits: (leader: NodeId) => boolean): Promise<NodeId | undefined> {
    const { raft, monotonicMs } = this.#context;
    const untilMs = monotonicMs() + waitMs;
    for (;;) {
      const { leader } = raft.softState;
      if (leader !== undefined && fits(leader)) return leader;
      if (monotonicMs() > untilMs) return undefined;
      await pause();
    }
  }

  /** A peer's call; false when it is not about the leadership. */
  answer(
    from: NodeName,
    method: number,
    payload: Buffer,
    reply: (payload: Uint8Array) => void,
  ): boolean {
    if (method !== peerCalls.handOver) return false;
    const wish = payload.toString('utf8');
    if (wish === '') {
      void this.#giveTo(from);
      reply(Buffer.alloc(0));
      return true;
    }
    const { stepDown, log } = this.#context;
    log.info({ to: wish, askedBy: from }, 'leadership is to be handed over, as asked');
    void stepDown(wish === anybody ? '' : wish, 0).then((given) => {
      reply(Buffer.from(given.kind === 'done' ? '' : given.message));
    });
    return true;
  }

  async #giveTo(to: NodeName): Promise<void> {
    const { stepDown, log } = this.#context;
    const given = await stepDown(to, 0);
    if (given.kind === 'done') log.info({ to }, 'leadership is handed over, as asked');
  }

  /** Asks the leader, if there is another one; resolves to its refusal, empty when it agrees. */
  #ask(wish: string, waitMs: number): Promise<string> {
    const { raft, transport } = this.#context;
    const { leader } = raft.softState;
    if (leader === undefined || !isNodeName(leader)) return Promise.resolve('no node leads');
    return new Promise((resolve) => {
      transport.call(leader, peerCalls.handOver, Buffer.from(wish), waitMs, (reply) => {
        resolve(reply.kind === 'reply' ? reply.payload.toString('utf8') : reply.reason);
      });
    });
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, lookEveryMs));

/** @throws CodedError what was refused */
const done = (reply: { kind: 'done' } | BackendRefusal): void => {
  if (reply.kind === 'refused') throw new CodedError(reply.code, reply.message);
};
