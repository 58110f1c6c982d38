// What one append means as records, checked against the log's state: the one place that knows the
// order. Whoever hands appends to a SegmentedLog (the log's main side, the simulator) goes through
// it.
import { invariant } from '#invariant.ts';
import { indexAfter } from '#raft/log-index.ts';
import type { LogAppend } from './durable-log.ts';
import type { LogRecord } from './log-record.ts';
import type { LogState } from './log-state.ts';

/**
 * The records of an append, and the state moved on by them. An append that does not follow the
 * state is a fault of the caller: broken invariant, before anything reaches the disk.
 */
export const appendRecords = (append: LogAppend, state: LogState): LogRecord[] => {
  const records: LogRecord[] = [];
  const { snapshot, truncateFrom, entries, hardState } = append;
  if (snapshot !== undefined) records.push({ kind: 'snapshot', ...snapshot });
  // The core may remove entries that it had not handed over yet: nothing to do for the log.
  if (truncateFrom !== undefined && truncateFrom <= state.terms.lastIndex) {
    const previousTerm = state.terms.termOf(indexAfter(truncateFrom, -1));
    invariant(previousTerm !== undefined, 'what is truncated lies in the log');
    records.push({ kind: 'truncate', from: truncateFrom, previousTerm });
  }
  for (const entry of entries) records.push({ kind: 'entry', entry });
  if (hardState !== undefined) records.push({ kind: 'hard-state', hardState });
  const reason = state.apply(records);
  invariant(reason === undefined, `an append follows what is in the log: ${reason}`);
  return records;
};
