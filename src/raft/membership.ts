// Who counts (dissertation 4). In a joint configuration both halves must agree.
import type { NodeId } from './node-id.ts';

/**
 * A configuration of the cluster. `voters` is the incoming majority; `votersOutgoing` is not empty
 * only while a joint configuration is in force. Learners receive the log and count for nothing;
 * `learnersNext` are voters of the outgoing half that become learners when it is left.
 * All lists are sorted, without duplicates.
 */
export interface Membership {
  readonly voters: readonly NodeId[];
  readonly votersOutgoing: readonly NodeId[];
  readonly learners: readonly NodeId[];
  readonly learnersNext: readonly NodeId[];
  /** Leave the joint configuration as soon as it is committed, without being asked. */
  readonly autoLeave: boolean;
}

/** One step of a change of configuration. */
export interface MembershipChange {
  readonly kind: 'add-voter' | 'add-learner' | 'remove' | 'update';
  readonly node: NodeId;
}

/** What a configuration entry holds: the whole membership that is in force from it on. */
export interface ConfigurationEntry {
  readonly membership: Membership;
  /** Members' particulars for the state machine; the core passes it on unread. */
  readonly context: Uint8Array;
}

/** The bytes of configuration entries; `decode` throws for bytes that `encode` did not make. */
export interface ConfigurationCodec {
  encode(entry: ConfigurationEntry): Uint8Array;
  decode(bytes: Uint8Array): ConfigurationEntry;
}
