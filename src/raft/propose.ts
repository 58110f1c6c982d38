// What a leader is asked to append: commands, barriers, changes of configuration. Everything that
// cannot be appended now is refused at once; nothing waits for better times.
import { appendOwn } from './append-own.ts';
import { entryOverheadBytes } from './bounds.ts';
import { type Changed, changeSimply, enterJoint, isJoint, leaveJoint } from './configuration.ts';
import type { EntryKind } from './entry.ts';
import type { Membership, MembershipChange } from './membership.ts';
import { type Leading, leaderOf, type RaftState } from './raft-state.ts';
import type { Proposed, Refusal } from './ready.ts';

const refuse = (refusal: Refusal): Proposed => ({ kind: 'refused', refusal });

/** The office, if it takes entries now (3.10: not while it is handed over). */
const officeThatAppends = (state: RaftState): Leading | Refusal => {
  const { role } = state;
  if (role.kind !== 'leader') return { kind: 'not-leader', leader: leaderOf(state) };
  if (role.transfer !== undefined) return { kind: 'transfer-in-progress' };
  return role;
};

const append = (state: RaftState, role: Leading, kind: EntryKind, data: Uint8Array): Proposed => {
  const bytes = role.uncommittedBytes + data.length + entryOverheadBytes;
  // One entry is always taken, however large: else it could never be.
  if (role.uncommittedBytes > 0 && bytes > state.options.uncommittedBytesMax) {
    return refuse({ kind: 'too-much-uncommitted' });
  }
  const { index, term } = appendOwn(state, role, kind, data);
  return { kind: 'accepted', index, term };
};

/** Appends a command or a barrier (3.5). */
export const propose = (
  state: RaftState,
  kind: 'command' | 'barrier',
  data: Uint8Array,
): Proposed => {
  const role = officeThatAppends(state);
  return role.kind === 'leader' ? append(state, role, kind, data) : refuse(role);
};

/**
 * Appends a configuration. One change at a time (4.1), and none before an entry of the own term is
 * committed: without it two leaders' changes could be in force with majorities that do not meet.
 */
export const proposeConfiguration = (
  state: RaftState,
  changes: readonly MembershipChange[],
  context: Uint8Array,
): Proposed => {
  const role = officeThatAppends(state);
  if (role.kind !== 'leader') return refuse(role);
  if (state.commitIndex < role.barrierIndex) {
    return refuse({ kind: 'no-entry-of-own-term-committed' });
  }
  const { index, membership } = state.history.latest;
  if (index > state.commitIndex) return refuse({ kind: 'configuration-in-progress' });
  if (isJoint(membership) && (membership.autoLeave || changes.length > 0)) {
    return refuse({ kind: 'configuration-in-progress' });
  }
  const changed = change(membership, changes);
  if (changed.kind === 'refused') return refuse({ kind: 'invalid', reason: changed.fault });
  const data = state.options.configurationCodec.encode({ membership: changed.membership, context });
  return append(state, role, 'configuration', data);
};

/** In one step where majorities stay connected, else through a joint configuration (4.3). */
const change = (membership: Membership, changes: readonly MembershipChange[]): Changed => {
  if (isJoint(membership)) return leaveJoint(membership);
  const simple = changeSimply(membership, changes);
  if (simple.kind === 'changed' || simple.fault !== 'needs-joint') return simple;
  return enterJoint(membership, changes, true);
};
