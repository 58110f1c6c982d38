// Changes of configuration as arithmetic over memberships (dissertation 4.1, 4.3): what a list of
// steps makes of a membership, and which steps are refused. Who may propose a change and when it is
// in force is decided elsewhere (propose-configuration.ts, membership-history.ts).
import { invariant, unreachable } from '#invariant.ts';
import type { Membership, MembershipChange } from './membership.ts';
import type { NodeId } from './node-id.ts';

/** Why a change is refused. */
export type ConfigurationFault =
  | 'already-joint'
  | 'not-joint'
  | 'no-voters-before'
  | 'no-voters-left'
  | 'needs-joint';

/** What a change came to. */
export type Changed =
  | { readonly kind: 'changed'; readonly membership: Membership }
  | { readonly kind: 'refused'; readonly fault: ConfigurationFault };

/** The membership of a node without a log: nobody counts, so the node never campaigns. */
export const noMembership: Membership = {
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};

/** Whether a joint configuration is in force (4.3). */
export const isJoint = (membership: Membership): boolean => membership.votersOutgoing.length > 0;

/** Whether the node's vote counts, in either half. */
export const isVoter = (membership: Membership, node: NodeId): boolean =>
  membership.voters.includes(node) || membership.votersOutgoing.includes(node);

/** Everyone who receives the log, sorted. */
export const membersOf = (membership: Membership): readonly NodeId[] =>
  sorted(new Set([...membership.voters, ...membership.votersOutgoing, ...membership.learners]));

/** What is wrong with a membership that came from outside, or undefined. */
export const membershipProblem = (membership: Membership): string | undefined => {
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = membership;
  for (const list of [voters, votersOutgoing, learners, learnersNext]) {
    if (list.some((node, position) => position > 0 && (list[position - 1] ?? node) >= node)) {
      return 'a list of members is not sorted or has duplicates';
    }
  }
  if (voters.length === 0) return 'there is no voter';
  if (learners.some((node) => isVoter(membership, node))) return 'a learner is a voter';
  if (learnersNext.some((node) => !votersOutgoing.includes(node) || voters.includes(node))) {
    return 'a next learner is no voter of the outgoing half alone';
  }
  if (autoLeave && !isJoint(membership)) return 'a simple configuration cannot be left';
  return undefined;
};

/** By code unit, as `sort` does by itself: every node sorts alike whatever its locale. */
const sorted = (nodes: Iterable<NodeId>): readonly NodeId[] => [...nodes].sort();

interface Draft {
  readonly voters: Set<NodeId>;
  readonly votersOutgoing: Set<NodeId>;
  readonly learners: Set<NodeId>;
  readonly learnersNext: Set<NodeId>;
}

const draftOf = (membership: Membership): Draft => ({
  voters: new Set(membership.voters),
  votersOutgoing: new Set(membership.votersOutgoing),
  learners: new Set(membership.learners),
  learnersNext: new Set(membership.learnersNext),
});

const membershipOf = (draft: Draft, autoLeave: boolean): Membership => {
  const membership = {
    voters: sorted(draft.voters),
    votersOutgoing: sorted(draft.votersOutgoing),
    learners: sorted(draft.learners),
    learnersNext: sorted(draft.learnersNext),
    autoLeave,
  };
  invariant(membershipProblem(membership) === undefined, 'a change makes a valid configuration');
  return membership;
};

/** One step, on the incoming half; the outgoing half stays as it is until it is left. */
const applyStep = (draft: Draft, change: MembershipChange): void => {
  const { node } = change;
  switch (change.kind) {
    case 'add-voter':
      draft.learners.delete(node);
      draft.learnersNext.delete(node);
      draft.voters.add(node);
      return;
    case 'add-learner':
      draft.voters.delete(node);
      // A voter of the outgoing half still votes there, so it becomes a learner later.
      if (draft.votersOutgoing.has(node)) draft.learnersNext.add(node);
      else draft.learners.add(node);
      return;
    case 'remove':
      draft.voters.delete(node);
      draft.learners.delete(node);
      draft.learnersNext.delete(node);
      return;
    case 'update':
      return;
    default:
      unreachable(change.kind);
  }
};

const refused = (fault: ConfigurationFault): Changed => ({ kind: 'refused', fault });

const votersChanged = (before: readonly NodeId[], after: ReadonlySet<NodeId>): number =>
  before.filter((node) => !after.has(node)).length +
  [...after].filter((node) => !before.includes(node)).length;

/**
 * Changes at most one voter, in one step (4.1): any majority before and any majority after share a
 * node. Learners may change at will.
 */
export const changeSimply = (
  membership: Membership,
  changes: readonly MembershipChange[],
): Changed => {
  if (isJoint(membership)) return refused('already-joint');
  const draft = draftOf(membership);
  for (const change of changes) applyStep(draft, change);
  if (draft.voters.size === 0) return refused('no-voters-left');
  if (votersChanged(membership.voters, draft.voters) > 1) return refused('needs-joint');
  return { kind: 'changed', membership: membershipOf(draft, false) };
};

/** Enters the joint configuration (4.3) from the present voters to those after `changes`. */
export const enterJoint = (
  membership: Membership,
  changes: readonly MembershipChange[],
  autoLeave: boolean,
): Changed => {
  if (isJoint(membership)) return refused('already-joint');
  if (membership.voters.length === 0) return refused('no-voters-before');
  const draft = { ...draftOf(membership), votersOutgoing: new Set(membership.voters) };
  for (const change of changes) applyStep(draft, change);
  if (draft.voters.size === 0) return refused('no-voters-left');
  return { kind: 'changed', membership: membershipOf(draft, autoLeave) };
};

/** Leaves the joint configuration (4.3): the incoming half alone counts from here on. */
export const leaveJoint = (membership: Membership): Changed => {
  if (!isJoint(membership)) return refused('not-joint');
  const draft = draftOf(membership);
  for (const node of draft.learnersNext) draft.learners.add(node);
  draft.learnersNext.clear();
  draft.votersOutgoing.clear();
  return { kind: 'changed', membership: membershipOf(draft, false) };
};
