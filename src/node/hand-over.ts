// A leader that stops gives its office to somebody who is there to take it, so that the cluster
// does not wait for an election time-out.
import { isNodeName } from '#identity/node-name.ts';
import type { Clock } from '#io/clock.ts';
import type { NodeId } from '#raft/node-id.ts';
import type { Raft } from '#raft/raft.ts';
import type { Transport } from '#transport/transport.ts';
import type { ConsensusDriver } from './consensus-driver.ts';

/** How long a leader that stops waits for another one to take over. */
const handOverMs = 2000;

const lookEveryMs = 10;

/** What it takes. */
export interface HandOver {
  readonly raft: Pick<Raft, 'softState' | 'membership' | 'followers' | 'transferLeadership'>;
  readonly driver: Pick<ConsensusDriver, 'drain'>;
  readonly transport: Pick<Transport, 'isUp'>;
  readonly self: NodeId;
  readonly clock: Clock;
  /** For how long a voter's database stood still behind its log, as far as is known. */
  readonly stalledMs: (name: NodeId) => number;
}

/** Whose database stood still this long would lead without serving anybody. */
const stalledMsMax = 1000;

/** Whether a voter's database keeps up, so that it could serve at once as the leader. */
export const keepsUp = ({ stalledMs }: Pick<HandOver, 'stalledMs'>, name: NodeId): boolean =>
  stalledMs(name) < stalledMsMax;

/**
 * Who of those that can be reached and keep up has the most of the log; undefined when nobody is
 * there.
 */
export const heirOf = (
  context: Pick<HandOver, 'transport' | 'self' | 'stalledMs'> & {
    readonly raft: Pick<Raft, 'membership' | 'followers'>;
  },
): NodeId | undefined => {
  const { raft, transport, self } = context;
  const { voters } = raft.membership;
  const matchOf = (name: NodeId): number =>
    raft.followers.find(({ node }) => node === name)?.match ?? 0;
  return voters
    .filter((voter) => voter !== self && isNodeName(voter) && transport.isUp(voter))
    .filter((voter) => keepsUp(context, voter))
    .sort((left, right) => matchOf(right) - matchOf(left))[0];
};

/** Resolves when another node leads, nobody can, or the time is over. */
export const handOver = async (context: HandOver): Promise<void> => {
  const { raft, driver, clock } = context;
  if (raft.softState.role !== 'leader') return;
  const heir = heirOf(context);
  if (heir === undefined || raft.transferLeadership(heir) !== undefined) return;
  driver.drain();
  const until = clock.monotonicMs() + handOverMs;
  while (raft.softState.role === 'leader' && clock.monotonicMs() < until) {
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
};
