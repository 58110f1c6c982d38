// The bytes of configuration entries in tests: JSON. The core never looks into them.
import { invariant } from '#invariant.ts';
import type { ConfigurationCodec, Membership } from '#raft/membership.ts';
import { type NodeId, nodeId } from '#raft/node-id.ts';

interface Wire {
  readonly membership: Membership;
  readonly context: readonly number[];
}

/** A codec that any test may hand in. */
export const jsonCodec: ConfigurationCodec = {
  encode: ({ membership, context }) =>
    new TextEncoder().encode(JSON.stringify({ membership, context: [...context] })),
  decode: (bytes) => {
    const wire = JSON.parse(new TextDecoder().decode(bytes)) as Wire;
    invariant(Array.isArray(wire.membership.voters), 'a configuration has voters');
    return { membership: wire.membership, context: Uint8Array.from(wire.context) };
  },
};

/** A simple configuration of these voters and learners. */
export const membershipOf = (
  voters: readonly string[],
  learners: readonly string[] = [],
): Membership => ({
  voters: nodes(voters),
  votersOutgoing: [],
  learners: nodes(learners),
  learnersNext: [],
  autoLeave: false,
});

const nodes = (names: readonly string[]): readonly NodeId[] => [...names].sort().map(nodeId);
