// The changes of role (dissertation 3.3, figure 3.3), and what each begins and ends. Why a role
// changes is decided by the callers.
import { invariant } from '#invariant.ts';
import { createEntryLoads } from './entry-loads.ts';
import type { LogIndex } from './log-index.ts';
import { indexAfter } from './log-index.ts';
import type { NodeId } from './node-id.ts';
import { drawElectionTimeout, type Leading, type RaftState } from './raft-state.ts';
import { createReads, refuseReads } from './read-index.ts';
import { type Term, term as termOf } from './term.ts';

/** Ends what the present role began and starts the clock of the next anew. */
const leaveRole = (state: RaftState): void => {
  if (state.role.kind === 'leader') refuseReads(state, state.role);
  state.electionElapsedTicks = 0;
  state.electionTimeoutTicks = drawElectionTimeout(state.options);
};

/** Enters `term`, in which no vote was given yet (3.4). */
const enterTerm = (state: RaftState, term: Term): void => {
  invariant(term > state.term, 'the term never goes back');
  state.term = term;
  state.votedFor = undefined;
};

/** Follows `leader`, or waits for one. */
export const becomeFollower = (state: RaftState, term: Term, leader: NodeId | undefined): void => {
  invariant(leader !== state.self, 'a node does not follow itself');
  leaveRole(state);
  if (term !== state.term) enterTerm(state, term);
  state.role = { kind: 'follower', leader };
};

/** Asks whether an election could be won; term and vote stay as they are (9.6). */
export const becomePreCandidate = (state: RaftState): void => {
  invariant(state.role.kind !== 'leader', 'a leader does not campaign');
  leaveRole(state);
  state.role = { kind: 'pre-candidate', votes: new Map([[state.self, true]]) };
};

/**
 * Campaigns in the next term. The own vote is not in `votes` yet: it counts when it is durable, as
 * anybody else's would (3.8).
 */
export const becomeCandidate = (state: RaftState): void => {
  invariant(state.role.kind !== 'leader', 'a leader does not campaign');
  leaveRole(state);
  enterTerm(state, termOf(state.term + 1));
  state.votedFor = state.self;
  state.role = { kind: 'candidate', votes: new Map() };
};

/**
 * Leads in the term of the election that was won; the caller appends the barrier entry.
 *
 * @returns the office, with `barrierIndex` the next entry
 */
export const becomeLeader = (state: RaftState): Leading => {
  invariant(state.role.kind === 'candidate', 'only a candidate becomes leader');
  invariant(state.votedFor === state.self, 'a leader voted for itself');
  invariant(state.persistence.durable.term === state.term, "a leader's term is on its disk");
  leaveRole(state);
  const barrierIndex: LogIndex = indexAfter(state.log.lastIndex);
  const role: Leading = {
    kind: 'leader',
    barrierIndex,
    progress: new Map(),
    membersDue: true,
    reads: createReads(),
    loads: createEntryLoads(),
    uncommittedBytes: 0,
    transfer: undefined,
    heartbeatElapsedTicks: 0,
  };
  state.role = role;
  return role;
};
