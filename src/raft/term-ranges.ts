// The terms of the whole log, held as ranges: a handful of numbers, whatever the log's length. The
// table knows nothing of entries; log-view.ts keeps it in step with them.
import { invariant } from '#invariant.ts';
import { indexAfter, type LogIndex } from './log-index.ts';
import type { Term } from './term.ts';

/** Entries from `from` up to the next range's `from` (exclusive) have `term`. */
export interface TermRange {
  readonly from: LogIndex;
  readonly term: Term;
}

/** The table; indexes and terms both ascend. */
export interface TermRanges {
  /** The term of an entry that the table covers; undefined before the first range. */
  at(index: LogIndex): Term | undefined;
  /** The entry at `index` was appended. */
  add(index: LogIndex, term: Term): void;
  /** The entry at `index` and all behind it are gone. */
  truncateFrom(index: LogIndex): void;
  /** The entries up to and including `index` are gone; the log ends at `lastIndex`. */
  dropThrough(index: LogIndex, lastIndex: LogIndex): void;
  clear(): void;
  /** The last index up to `through` whose term is `term` or earlier, if the table covers one. */
  lastAtMost(through: LogIndex, term: Term): LogIndex | undefined;
}

/** A table that starts with what a log was found to hold. */
export const createTermRanges = (initial: readonly TermRange[]): TermRanges => {
  const ranges: TermRange[] = [...initial];
  for (const [position, range] of ranges.entries()) {
    const before = ranges[position - 1];
    invariant(
      before === undefined || (before.from < range.from && before.term < range.term),
      'the ranges of terms ascend in index and in term',
    );
  }

  /** The position of the range that covers `index`, or -1: a binary search. */
  const positionOf = (index: LogIndex): number => {
    let low = 0;
    let high = ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const range = ranges[middle];
      if (range !== undefined && range.from <= index) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  };

  return {
    at: (index) => ranges[positionOf(index)]?.term,

    add(index, term) {
      const last = ranges.at(-1);
      invariant(last === undefined || last.from < index, 'an entry is added behind the last range');
      invariant(last === undefined || last.term <= term, 'terms never go back along the log');
      if (last?.term !== term) ranges.push({ from: index, term });
    },

    truncateFrom(index) {
      while ((ranges.at(-1)?.from ?? -1) >= index) ranges.pop();
    },

    dropThrough(index, lastIndex) {
      invariant(index <= lastIndex, 'a log is trimmed within its bounds');
      const first = index === lastIndex ? undefined : ranges[positionOf(indexAfter(index))];
      while ((ranges[0]?.from ?? Number.POSITIVE_INFINITY) <= index) ranges.shift();
      const kept = ranges[0];
      if (first !== undefined && kept?.term !== first.term) {
        ranges.unshift({ from: indexAfter(index), term: first.term });
      }
    },

    clear() {
      ranges.length = 0;
    },

    lastAtMost(through, term) {
      let end = through;
      for (let position = positionOf(through); position >= 0; position -= 1) {
        const range = ranges[position];
        invariant(range !== undefined, 'a position within the table has a range');
        if (range.term <= term) return end;
        end = indexAfter(range.from, -1);
      }
      return undefined;
    },
  };
};
