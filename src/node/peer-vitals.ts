// What a leader asks the other voters every second: what time they have, and whether their database
// keeps up. Clocks decide nothing in consensus, but the leader's is the time of every entry: one
// that is off shows in the data. So clocks that differ raise an alarm, and a leader whose own runs
// far ahead gives its office away, before all later entries have to wait for the time it wrote
// (entries never go back in time).
//
// A call and not a field of a heartbeat: the way there and back says how exact the answer is, and
// the core stays without a clock.
import { isNodeName, type NodeName } from '#identity/node-name.ts';
import { nodeId } from '#raft/node-id.ts';
import type { Raft } from '#raft/raft.ts';
import type { Transport } from '#transport/transport.ts';
import type { Alarms } from './alarms.ts';
import { peerCalls } from './peer-calls.ts';

/** How often a leader asks. */
export const askEveryMs = 1000;
/** An answer that took longer says too little of the clock. */
const roundTripMsMax = 1000;
/** An answer counts so long. */
const freshMs = 5000;
/** A clock this far from the median of a quorum's is an alarm. */
const offMsMax = 2000;
/** A leader whose clock is this far ahead of it does not lead. */
const aheadMsMax = 10_000;
/** Whose database stood still this long would lead without serving anybody. */
const stalledMsMax = 1000;

/** Clock, then for how long its database stood still behind its log: two u64 of milliseconds. */
const replyBytes = 16;

/** What the vitals need of the node. */
export interface VitalsContext {
  readonly self: NodeName;
  readonly raft: Pick<Raft, 'softState' | 'membership' | 'reportStalled'>;
  readonly transport: Pick<Transport, 'isUp' | 'call'>;
  readonly alarms: Pick<Alarms, 'raise' | 'clear'>;
  readonly wallMs: () => number;
  readonly monotonicMs: () => number;
  /** For how long this node's database stood still behind its log. */
  readonly stalledMs: () => number;
  /** Another node should lead. */
  readonly giveUpLeadership: () => void;
}

interface Vitals {
  /** The other's clock minus this node's. */
  readonly offsetMs: number;
  readonly atMs: number;
}

/** See the head of this file. */
export class PeerVitals {
  readonly #context: VitalsContext;
  readonly #known = new Map<string, Vitals>();

  constructor(context: VitalsContext) {
    this.#context = context;
  }

  /** Judges what is known and asks anew; called every `askEveryMs`. */
  look(): void {
    const { raft, transport, alarms, self } = this.#context;
    if (raft.softState.role !== 'leader') {
      this.#known.clear();
      alarms.clear('clock_differs');
      return;
    }
    this.#judge();
    for (const name of raft.membership.voters) {
      if (name !== nodeId(self) && isNodeName(name) && transport.isUp(name)) this.#ask(name);
    }
  }

  /** A peer's call; false when it is another one. */
  answer(method: number, reply: (payload: Uint8Array) => void): boolean {
    if (method !== peerCalls.vitals) return false;
    const { wallMs, stalledMs } = this.#context;
    const payload = Buffer.alloc(replyBytes);
    payload.writeBigUInt64LE(BigInt(wallMs()), 0);
    payload.writeBigUInt64LE(BigInt(Math.round(stalledMs())), 8);
    reply(payload);
    return true;
  }

  #ask(name: NodeName): void {
    const { raft, transport, monotonicMs, wallMs } = this.#context;
    const askedMs = monotonicMs();
    const nothing = Buffer.alloc(0);
    transport.call(name, peerCalls.vitals, nothing, roundTripMsMax, (reply) => {
      // A node of an earlier version says nothing.
      if (reply.kind === 'failed' || reply.payload.length !== replyBytes) return;
      const atMs = monotonicMs();
      const halfWayMs = wallMs() - (atMs - askedMs) / 2;
      this.#known.set(name, {
        offsetMs: Number(reply.payload.readBigUInt64LE(0)) - halfWayMs,
        atMs,
      });
      const stalledMs = Number(reply.payload.readBigUInt64LE(8));
      raft.reportStalled(nodeId(name), stalledMs >= stalledMsMax);
    });
  }

  #fresh(name: string): Vitals | undefined {
    const vitals = this.#known.get(name);
    return vitals !== undefined && this.#context.monotonicMs() - vitals.atMs <= freshMs
      ? vitals
      : undefined;
  }

  /** Nothing is judged by less than a quorum of clocks. */
  #judge(): void {
    const { raft, alarms, self, giveUpLeadership } = this.#context;
    const { voters } = raft.membership;
    const offsets = new Map<string, number>();
    for (const name of voters) {
      const offsetMs = name === nodeId(self) ? 0 : this.#fresh(name)?.offsetMs;
      if (offsetMs !== undefined) offsets.set(name, offsetMs);
    }
    if (offsets.size * 2 <= voters.length) return;
    const median = medianOf([...offsets.values()]);
    const off = [...offsets].filter(([, offsetMs]) => Math.abs(offsetMs - median) > offMsMax);
    if (off.length === 0) alarms.clear('clock_differs');
    else alarms.raise('clock_differs', sentenceOf(off, median));
    if ((offsets.get(self) ?? median) - median > aheadMsMax) giveUpLeadership();
  }
}

const medianOf = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (position: number): number => sorted[Math.floor(position)] ?? 0;
  return (at((sorted.length - 1) / 2) + at(sorted.length / 2)) / 2;
};

/** Whole seconds, so that the sentence stays the same while the clocks do. */
const sentenceOf = (off: readonly (readonly [string, number])[], median: number): string => {
  const parts = off.map(([name, offsetMs]) => {
    const seconds = Math.round(Math.abs(offsetMs - median) / 1000);
    return `the clock of ${name} is about ${seconds} s ${offsetMs > median ? 'ahead of' : 'behind'}`;
  });
  return `${parts.join(', ')} the median of the cluster: see to its time synchronisation (chrony, systemd-timesyncd)`;
};
