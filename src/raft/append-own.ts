// A leader adds to its own log (dissertation 3.5); nothing of it is ever overwritten while it
// leads.
import { invariant } from '#invariant.ts';
import { adoptConfigurations } from './adopt-configuration.ts';
import type { Entry, EntryKind } from './entry.ts';
import { indexAfter } from './log-index.ts';
import { entryBytes } from './log-view.ts';
import type { Leading, RaftState } from './raft-state.ts';

/** Appends one entry in the leader's term; it travels and is written with the next Ready. */
export const appendOwn = (
  state: RaftState,
  role: Leading,
  kind: EntryKind,
  data: Uint8Array,
): Entry => {
  invariant(state.role === role, 'only the leader appends to its log of itself');
  const entry: Entry = { index: indexAfter(state.log.lastIndex), term: state.term, kind, data };
  invariant(entry.index >= role.barrierIndex, 'the first entry of an office is its barrier');
  state.log.append([entry]);
  role.uncommittedBytes += entryBytes(entry);
  adoptConfigurations(state, [entry]);
  return entry;
};
