// A cluster that lost its quorum for good goes on with those who are left: a new configuration, in
// a new epoch, at the end of every survivor's log. Nothing is committed by this: the survivors
// elect a leader as always, the one with the best log wins, and what it has is what the cluster
// has. What was not committed before may be committed then; what only the lost nodes had is lost.
import { encodeClusterRecord } from '#command/cluster-record-codec.ts';
import type { ClusterRecord, DeniedRecord, MemberRecord } from '#command/member.ts';
import { CodedError } from '#errors.ts';
import type { RecoveredLog } from '#log/durable-log.ts';
import { configurationCodec, membershipFrom } from '#node/membership-codec.ts';
import { withoutMember } from '#node/membership-records.ts';
import type { Entry } from '#raft/entry.ts';
import { indexAfter } from '#raft/log-index.ts';
import { epochOf, firstTermOf, recoveryTermAfter } from './epoch.ts';
import type { StoppedLog, StoppedNode } from './stopped-node.ts';

/** A member of the recovered cluster. */
export interface Survivor {
  readonly name: string;
  readonly voter: boolean;
  /** host:port of its peer port, when it is another one than on record. */
  readonly peerAddress?: string;
}

/** What a node's log is ended with. */
export interface EpochPlan {
  readonly epoch: number;
  readonly entry: Entry;
  /** Who is never heard again. */
  readonly fenced: readonly string[];
  /** Denials of the voters, which would keep them apart: the names or serial numbers in them. */
  readonly lifted: readonly string[];
  /** Denials that stay. */
  readonly denied: readonly DeniedRecord[];
  /** The log ends with just this configuration: there is nothing to do. */
  readonly isDone: boolean;
}

const guard = (what: string, hint: string): CodedError =>
  new CodedError('recovery_refused', what, { hint });

/** The record of those who are left; the disks and keys of the others are buried. */
const recordOf = (record: ClusterRecord, survivors: readonly Survivor[]): ClusterRecord => {
  const byName = new Map(survivors.map((survivor) => [survivor.name, survivor]));
  const lost = record.members.filter(({ name }) => !byName.has(name));
  const left = lost.reduce((rest, { name }) => withoutMember(rest, name), record);
  const members = left.members.map((member) => {
    const survivor = byName.get(member.name);
    const { readReplica: _, ...rest } = member;
    const role = survivor?.voter === true ? {} : { readReplica: true };
    const peerAddress = survivor?.peerAddress ?? member.peerAddress;
    return { ...rest, ...role, peerAddress };
  });
  const voters = members.filter(({ name }) => byName.get(name)?.voter === true);
  const denied = left.denied.filter((denial) => !isOfOne(voters, denial));
  // A grant is the right to join the cluster as it was.
  return { ...left, members, grants: [], denied };
};

/** Decided by what is on record alone, so that it comes out the same on every survivor. */
const isOfOne = (
  members: readonly MemberRecord[],
  { name, keyPin }: Pick<DeniedRecord, 'name' | 'keyPin'>,
): boolean =>
  members.some((member) => (name === '' ? member.keyPin === keyPin : member.name === name));

/**
 * What ends the log of one survivor.
 *
 * @throws CodedError `recovery_refused` for survivors that are no members, or none
 */
export const planEpoch = (
  node: Pick<StoppedNode, 'lastIndex' | 'lastTerm' | 'membership' | 'record'>,
  self: string,
  survivors: readonly Survivor[],
): EpochPlan => {
  const { record, lastIndex, lastTerm } = node;
  const known = record.members.map(({ name }) => name);
  const strangers = survivors.filter(({ name }) => !known.includes(name));
  if (strangers.length > 0) {
    throw guard(
      `${strangers.map(({ name }) => name).join(' and ')} is no member of this cluster`,
      `The members are ${known.join(', ')}. A new machine joins when the cluster is back.`,
    );
  }
  const voters = survivors.filter(({ voter }) => voter).map(({ name }) => name);
  if (voters.length === 0) throw guard('there is no voter', 'Name those that are to vote.');
  if (!survivors.some(({ name }) => name === self)) {
    throw guard(
      `${self}, whose folder this is, is not among those who are left`,
      'Run this on the survivors only; the others join anew with an empty folder.',
    );
  }
  const membership = membershipFrom({
    voters: voters.sort(),
    votersOutgoing: [],
    learners: survivors.flatMap(({ name, voter }) => (voter ? [] : [name])).sort(),
    learnersNext: [],
    autoLeave: false,
  });
  const next = recordOf(record, survivors);
  const context = encodeClusterRecord(next);
  const same = JSON.stringify(membership) === JSON.stringify(node.membership);
  const isDone = same && epochOf(lastTerm) > 0 && context.equals(encodeClusterRecord(record));
  const itsTerm = isDone ? lastTerm : recoveryTermAfter(lastTerm);
  if (itsTerm === undefined) {
    throw guard(
      'the log ends with a recovery after which nobody led',
      'Start the survivors of that one first.',
    );
  }
  return {
    epoch: epochOf(itsTerm),
    fenced: known.filter((name) => !next.members.some((member) => member.name === name)),
    lifted: record.denied
      .filter((denial) => !next.denied.includes(denial))
      .map(({ name, serial }) => name || serial),
    denied: next.denied,
    isDone,
    entry: {
      index: indexAfter(lastIndex),
      term: itsTerm,
      kind: 'configuration',
      data: configurationCodec.encode({ membership, context }),
    },
  };
};

/** Ends a log so; durable when it resolves. */
export const beginEpoch = async (
  log: StoppedLog,
  { hardState }: RecoveredLog,
  { entry, isDone }: EpochPlan,
): Promise<void> => {
  if (isDone) return;
  await log.append({
    snapshot: undefined,
    truncateFrom: undefined,
    entries: [entry],
    hardState: { ...hardState, term: firstTermOf(entry.term), votedFor: undefined },
  });
};
