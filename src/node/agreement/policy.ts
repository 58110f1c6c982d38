// What follows when replicas differ. A follower that differs from a majority is told to stop
// serving its data; a leader that does gives its office away first. Where nobody has a majority
// nobody stops, and people are told.
import { isNodeName } from '#identity/node-name.ts';
import type { Alarms } from '#node/alarms.ts';
import { heirOf } from '#node/hand-over.ts';
import type { Raft } from '#raft/raft.ts';
import type { Transport } from '#transport/transport.ts';
import { answerMsMax, looksUntilBelieved, looksUntilLeaderStops } from './bounds.ts';
import { askPeer, orderQuarantine } from './calls.ts';
import type { Comparison } from './comparison.ts';
import type { Quarantine } from './quarantine.ts';
import type { Verdict } from './verdict.ts';

/** What it needs of the node. */
export interface PolicyOptions {
  readonly self: string;
  readonly raft: Pick<Raft, 'membership' | 'followers' | 'transferLeadership'>;
  readonly transport: Pick<Transport, 'call' | 'isUp'>;
  readonly comparison: Comparison;
  readonly quarantine: Quarantine;
  readonly alarms: Alarms;
  /** Works off what the core has to say. */
  readonly drain: () => void;
}

/** What was compared. */
export type Compared = 'outcomes' | 'content';

interface Order {
  readonly reason: string;
  readonly index: number;
}

const alarmOf = { outcomes: 'outcomes_differ', content: 'content_differs' } as const;
const whatOf = { outcomes: 'what its statements did', content: 'its content' } as const;

/** See the head of this file. */
export class Policy {
  readonly #options: PolicyOptions;
  /** Followers that are yet to hear that they differ. */
  readonly #orders = new Map<string, Order>();
  /** This node leads and differs: it stops serving when another one leads. */
  #ownFault: (Order & { readonly heirs: readonly string[]; looks: number }) | undefined;
  #lastSeen = '';
  #looks = 0;

  constructor(options: PolicyOptions) {
    this.#options = options;
  }

  /** Once a second on the leader: the present verdict about outcomes. */
  look(verdict: Verdict, index: number): void {
    const seen = JSON.stringify(verdict);
    this.#looks = seen === this.#lastSeen ? this.#looks + 1 : 1;
    this.#lastSeen = seen;
    if (this.#looks >= looksUntilBelieved) this.act('outcomes', verdict, index);
    for (const [name, order] of this.#orders) void this.#send(name, order);
    this.#resign();
  }

  /** Once a second on a node that does not lead. */
  rest(): void {
    const { alarms, quarantine } = this.#options;
    this.#orders.clear();
    this.#looks = 0;
    alarms.clear('outcomes_differ');
    alarms.clear('content_differs');
    if (this.#ownFault === undefined) return;
    quarantine.begin(this.#ownFault.reason, this.#ownFault.index);
    this.#ownFault = undefined;
  }

  /** Does what a verdict asks for. */
  act(what: Compared, verdict: Verdict, index: number): void {
    const { alarms, self } = this.#options;
    if (verdict.kind === 'agree') {
      alarms.clear(alarmOf[what]);
      return;
    }
    const names = verdict.nodes.join(', ');
    const reason = `${whatOf[what]} up to entry ${index} is not what a majority has`;
    if (verdict.kind === 'followers-differ') {
      alarms.raise(alarmOf[what], `${names}: ${reason}; it serves no reads until it has an image`);
      for (const name of verdict.nodes) this.#orders.set(name, { reason, index });
    } else if (verdict.kind === 'leader-differs') {
      alarms.raise(alarmOf[what], `${self} leads, and ${reason}; it hands over to ${names}`);
      this.#ownFault ??= { reason, index, heirs: verdict.nodes, looks: 0 };
    } else {
      alarms.raise(
        alarmOf[what],
        `${names} and ${self} differ up to entry ${index}, and nobody has a majority: nothing is stopped; see "Replicas differ" in docs/DISASTERS.md`,
      );
    }
  }

  /** Hands leadership to the furthest of those who can be reached and serve. */
  handOver(heirs: readonly string[]): void {
    const { raft, comparison, drain } = this.#options;
    const heir = heirOf(
      this.#options,
      (name) => heirs.includes(name) && !comparison.isQuarantined(name),
    );
    if (heir === undefined) return;
    raft.transferLeadership(heir);
    drain();
  }

  #resign(): void {
    const fault = this.#ownFault;
    if (fault === undefined) return;
    fault.looks += 1;
    this.handOver(fault.heirs);
    if (fault.looks >= looksUntilLeaderStops) {
      this.#options.quarantine.begin(fault.reason, fault.index);
    }
  }

  async #send(name: string, order: Order): Promise<void> {
    const { transport, comparison } = this.#options;
    if (!isNodeName(name) || !transport.isUp(name)) return;
    const answer = comparison.isQuarantined(name)
      ? { done: true }
      : await askPeer(transport, name, orderQuarantine, order, answerMsMax);
    if (answer?.done === true && this.#orders.get(name) === order) this.#orders.delete(name);
  }
}
