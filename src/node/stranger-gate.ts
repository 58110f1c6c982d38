// Whether a node that is not on record is heeded. It must be able to be: this node may be the one
// that slept while its peers were replaced (dissertation 4.1), and their leader is a stranger to it
// then. But a certificate alone, from a stolen CA key, must not be enough to lead a cluster. So a
// stranger is heeded only while no member leads, and only when a member that is asked knows it by
// key and disk; where no member can be asked at all, its certificate has to do.
import type { NodeName } from '#identity/node-name.ts';
import type { Message } from '#raft/message.ts';
import type { Raft } from '#raft/raft.ts';
import type { Introductions } from './introductions.ts';
import type { Members } from './members.ts';

/** What the gate looks at. */
export interface StrangerGateContext {
  readonly raft: Raft;
  readonly members: Members;
  readonly introductions: Pick<Introductions, 'known' | 'ask'>;
  /** How long a leader that is not heard counts as leading. */
  readonly electionMs: number;
  readonly monotonicMs: () => number;
}

const isWordOfLeader = ({ kind }: Message): boolean =>
  kind === 'append' || kind === 'heartbeat' || kind === 'snapshot';

/** See the head of this file. */
export class StrangerGate {
  readonly #context: StrangerGateContext;
  #memberLedMs = Number.NEGATIVE_INFINITY;

  constructor(context: StrangerGateContext) {
    this.#context = context;
  }

  /** Whether messages of one peer, which they prove, are handed to the core. */
  heeds(from: NodeName, messages: readonly Message[]): boolean {
    const { raft, members, introductions, electionMs, monotonicMs } = this.#context;
    const { role, term } = raft.softState;
    if (members.record(from) !== undefined) {
      // What comes late from an office that is over does not say that a member leads now.
      const leads = messages.some((message) => isWordOfLeader(message) && message.term >= term);
      if (leads) this.#memberLedMs = monotonicMs();
      return true;
    }
    if (role === 'leader' || monotonicMs() - this.#memberLedMs < electionMs) return false;
    if (members.isIntroduced(from) || introductions.known.length === 0) return true;
    introductions.ask();
    return false;
  }

  /** Whether a peer may call: a member may, a stranger is owed nothing but Raft. */
  mayCall(from: NodeName): boolean {
    return this.#context.members.record(from) !== undefined;
  }
}
