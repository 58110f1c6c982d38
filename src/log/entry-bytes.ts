// How entries count against the log's bounds of bytes.
import type { Entry } from '#raft/entry.ts';
import { entryOverheadBytes } from './limits.ts';

/** Their data and something for each, so that empty entries are bounded too. */
export const entryBytesOf = (entries: readonly Entry[]): number =>
  entries.reduce((sum, entry) => sum + entry.data.length + entryOverheadBytes, 0);
