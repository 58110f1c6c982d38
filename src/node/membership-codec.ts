// Configuration entries between the core's types and their bytes.
import { decodeConfiguration, encodeConfiguration } from '#command/configuration-codec.ts';
import type { ConfigurationCodec, Membership } from '#raft/membership.ts';
import { type NodeId, nodeId } from '#raft/node-id.ts';

interface PlainMembership {
  readonly voters: readonly string[];
  readonly votersOutgoing: readonly string[];
  readonly learners: readonly string[];
  readonly learnersNext: readonly string[];
  readonly autoLeave: boolean;
}

const ids = (names: readonly string[]): readonly NodeId[] => names.map(nodeId);

/** A membership of plain names as the core wants it. */
export const membershipFrom = (plain: PlainMembership): Membership => ({
  voters: ids(plain.voters),
  votersOutgoing: ids(plain.votersOutgoing),
  learners: ids(plain.learners),
  learnersNext: ids(plain.learnersNext),
  autoLeave: plain.autoLeave,
});

/** What the core is handed to read and write configuration entries. */
export const configurationCodec: ConfigurationCodec = {
  encode: ({ membership, context }) => encodeConfiguration({ ...membership, context }),
  decode: (bytes) => {
    const { context, ...plain } = decodeConfiguration(bytes);
    return { membership: membershipFrom(plain), context };
  },
};
