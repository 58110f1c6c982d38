// What the core sees of the log: a window of recent entries in memory, and the term of every entry
// that the log holds. The log itself is on disk and belongs to the driver; older entries are asked
// for with Ready.loads. This file knows nothing of what is durable (persistence.ts does).
import { invariant } from '#invariant.ts';
import { entryOverheadBytes } from './bounds.ts';
import type { Entry } from './entry.ts';
import { earlierOf, indexAfter, type LogIndex } from './log-index.ts';
import type { Term } from './term.ts';
import { createTermRanges, type TermRange } from './term-ranges.ts';

/** What a log view starts with. */
export interface LogViewStart {
  readonly trimmedIndex: LogIndex;
  readonly trimmedTerm: Term;
  readonly terms: readonly TermRange[];
  readonly lastIndex: LogIndex;
  readonly recentEntries: readonly Entry[];
  /** Most bytes kept in memory once the entries are committed and handed to the driver. */
  readonly cachedBytesMax: number;
}

/** The view; `trimmedIndex` is the entry before the first one that the log still holds. */
export interface LogView {
  readonly trimmedIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  /** The term of an entry from `trimmedIndex` to `lastIndex`; undefined outside. */
  termAt(index: LogIndex): Term | undefined;
  matches(index: LogIndex, term: Term): boolean;
  /** The last index up to `through` whose term is `term` or earlier; undefined: before the log. */
  lastAtMost(through: LogIndex, term: Term): LogIndex | undefined;
  /** Appends entries that follow `lastIndex`. */
  append(entries: readonly Entry[]): void;
  truncateFrom(index: LogIndex): void;
  /** The log starts anew, empty, behind an adopted image. */
  restartBehind(index: LogIndex, term: Term): void;
  trimThrough(index: LogIndex): void;
  /** Drops the oldest entries from memory, none behind `through`, until the bound is kept. */
  evict(through: LogIndex): void;
  /** At least one entry from `from`, in memory, up to `through` and about `bytesMax`. */
  slice(from: LogIndex, through: LogIndex, bytesMax: number): readonly Entry[] | undefined;
}

/** What an entry counts in every bound of bytes. */
export const entryBytes = (entry: Entry): number => entry.data.length + entryOverheadBytes;

/** Below this many evicted slots the array is not moved: moving costs more than it frees. */
const emptySlotsMax = 1024;

/** The entries in memory: a queue whose last is the log's last. */
const createWindow = () => {
  // Evicted slots are emptied at once, so their data can be collected, and removed in bulk.
  let slots: (Entry | undefined)[] = [];
  let head = 0;
  let bytes = 0;
  return {
    get length(): number {
      return slots.length - head;
    },
    get bytes(): number {
      return bytes;
    },
    /** The entry at `position` of the window, 0 the oldest. */
    at: (position: number): Entry | undefined => slots[head + position],
    push(entry: Entry) {
      slots.push(entry);
      bytes += entryBytes(entry);
    },
    pop() {
      const entry = slots.pop();
      invariant(entry !== undefined, 'only an entry in memory is removed from it');
      bytes -= entryBytes(entry);
    },
    shift() {
      const entry = slots[head];
      invariant(entry !== undefined, 'only an entry in memory is evicted from it');
      slots[head] = undefined;
      head += 1;
      bytes -= entryBytes(entry);
      if (head > emptySlotsMax && head * 2 > slots.length) {
        slots = slots.slice(head);
        head = 0;
      }
    },
    clear() {
      slots = [];
      head = 0;
      bytes = 0;
    },
  };
};

/** A view of a log as it was found on disk. */
export const createLogView = (start: LogViewStart): LogView => {
  const terms = createTermRanges(start.terms);
  const window = createWindow();
  let { trimmedIndex, trimmedTerm, lastIndex } = start;
  invariant(trimmedIndex <= lastIndex, 'the log does not end before its beginning');
  invariant(
    trimmedIndex === lastIndex || start.terms[0]?.from === indexAfter(trimmedIndex),
    'the terms of the log are known from its first entry on',
  );
  invariant(
    trimmedIndex !== lastIndex || start.terms.length === 0,
    'an empty log has no terms beside the trimmed one',
  );
  for (const [position, entry] of start.recentEntries.entries()) {
    const expected = lastIndex - start.recentEntries.length + 1 + position;
    invariant(
      entry.index === expected,
      'the recent entries reach the end of the log without a gap',
    );
    invariant(terms.at(entry.index) === entry.term, 'the recent entries have the terms of the log');
    window.push(entry);
  }

  const firstInMemory = (): LogIndex => indexAfter(lastIndex, 1 - window.length);

  const termAt = (index: LogIndex): Term | undefined => {
    if (index === trimmedIndex) return trimmedTerm;
    return index > trimmedIndex && index <= lastIndex ? terms.at(index) : undefined;
  };

  return {
    get trimmedIndex() {
      return trimmedIndex;
    },
    get lastIndex() {
      return lastIndex;
    },
    get lastTerm() {
      const last = termAt(lastIndex);
      invariant(last !== undefined, 'the term of the last entry is known');
      return last;
    },
    termAt,
    matches: (index, term) => termAt(index) === term,

    lastAtMost(through, term) {
      const bounded = earlierOf(through, lastIndex);
      const found = bounded > trimmedIndex ? terms.lastAtMost(bounded, term) : undefined;
      if (found !== undefined && found > trimmedIndex) return found;
      return bounded >= trimmedIndex && trimmedTerm <= term ? trimmedIndex : undefined;
    },

    append(entries) {
      for (const entry of entries) {
        invariant(entry.index === lastIndex + 1, 'entries are appended without a gap');
        invariant(entry.term >= (termAt(lastIndex) ?? 0), 'terms never go back along the log');
        terms.add(entry.index, entry.term);
        window.push(entry);
        lastIndex = entry.index;
      }
    },

    truncateFrom(index) {
      invariant(
        index > trimmedIndex && index <= lastIndex,
        'only entries of the log are truncated',
      );
      for (let last = lastIndex; last >= index && window.length > 0; last = indexAfter(last, -1)) {
        window.pop();
      }
      terms.truncateFrom(index);
      lastIndex = indexAfter(index, -1);
    },

    restartBehind(index, term) {
      window.clear();
      terms.clear();
      trimmedIndex = index;
      trimmedTerm = term;
      lastIndex = index;
    },

    trimThrough(index) {
      if (index <= trimmedIndex) return;
      const term = termAt(index);
      invariant(term !== undefined, 'a log is trimmed within its bounds');
      while (window.length > 0 && firstInMemory() <= index) window.shift();
      terms.dropThrough(index, lastIndex);
      trimmedIndex = index;
      trimmedTerm = term;
    },

    evict(through) {
      while (
        window.bytes > start.cachedBytesMax &&
        window.length > 0 &&
        firstInMemory() <= through
      ) {
        window.shift();
      }
    },

    slice(from, through, bytesMax) {
      const first = firstInMemory();
      if (from < first || from > lastIndex || from > through) return undefined;
      const entries: Entry[] = [];
      let bytes = 0;
      const end = Math.min(through, lastIndex);
      for (let position = from - first; position <= end - first; position += 1) {
        const entry = window.at(position);
        invariant(entry !== undefined, 'the window has no gap');
        bytes += entryBytes(entry);
        if (entries.length > 0 && bytes > bytesMax) break;
        entries.push(entry);
      }
      return entries;
    },
  };
};
