// Leadership transfer (dissertation 3.10): the leader takes no more proposals, brings the target up
// to date and tells it to campaign at once. After an election time-out it leads on as before.
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
  role.transfer = { to, elapsedTicks: 0, asked: false };
  maybeAskToCampaign(state, role);
  return undefined;
};

const askToCampaign = (state: RaftState, to: NodeId): void => {
  send(state, { kind: 'timeout-now', from: state.self, to, term: state.term });
};

/** Asks the target as soon as its log equals the leader's, once. */
export const maybeAskToCampaign = (state: RaftState, role: Leading): void => {
  const { transfer } = role;
  if (transfer === undefined || transfer.asked) return;
  if (role.progress.get(transfer.to)?.match !== state.log.lastIndex) return;
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

/** A leader that goes asks the voter with the longest log to campaign, if that log is its own. */
export const handOver = (state: RaftState, role: Leading): void => {
  const fit = membershipOf(state).voters.find(
    (node) => role.progress.get(node)?.match === state.log.lastIndex,
  );
  if (fit !== undefined) askToCampaign(state, fit);
};
