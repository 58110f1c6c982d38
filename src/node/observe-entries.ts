// What the node learns of time from entries on their way to its disk, before they are applied: no
// later entry may be before theirs.
import { decodeProposal } from '#command/proposal-codec.ts';
import type { Entry } from '#raft/entry.ts';

/** Tells the time of each command among appended entries, in order. */
export const observeEntries = (
  entries: readonly Entry[],
  onTime: (timeMs: number) => void,
): void => {
  for (const { kind, data } of entries) {
    if (kind === 'command') onTime(decodeProposal(data).timeMs);
  }
};
