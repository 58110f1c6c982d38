// Answers what commands of this machine ask over the node's own socket.

import type { ClusterId } from '#identity/cluster-id.ts';
import type { NodeName } from '#identity/node-name.ts';
import type { Seam } from '#process/seam.ts';
import { adminFailure } from './admin-socket.ts';
import type { Admission } from './admission.ts';
import type { Members } from './members.ts';
import type { MembershipChanges } from './membership-changes.ts';
import {
  type AdminDeny,
  type AdminMember,
  type AdminReply,
  adminDeny,
  adminGrant,
  adminPromote,
  adminRemove,
  adminSignFor,
  adminStatus,
  adminTransfer,
} from './seams/admin-seam.ts';
import type { ViewPush } from './seams/front-seam.ts';
import { version } from './version.ts';

/** What the answers come from. */
export interface AdminContext {
  readonly self: NodeName;
  readonly cluster: ClusterId;
  readonly members: Members;
  readonly membership: MembershipChanges;
  readonly admission: Admission;
  readonly view: () => ViewPush;
}

/** Gives one connection its methods. */
export const serveAdmin = (seam: Seam, context: AdminContext): void => {
  const { membership, admission } = context;
  seam.serve(adminStatus, (_request, reply) => {
    const { leader, ready, role, voter, term, commitIndex, appliedIndex } = context.view();
    reply({
      kind: 'done',
      value: {
        name: context.self,
        cluster: context.cluster,
        version,
        role,
        voter,
        term,
        commitIndex,
        appliedIndex,
        leader: leader?.name ?? '',
        ready,
        members: membersSeen(context),
      },
    });
  });
  seam.serve(adminRemove, ({ name }, reply) => {
    membership.remove(name).then(() => reply({ kind: 'done', value: null }), failed(reply));
  });
  seam.serve(adminPromote, ({ name }, reply) => {
    membership.promote(name).then(() => reply({ kind: 'done', value: null }), failed(reply));
  });
  seam.serve(adminTransfer, ({ to }, reply) => {
    membership.office
      .transfer(to)
      .then((leader) => reply({ kind: 'done', value: { leader } }), failed(reply));
  });
  seam.serve(adminDeny, ({ deny, lift, reason }, reply) => {
    changeDenied(context, { deny, lift, reason }).then(
      () => reply({ kind: 'done', value: context.members.committed.denied }),
      failed(reply),
    );
  });
  seam.serve(adminGrant, ({ grants, ttlMs }, reply) => {
    admission
      .grant(seam, grants, ttlMs)
      .then((value) => reply({ kind: 'done', value }), failed(reply));
  });
  seam.serve(adminSignFor, ({ names }, reply) => {
    admission.signFor(seam, names).then(() => reply({ kind: 'done', value: null }), failed(reply));
  });
};

const changeDenied = async (
  { membership }: AdminContext,
  { deny, lift, reason }: AdminDeny,
): Promise<void> => {
  if (deny.length > 0) await membership.deny(deny, reason);
  if (lift.length > 0) await membership.lift(lift);
};

const membersSeen = ({ self, members, membership }: AdminContext): readonly AdminMember[] =>
  members.all.map(({ name, readReplica, keyPin, peerAddress, apiUrl }) => ({
    name,
    keyPin,
    peerAddress,
    apiUrl,
    role: membership.isVoter(name) ? 'voter' : readReplica === true ? 'read-replica' : 'learner',
    up: name === self || membership.isUp(name),
    ...(name === self ? {} : membership.seenOf(name)),
  }));

/** For the rejection of a promise. */
const failed =
  <Value>(reply: (value: AdminReply<Value>) => void) =>
  (error: unknown): void =>
    reply(adminFailure(error));
