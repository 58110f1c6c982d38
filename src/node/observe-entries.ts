// What the node learns from entries on their way to its disk, before they are applied: the time
// that no later entry may be before, and who the members are (4.1: a configuration counts at once).
import { decodeConfiguration, decodeMembers } from '#command/configuration-codec.ts';
import type { MemberRecord } from '#command/member.ts';
import { decodeProposal } from '#command/proposal-codec.ts';
import { unreachable } from '#invariant.ts';
import type { Entry } from '#raft/entry.ts';

/** Who wants to know. */
export interface EntryObservers {
  readonly onTime: (timeMs: number) => void;
  readonly onMembers: (members: readonly MemberRecord[]) => void;
}

/** Looks at appended entries, in order. */
export const observeEntries = (entries: readonly Entry[], observers: EntryObservers): void => {
  for (const { kind, data } of entries) {
    switch (kind) {
      case 'command':
        observers.onTime(decodeProposal(data).timeMs);
        break;
      case 'configuration': {
        const { context } = decodeConfiguration(data);
        // Leaving a joint configuration brings no particulars: they stay as they are.
        if (context.length > 0) observers.onMembers(decodeMembers(context));
        break;
      }
      case 'barrier':
        break;
      default:
        unreachable(kind);
    }
  }
};
