// The configuration of the cluster as the database holds it: that of the last configuration entry.
import { decodeClusterRecord } from '#command/cluster-record-codec.ts';
import { decodeConfiguration } from '#command/configuration-codec.ts';
import type { Membership } from '#raft/membership.ts';
import { nodeId } from '#raft/node-id.ts';
import { configurationKey, type PositionStore } from './position.ts';

/** Who counts, and what the cluster knows of its members. */
export interface StoredConfiguration {
  readonly membership: Membership;
  /** The encoded cluster record in base64, for other processes; empty before the first. */
  readonly clusterRecord: string;
}

const noConfiguration: StoredConfiguration = {
  membership: { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false },
  clusterRecord: '',
};

/**
 * What is stored; nobody counts while there was no configuration entry.
 *
 * @throws CodedError `bad_request` when it cannot be read: an image may hold anything
 */
export const storedConfiguration = (store: PositionStore): StoredConfiguration => {
  const data = store.readValue(configurationKey);
  if (!(data instanceof Uint8Array)) return noConfiguration;
  const record = decodeConfiguration(data);
  decodeClusterRecord(record.context);
  return {
    membership: {
      voters: record.voters.map(nodeId),
      votersOutgoing: record.votersOutgoing.map(nodeId),
      learners: record.learners.map(nodeId),
      learnersNext: record.learnersNext.map(nodeId),
      autoLeave: record.autoLeave,
    },
    clusterRecord: Buffer.from(record.context).toString('base64'),
  };
};
