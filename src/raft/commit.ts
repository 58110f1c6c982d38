// When entries are committed (dissertation 3.5, 3.6.2), and what follows for the configuration:
// a joint one is left (4.3), a leader that is a voter no more steps down (4.2.2).
import { invariant } from '#invariant.ts';
import { appendOwn } from './append-own.ts';
import { isJoint, isVoter, leaveJoint } from './configuration.ts';
import { indexAfter, type LogIndex, laterOf, logIndex } from './log-index.ts';
import { entryBytes } from './log-view.ts';
import { quorumReached } from './quorum.ts';
import { type Leading, membershipOf, type RaftState } from './raft-state.ts';
import { replicate } from './replication.ts';
import { becomeFollower } from './role.ts';
import { handOver } from './transfer.ts';

/** Entries up to `index` are committed. */
export const advanceCommit = (state: RaftState, index: LogIndex): void => {
  invariant(index >= state.commitIndex, 'the commit index never goes back');
  invariant(index <= state.log.lastIndex, 'the log holds what is committed');
  state.commitIndex = index;
};

/**
 * Commits what a quorum has on disk, the leader's own disk counted like anybody else's (10.2.1), if
 * it is of the leader's term: an older entry is committed only along with one of it (3.6.2, figure
 * 3.7: a majority that holds an older entry can still be outvoted).
 */
export const maybeCommit = (state: RaftState, role: Leading): void => {
  const reached = quorumReached(membershipOf(state), (node) =>
    node === state.self ? state.persistence.durableIndex : (role.progress.get(node)?.match ?? 0),
  );
  if (reached <= state.commitIndex || reached < role.barrierIndex) return;
  invariant(reached <= state.log.lastIndex, 'a quorum has no more than its leader');
  const index = logIndex(reached);
  invariant(
    state.log.matches(index, state.term),
    'entries from the barrier on are of the own term',
  );
  countCommitted(state, role, index);
  advanceCommit(state, index);
  afterCommit(state, role);
};

const countCommitted = (state: RaftState, role: Leading, index: LogIndex): void => {
  const from = laterOf(indexAfter(state.commitIndex), role.barrierIndex);
  const entries = state.log.slice(from, index, Number.POSITIVE_INFINITY);
  invariant(entries !== undefined, 'own entries stay in memory until they are committed');
  for (const entry of entries) role.uncommittedBytes -= entryBytes(entry);
  invariant(role.uncommittedBytes >= 0, 'the uncommitted bytes are never negative');
};

const afterCommit = (state: RaftState, role: Leading): void => {
  const { index, membership } = state.history.latest;
  if (index > state.commitIndex) return;
  if (isJoint(membership)) {
    if (membership.autoLeave) leaveAutomatically(state, role);
    return;
  }
  role.membersDue = true;
  if (!isVoter(membership, state.self)) stepDownRemoved(state, role);
};

/** The joint configuration is committed: the incoming half takes over (4.3). */
const leaveAutomatically = (state: RaftState, role: Leading): void => {
  const left = leaveJoint(membershipOf(state));
  invariant(left.kind === 'changed', 'a joint configuration can be left');
  const entry = { membership: left.membership, context: new Uint8Array(0) };
  appendOwn(state, role, 'configuration', state.options.configurationCodec.encode(entry));
};

/**
 * A leader that is no voter of the committed configuration leads no longer (4.2.2). It tells the
 * others of the commit and, to save them an election time-out, asks one that is fit to campaign
 * (3.10).
 */
const stepDownRemoved = (state: RaftState, role: Leading): void => {
  invariant(state.history.latest.index <= state.commitIndex, 'the removal is committed');
  replicate(state, role);
  handOver(state, role);
  becomeFollower(state, state.term, undefined);
};
