// Answers reads for entries that were handed to the log and are not durable yet.
import type { Entry } from '#raft/entry.ts';
import type { LogIndex } from '#raft/log-index.ts';
import type { LogAppend } from './durable-log.ts';
import { entryBytesOf } from './entry-bytes.ts';

/** Either the entries, or what the pending appends leave of the log below them. */
export type PendingEntries =
  | { readonly kind: 'entries'; readonly entries: readonly Entry[] }
  /** The entry is on disk, if anywhere; of what is there only entries below `below` count. */
  | { readonly kind: 'on-disk'; readonly below: number };

/** Looks for `from` in appends that are not durable, the oldest first. */
export const pendingEntries = (
  appends: readonly LogAppend[],
  from: LogIndex,
  bytesMax: number,
): PendingEntries => {
  let below = Number.POSITIVE_INFINITY;
  // The newest word on an index counts, so from the back.
  for (const append of appends.toReversed()) {
    const first = append.entries[0]?.index;
    if (first !== undefined && from >= first && from < below) {
      const entries = within(append.entries, from, below, bytesMax);
      if (entries.length > 0) return { kind: 'entries', entries };
    }
    if (append.truncateFrom !== undefined) below = Math.min(below, append.truncateFrom);
    if (append.snapshot !== undefined) {
      // Behind the snapshot there is what was found above; before it nothing.
      below = Math.min(below, 0);
    }
    if (first !== undefined) below = Math.min(below, first);
    if (from >= below) return { kind: 'entries', entries: [] };
  }
  return { kind: 'on-disk', below };
};

const within = (
  entries: readonly Entry[],
  from: LogIndex,
  below: number,
  bytesMax: number,
): Entry[] => {
  const taken: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    if (entry.index < from) continue;
    bytes += entryBytesOf([entry]);
    if (entry.index >= below || (taken.length > 0 && bytes > bytesMax)) break;
    taken.push(entry);
  }
  return taken;
};
