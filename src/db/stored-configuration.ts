// The configuration of the cluster as the database holds it: that of the last configuration entry.
import { decodeConfiguration, decodeMembers } from '#command/configuration-codec.ts';
import type { MemberRecord } from '#command/member.ts';
import type { Membership } from '#raft/membership.ts';
import { nodeId } from '#raft/node-id.ts';
import { configurationKey, type PositionStore } from './position.ts';

/** Who counts, and the members' particulars. */
export interface StoredConfiguration {
  readonly membership: Membership;
  readonly members: readonly MemberRecord[];
}

const noConfiguration: StoredConfiguration = {
  membership: { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false },
  members: [],
};

/** What is stored; nobody counts while there was no configuration entry. */
export const storedConfiguration = (store: PositionStore): StoredConfiguration => {
  const data = store.readValue(configurationKey);
  if (!(data instanceof Uint8Array)) return noConfiguration;
  const record = decodeConfiguration(data);
  return {
    membership: {
      voters: record.voters.map(nodeId),
      votersOutgoing: record.votersOutgoing.map(nodeId),
      learners: record.learners.map(nodeId),
      learnersNext: record.learnersNext.map(nodeId),
      autoLeave: record.autoLeave,
    },
    members: decodeMembers(record.context),
  };
};
