// A disk for a raft log that keeps only what was synced: batches are written in order, each becomes
// durable with its own sync, and a crash drops the rest. What the log's driver does with real
// files.
import { invariant } from '#invariant.ts';
import type { Entry } from '#raft/entry.ts';
import type { HardState } from '#raft/hard-state.ts';
import { indexAfter, type LogIndex, logIndex } from '#raft/log-index.ts';
import { type Term, term } from '#raft/term.ts';
import type { TermRange } from '#raft/term-ranges.ts';

/** What one write holds, in the order in which it takes effect. */
export interface DiskBatch {
  readonly sequence: number;
  readonly snapshot: { readonly index: LogIndex; readonly term: Term } | undefined;
  readonly truncateFrom: LogIndex | undefined;
  readonly entries: readonly Entry[];
  readonly hardState: HardState | undefined;
}

/** A log on a disk: entries behind the trimmed one, and the hard state. */
export interface DiskContents {
  hardState: HardState;
  trimmedIndex: LogIndex;
  trimmedTerm: Term;
  entries: Entry[];
}

/** A disk with nothing on it. */
export const emptyContents = (): DiskContents => ({
  hardState: { term: term(0), votedFor: undefined, commitIndex: logIndex(0) },
  trimmedIndex: logIndex(0),
  trimmedTerm: term(0),
  entries: [],
});

export const copyOf = (contents: DiskContents): DiskContents => ({
  ...contents,
  entries: [...contents.entries],
});

export const lastIndexOf = (contents: DiskContents): LogIndex =>
  indexAfter(contents.trimmedIndex, contents.entries.length);

/** The term at an index that the contents cover. */
export const termOn = (contents: DiskContents, index: LogIndex): Term | undefined =>
  index === contents.trimmedIndex
    ? contents.trimmedTerm
    : contents.entries[index - contents.trimmedIndex - 1]?.term;

/** Every term with the first index of it, as a start of the core wants it. */
export const termsOf = (contents: DiskContents): TermRange[] => {
  const ranges: TermRange[] = [];
  for (const entry of contents.entries) {
    if (ranges.at(-1)?.term !== entry.term) ranges.push({ from: entry.index, term: entry.term });
  }
  return ranges;
};

const applyTo = (contents: DiskContents, batch: DiskBatch): void => {
  if (batch.snapshot !== undefined) {
    contents.entries = [];
    contents.trimmedIndex = batch.snapshot.index;
    contents.trimmedTerm = batch.snapshot.term;
  }
  if (batch.truncateFrom !== undefined) {
    invariant(batch.truncateFrom > contents.trimmedIndex, 'trimmed entries are not truncated');
    invariant(batch.truncateFrom <= lastIndexOf(contents), 'only entries on disk are truncated');
    contents.entries.length = batch.truncateFrom - contents.trimmedIndex - 1;
  }
  for (const entry of batch.entries) {
    invariant(entry.index === lastIndexOf(contents) + 1, 'entries reach the disk without a gap');
    contents.entries.push(entry);
  }
  if (batch.hardState !== undefined) {
    invariant(batch.hardState.term >= contents.hardState.term, 'the term on disk never goes back');
    contents.hardState = batch.hardState;
  }
};

/** The disk of one node, as its program sees it. */
export interface NodeDisk {
  /** What would be found after a crash now. */
  readonly durable: DiskContents;
  /** What was written, synced or not. */
  readonly written: DiskContents;
  readonly unsynced: readonly DiskBatch[];
  write(batch: DiskBatch): void;
  /** Syncs the oldest `count` batches (one) that are not durable; tells the last's number. */
  syncNext(count?: number): number | undefined;
  trim(index: LogIndex): void;
  read(from: LogIndex, bytesMax: number): readonly Entry[];
}

/** A disk that can crash. */
export interface MemoryDisk extends NodeDisk {
  /** Loses what was not synced, but for the oldest `kept` batches. */
  crash(kept: number): void;
}

/** A disk that holds `contents`. */
export const createMemoryDisk = (contents: DiskContents): MemoryDisk => {
  const durable = copyOf(contents);
  let written = copyOf(contents);
  let unsynced: DiskBatch[] = [];

  const trimContents = (target: DiskContents, index: LogIndex): void => {
    const trimmedTerm = termOn(target, index);
    if (index <= target.trimmedIndex || trimmedTerm === undefined) return;
    target.entries.splice(0, index - target.trimmedIndex);
    target.trimmedIndex = index;
    target.trimmedTerm = trimmedTerm;
  };

  const syncNext = (count = 1): number | undefined => {
    const batches = unsynced.splice(0, count);
    for (const batch of batches) applyTo(durable, batch);
    return batches.at(-1)?.sequence;
  };

  return {
    durable,
    get written() {
      return written;
    },
    get unsynced() {
      return unsynced;
    },
    write(batch) {
      applyTo(written, batch);
      unsynced.push(batch);
    },
    syncNext,
    trim(index) {
      trimContents(durable, index);
      trimContents(written, index);
    },
    crash(kept) {
      syncNext(kept);
      unsynced = [];
      written = copyOf(durable);
    },
    read(from, bytesMax) {
      const entries: Entry[] = [];
      let bytes = 0;
      for (const entry of written.entries.slice(from - written.trimmedIndex - 1)) {
        bytes += entry.data.length;
        if (entries.length > 0 && bytes > bytesMax) break;
        entries.push(entry);
      }
      return entries;
    },
  };
};
