// Campaigns (dissertation 3.4), asked for first (pre-vote, 9.6), and the leader's check that a
// quorum still hears it (6.2).
import { invariant } from '#invariant.ts';
import { followMembers } from './adopt-configuration.ts';
import { appendOwn } from './append-own.ts';
import { messageNumberMax } from './bounds.ts';
import { isVoter } from './configuration.ts';
import { forgetLoadRequests } from './entry-loads.ts';
import { quorumVote } from './quorum.ts';
import {
  type Campaigning,
  type Leading,
  membershipOf,
  type RaftState,
  send,
} from './raft-state.ts';
import { sendHeartbeats } from './replication.ts';
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from './role.ts';
import { term as termOf } from './term.ts';
import { tickTransfer } from './transfer.ts';

/**
 * Whether this node may campaign: it is a voter of the configuration in force, or of one that may
 * be again. A voter that its latest, uncommitted configuration removes must campaign as long as
 * others may need its log to commit that (4.2.2, figure 4.6).
 */
export const mayCampaign = (state: RaftState): boolean =>
  state.term < messageNumberMax &&
  state.history.since(state.commitIndex).some(({ membership }) => isVoter(membership, state.self));

/** Asks the voters whether they would vote for this node (9.6). Does nothing where it may not. */
export const campaign = (state: RaftState): void => {
  if (state.role.kind === 'leader' || !mayCampaign(state)) return;
  becomePreCandidate(state);
  requestVotes(state, { preVote: true, transfer: false });
  tally(state);
};

/** Campaigns in a new term (3.4). `transfer`: the leader itself asked for it (3.10). */
export const startElection = (state: RaftState, transfer: boolean): void => {
  invariant(mayCampaign(state), 'only a voter campaigns');
  becomeCandidate(state);
  requestVotes(state, { preVote: false, transfer });
};

const requestVotes = (
  state: RaftState,
  { preVote, transfer }: { readonly preVote: boolean; readonly transfer: boolean },
): void => {
  const { voters, votersOutgoing } = membershipOf(state);
  for (const to of new Set([...voters, ...votersOutgoing])) {
    if (to === state.self) continue;
    send(state, {
      kind: 'vote-request',
      from: state.self,
      to,
      term: preVote ? termOf(state.term + 1) : state.term,
      preVote,
      transfer,
      lastIndex: state.log.lastIndex,
      lastTerm: state.log.lastTerm,
    });
  }
};

/** Counts the votes that count: those of the voters of the configuration in force (4.1). */
export const tally = (state: RaftState): void => {
  const { role } = state;
  invariant(
    role.kind === 'pre-candidate' || role.kind === 'candidate',
    'votes are counted in a campaign',
  );
  switch (quorumVote(membershipOf(state), (node) => role.votes.get(node))) {
    case 'won':
      win(state, role);
      return;
    case 'lost':
      becomeFollower(state, state.term, undefined);
      return;
    case 'pending':
      return;
  }
};

const win = (state: RaftState, role: Campaigning): void => {
  if (role.kind === 'pre-candidate') {
    startElection(state, false);
    return;
  }
  // Until the own vote is on disk this node could forget it and vote again (3.8).
  if (state.persistence.durable.term !== state.term) return;
  const office = becomeLeader(state);
  followMembers(state, office);
  // Without an entry of the own term nothing could be committed or read (3.6.2, 6.4).
  const barrier = appendOwn(state, office, 'barrier', new Uint8Array(0));
  invariant(barrier.index === office.barrierIndex, 'an office begins with its barrier');
};

/** The own vote is on disk and counts from now on (3.8). */
export const countOwnVote = (state: RaftState): void => {
  const { durable } = state.persistence;
  if (state.role.kind !== 'candidate' || durable.term !== state.term) return;
  invariant(durable.votedFor === state.self, 'a candidate voted for itself');
  state.role.votes.set(state.self, true);
  tally(state);
};

/**
 * One tick of a node that does not lead: without a sign of a leader for long enough it campaigns.
 */
export const tickElection = (state: RaftState): void => {
  state.electionElapsedTicks += 1;
  if (state.electionElapsedTicks >= state.electionTimeoutTicks) campaign(state);
};

/** One tick of a leader. */
export const tickLeader = (state: RaftState, role: Leading): void => {
  state.electionElapsedTicks += 1;
  role.heartbeatElapsedTicks += 1;
  tickTransfer(state, role);
  if (state.electionElapsedTicks >= state.options.electionTicks) {
    state.electionElapsedTicks = 0;
    forgetLoadRequests(role.loads);
    if (!quorumIsActive(state, role)) {
      becomeFollower(state, state.term, undefined);
      return;
    }
  }
  if (role.heartbeatElapsedTicks >= state.options.heartbeatTicks) {
    role.heartbeatElapsedTicks = 0;
    sendHeartbeats(state, role);
  }
};

/** Whether a quorum was heard since the last check: a leader alone would only mislead (6.2). */
const quorumIsActive = (state: RaftState, role: Leading): boolean => {
  const result = quorumVote(
    membershipOf(state),
    (node) => node === state.self || (role.progress.get(node)?.recentlyActive ?? false),
  );
  for (const progress of role.progress.values()) progress.recentlyActive = false;
  return result === 'won';
};
