// A configuration is in force from the moment its entry is in the log (dissertation 4.1).
import { invariant } from '#invariant.ts';
import { isVoter, membershipProblem, membersOf } from './configuration.ts';
import type { Entry } from './entry.ts';
import { indexAfter } from './log-index.ts';
import { reconcileProgress } from './progress.ts';
import type { Leading, RaftState } from './raft-state.ts';

/** Puts the configurations among entries that were just appended in force. */
export const adoptConfigurations = (state: RaftState, entries: readonly Entry[]): void => {
  const configurations = entries.filter((entry) => entry.kind === 'configuration');
  if (configurations.length === 0) return;
  for (const entry of configurations) {
    const { membership } = state.options.configurationCodec.decode(entry.data);
    invariant(membershipProblem(membership) === undefined, 'the log holds valid configurations');
    state.history.append({ index: entry.index, membership });
  }
  if (state.role.kind === 'leader') followMembers(state, state.role);
};

/**
 * Sends the log to every member of a configuration that is, or may still be, in force. Nodes that
 * leave with an uncommitted configuration are sent that too, so they learn that they left.
 */
export const followMembers = (state: RaftState, role: Leading): void => {
  const members = new Set(
    state.history.since(state.commitIndex).flatMap(({ membership }) => membersOf(membership)),
  );
  members.delete(state.self);
  invariant(state.role === role, 'only the leader in office has followers');
  // A newcomer had no chance to be heard yet, and that must not cost the leader its quorum.
  const isNewcomer = state.log.lastIndex >= role.barrierIndex;
  const next = indexAfter(state.log.lastIndex);
  reconcileProgress(role.progress, [...members].sort(), next, isNewcomer);
  const { latest } = state.history;
  const { transfer } = role;
  // Changes are refused while it is under way, and to leave a joint configuration keeps its voters.
  invariant(
    transfer === undefined || isVoter(latest.membership, transfer.to),
    'leadership is handed over to a voter only',
  );
};
