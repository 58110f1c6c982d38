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
}

/**
 * Who of the voters that can be reached and whose database keeps up has the most of the log;
 * undefined when nobody is there.
 *
 * @param isWanted leaves out voters that must not lead for another reason
 */
export const heirOf = (
  context: Pick<HandOver, 'transport'> & {
    readonly raft: Pick<Raft, 'membership' | 'followers'>;
  },
  isWanted: (name: NodeId) => boolean = () => true,
): NodeId | undefined => {
  const { raft, transport } = context;
  const isThere = (name: NodeId): boolean => isNodeName(name) && transport.isUp(name);
  const heirs = raft.followers
    .filter(({ node, isStalled }) => raft.membership.voters.includes(node) && !isStalled)
    .filter(({ node }) => isThere(node) && isWanted(node))
    .sort((left, right) => right.match - left.match);
  return heirs[0]?.node;
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
