// Answers what commands of this machine ask over the node's own socket.

import type { ClusterId } from '#identity/cluster-id.ts';
import type { NodeName } from '#identity/node-name.ts';
import type { Seam } from '#process/seam.ts';
import type { Admission } from './admission.ts';
import type { Audited } from './audited.ts';
import type { Members } from './members.ts';
import type { MembershipChanges } from './membership-changes.ts';
import {
  type AdminDeny,
  type AdminMember,
  adminAdmitCarried,
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
  readonly audited: Audited;
  readonly view: () => ViewPush;
}

/** Gives one connection its methods. */
export const serveAdmin = (seam: Seam, context: AdminContext): void => {
  const { membership, admission, audited } = context;
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
        // As /readyz has it: who knows no leader serves nobody.
        ready: ready && (leader !== undefined || role === 'leader'),
        members: membersSeen(context),
      },
    });
  });
  seam.serve(adminRemove, ({ name }, reply) => {
    audited(`remove ${name}`, reply, () => membership.remove(name).then(() => null));
  });
  seam.serve(adminPromote, ({ name }, reply) => {
    audited(`promote ${name}`, reply, () => membership.promote(name).then(() => null));
  });
  seam.serve(adminTransfer, ({ to }, reply) => {
    const transfer = () => membership.office.transfer(to).then((leader) => ({ leader }));
    audited(`transfer ${to}`.trim(), reply, transfer);
  });
  seam.serve(adminDeny, ({ deny, lift, reason }, reply) => {
    const action = `deny ${describedDenials(deny)} lift ${describedDenials(lift)}`;
    const change = () => changeDenied(context, { deny, lift, reason });
    audited(action, reply, () => change().then(() => context.members.committed.denied));
  });
  seam.serve(adminGrant, ({ grants, ttlMs }, reply) => {
    const names = grants.map(({ name }) => name).join(', ');
    audited(`admit ${names}`, reply, () => admission.grant(seam, grants, ttlMs));
  });
  seam.serve(adminAdmitCarried, (carried, reply) => {
    audited(`admit ${carried.name} by file`, reply, () => admission.admitCarried(carried));
  });
  seam.serve(adminSignFor, ({ names }, reply) => {
    audited(`sign for ${names.join(', ')}`, reply, () =>
      admission.signFor(seam, names).then(() => null),
    );
  });
};

const describedDenials = (denials: AdminDeny['deny']): string =>
  `[${denials.map(({ name, serial }) => (name === '' ? serial : name)).join(', ')}]`;

const changeDenied = async (
  { membership }: AdminContext,
  { deny, lift, reason }: AdminDeny,
): Promise<void> => {
  if (deny.length > 0) await membership.deny(deny, reason);
  if (lift.length > 0) await membership.lift(lift);
};

const membersSeen = ({ self, members, membership }: AdminContext): readonly AdminMember[] =>
  members.all.map(({ name, readReplica, keyPin, peerAddress, apiUrl }) => {
    const up = name === self || membership.isUp(name);
    // Whoever shows a new certificate came back although an old one of the same key is denied.
    const denied = members.committed.denied.some(
      (denial) => denial.name === name || (!up && denial.keyPin === keyPin),
    );
    return {
      name,
      keyPin,
      peerAddress,
      apiUrl,
      role: membership.isVoter(name) ? 'voter' : readReplica === true ? 'read-replica' : 'learner',
      up,
      ...(denied ? { denied } : {}),
      ...(name === self ? {} : membership.seenOf(name)),
    };
  });
