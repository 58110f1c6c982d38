// What was handed to the driver's disk, and what of it is durable. Several batches may be under
// way. The trap is a truncation in between: a batch that wrote entry 5 of a dead leader says
// nothing about the entry 5 that replaced it, even when an equal one is appended a third time. So a
// truncation takes the entries away from every batch under way; numbers alone are never compared.
import { invariant } from '#invariant.ts';
import type { Entry } from './entry.ts';
import type { HardState } from './hard-state.ts';
import { indexAfter, indexZero, type LogIndex } from './log-index.ts';
import type { LogView } from './log-view.ts';
import type { Term } from './term.ts';

/** What the driver is to write, in this order, with one sync. */
export interface Batch {
  readonly sequence: number;
  readonly snapshot: { readonly index: LogIndex; readonly term: Term } | undefined;
  readonly truncateFrom: LogIndex | undefined;
  readonly entries: readonly Entry[];
  readonly hardState: HardState | undefined;
}

interface BatchUnderWay {
  readonly sequence: number;
  /** The last entry whose durability the batch brings; lowered by truncations. */
  through: LogIndex;
  readonly hardState: HardState;
}

/** The bookkeeping; `sequence` is the number of the last batch that was handed out. */
export interface Persistence {
  readonly sequence: number;
  /** Entries up to here are on disk and are the log's present ones. */
  readonly durableIndex: LogIndex;
  /** The hard state that is on disk. */
  readonly durable: HardState;
  readonly handedIndex: LogIndex;
  readonly isIdle: boolean;
  truncatedFrom(index: LogIndex): void;
  restartedBehind(index: LogIndex, term: Term): void;
  /**
   * Whether `hardState` or the log holds something that must be written before anybody hears of it.
   */
  isOwed(log: LogView, hardState: HardState): boolean;
  /** Hands everything owed out as the next batch. */
  take(log: LogView, hardState: HardState): Batch;
  /** The batches up to `sequence` are on disk. */
  settle(sequence: number): void;
}

const sameVote = (a: HardState, b: HardState): boolean =>
  a.term === b.term && a.votedFor === b.votedFor;

/** The bookkeeping of a log that is on disk up to `lastIndex`, with this hard state. */
export const createPersistence = (lastIndex: LogIndex, start: HardState): Persistence => {
  let sequence = 0;
  let durableIndex = lastIndex;
  let durable = start;
  let handedIndex = lastIndex;
  let handed = start;
  let truncateFrom: LogIndex | undefined;
  let snapshot: { readonly index: LogIndex; readonly term: Term } | undefined;
  let underWay: BatchUnderWay[] = [];

  const lower = (through: LogIndex): void => {
    for (const batch of underWay) if (batch.through > through) batch.through = through;
    if (durableIndex > through) durableIndex = through;
  };

  return {
    get sequence() {
      return sequence;
    },
    get durableIndex() {
      return durableIndex;
    },
    get durable() {
      return durable;
    },
    get handedIndex() {
      return handedIndex;
    },
    get isIdle() {
      return underWay.length === 0;
    },

    truncatedFrom(index) {
      const kept = indexAfter(index, -1);
      if (index <= handedIndex) {
        if (truncateFrom === undefined || index < truncateFrom) truncateFrom = index;
        handedIndex = kept;
      }
      lower(kept);
    },

    restartedBehind(index, term) {
      snapshot = { index, term };
      truncateFrom = undefined;
      handedIndex = index;
      // The old log stays on disk until the batch with the image is written: nothing of it counts.
      lower(indexZero);
    },

    isOwed: (log, hardState) =>
      snapshot !== undefined ||
      truncateFrom !== undefined ||
      handedIndex < log.lastIndex ||
      // The commit index alone is a hint (3.8): it travels with the next batch and costs no sync.
      !sameVote(hardState, handed),

    take(log, hardState) {
      const entries =
        handedIndex < log.lastIndex
          ? log.slice(indexAfter(handedIndex), log.lastIndex, Number.POSITIVE_INFINITY)
          : [];
      invariant(entries !== undefined, 'entries stay in memory until they are handed to the disk');
      invariant(hardState.term >= handed.term, 'the term never goes back');
      invariant(hardState.commitIndex >= handed.commitIndex, 'the commit index never goes back');
      invariant(
        hardState.term > handed.term ||
          handed.votedFor === undefined ||
          hardState.votedFor === handed.votedFor,
        'a vote is given once a term (dissertation 3.4)',
      );
      const isNews = !sameVote(hardState, handed) || hardState.commitIndex > handed.commitIndex;
      sequence += 1;
      const batch: Batch = {
        sequence,
        snapshot,
        truncateFrom,
        entries,
        hardState: isNews ? hardState : undefined,
      };
      snapshot = undefined;
      truncateFrom = undefined;
      handedIndex = log.lastIndex;
      handed = hardState;
      underWay.push({ sequence, through: handedIndex, hardState });
      return batch;
    },

    settle(settled) {
      invariant(settled <= sequence, 'only a batch that was handed out becomes durable');
      for (const batch of underWay) {
        if (batch.sequence > settled) break;
        if (batch.through > durableIndex) durableIndex = batch.through;
        durable = batch.hardState;
      }
      underWay = underWay.filter((batch) => batch.sequence > settled);
      invariant(durableIndex <= handedIndex, 'nothing is durable that was not handed to the disk');
    },
  };
};
