// Opens what decides about members: who is heeded, what is changed, and whether this node was
// removed.
import type { Transport } from '#transport/transport.ts';
import type { Consensus } from './consensus.ts';
import type { Members } from './members.ts';
import { MembershipChanges } from './membership-changes.ts';
import type { NodeLoopOptions } from './node-loop-options.ts';
import { RemovalWord } from './removal-word.ts';
import { StrangerGate } from './stranger-gate.ts';

/** Changes of membership, and the word of a removal. */
export interface OpenMembership {
  readonly membership: MembershipChanges;
  readonly removal: RemovalWord;
}

/** Who of the peers is heeded. */
export const openGate = (
  { config, effects }: NodeLoopOptions,
  { raft }: Consensus,
  members: Members,
): StrangerGate =>
  new StrangerGate({
    raft,
    members,
    electionMs: config.raft.electionMs,
    monotonicMs: () => effects.clock.monotonicMs(),
  });

/** `drain` works off what the core has to say. */
export const openMembership = (
  { identity, effects, log }: NodeLoopOptions,
  { raft }: Consensus,
  members: Members,
  transport: Transport,
  drain: () => void,
): OpenMembership => {
  const { clock } = effects;
  const others = (): number => members.all.filter(({ name }) => name !== identity.name).length;
  return {
    membership: new MembershipChanges({
      self: identity.name,
      raft,
      members,
      transport,
      log,
      drain,
      monotonicMs: () => clock.monotonicMs(),
      wallMs: () => clock.wallMs(),
    }),
    removal: new RemovalWord(others, () => {
      log.error(
        { hint: 'To bring this machine back, join anew with an empty folder.' },
        'the other members removed this node from the cluster; it campaigns no more',
      );
    }),
  };
};
