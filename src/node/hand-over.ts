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
  readonly raft: Raft;
  readonly driver: ConsensusDriver;
  readonly transport: Transport;
  readonly self: NodeId;
  readonly clock: Clock;
}

/** Who of those that can be reached has the most of the log; undefined when nobody is there. */
export const heirOf = ({ raft, transport, self }: HandOver): NodeId | undefined => {
  const { voters } = raft.membership;
  const matchOf = (name: NodeId): number =>
    raft.followers.find(({ node }) => node === name)?.match ?? 0;
  return voters
    .filter((voter) => voter !== self && isNodeName(voter) && transport.isUp(voter))
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
