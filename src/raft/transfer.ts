// Leadership transfer (dissertation 3.10): the leader takes no more proposals, brings the target up
// to date and tells it to campaign at once. After an election time-out it leads on as before. A
// follower whose database stands still would lead without serving anybody: it is passed over.
import { invariant } from '#invariant.ts';
import type { NodeId } from './node-id.ts';
import { type Leading, leaderOf, membershipOf, type RaftState, send } from './raft-state.ts';
import type { Refusal } from './ready.ts';

/**
 * Begins a transfer to a voter; its end shows in the soft state, or not at all after a time-out.
 */
export const transferLeadership = (state: RaftState, to: NodeId): Refusal | undefined => {
  const { role } = state;
  if (role.kind !== 'leader') return { kind: 'not-leader', leader: leaderOf(state) };
  if (role.transfer !== undefined) return { kind: 'transfer-in-progress' };
  if (to === state.self) return { kind: 'invalid', reason: 'this node leads already' };
  if (!membershipOf(state).voters.includes(to)) {
    return { kind: 'invalid', reason: 'only a voter can lead' };
  }
  if (role.progress.get(to)?.isStalled === true) return { kind: 'target-stalled' };
  role.transfer = { to, elapsedTicks: 0, asked: false };
  maybeAskToCampaign(state, role);
  return undefined;
};

const askToCampaign = (state: RaftState, to: NodeId): void => {
  send(state, { kind: 'timeout-now', from: state.self, to, term: state.term });
};

/** Whether a follower could serve at once: its log is the leader's, its database not far behind. */
const isFit = (state: RaftState, role: Leading, node: NodeId): boolean => {
  const progress = role.progress.get(node);
  return progress?.match === state.log.lastIndex && !progress.isStalled;
};

/** Asks the target as soon as it is fit, once. */
export const maybeAskToCampaign = (state: RaftState, role: Leading): void => {
  const { transfer } = role;
  if (transfer === undefined || transfer.asked) return;
  if (!isFit(state, role, transfer.to)) return;
  invariant(transfer.to !== state.self, 'a leader hands over to another');
  transfer.asked = true;
  askToCampaign(state, transfer.to);
};

/** A transfer that did not end in an election time-out is given up (3.10). */
export const tickTransfer = (state: RaftState, role: Leading): void => {
  if (role.transfer === undefined) return;
  role.transfer.elapsedTicks += 1;
  if (role.transfer.elapsedTicks >= state.options.electionTicks) role.transfer = undefined;
};

/**
 * A leader that goes asks one voter that is fit to campaign, if there is one: two would split the
 * votes. Whoever a transfer under way is for comes first.
 */
export const handOver = (state: RaftState, role: Leading): void => {
  const { transfer } = role;
  if (transfer?.asked === true) return;
  const wanted = transfer === undefined ? [] : [transfer.to];
  const candidates = [...wanted, ...membershipOf(state).voters];
  const fit = candidates.find((node) => isFit(state, role, node));
  if (fit !== undefined) askToCampaign(state, fit);
};
