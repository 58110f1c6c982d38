// The durable log: entries and hard state in one stream of segments, one fdatasync a batch, in a
// thread of its own. This file is the interface; the main thread never touches the files.
import type { Entry } from '#raft/entry.ts';
import type { HardState } from '#raft/hard-state.ts';
import type { LogIndex } from '#raft/log-index.ts';
import type { Term } from '#raft/term.ts';

/** What a log held when it was opened. */
export interface RecoveredLog {
  readonly hardState: HardState;
  readonly trimmedIndex: LogIndex;
  readonly trimmedTerm: Term;
  /** Every term with the first index of it, ascending. */
  readonly terms: readonly { readonly from: LogIndex; readonly term: Term }[];
  readonly lastIndex: LogIndex;
  /** The newest entries that fit `recentBytesMax`, without a gap to `lastIndex`. */
  readonly recentEntries: readonly Entry[];
  /** Every configuration entry in the log, in order. */
  readonly configurationEntries: readonly Entry[];
}

/** What one append makes durable, in this order. */
export interface LogAppend {
  /** An image was adopted: the log becomes empty behind this entry. */
  readonly snapshot: { readonly index: LogIndex; readonly term: Term } | undefined;
  readonly truncateFrom: LogIndex | undefined;
  readonly entries: readonly Entry[];
  readonly hardState: HardState | undefined;
}

/** How a log is opened. */
export interface DurableLogOptions {
  readonly folder: string;
  readonly segmentBytes: number;
  readonly recentBytesMax: number;
}

/** Called for every append in the order of the calls, with the latency of its fdatasync. */
export type OnDurable = (sequence: number, syncMicroseconds: number) => void;

/** What a log tells its owner. */
export interface DurableLogEvents {
  readonly onDurable: OnDurable;
  /** Once: nothing more is written and the process must end. Never retried, see `DurableLog`. */
  readonly onFailed: (error: Error) => void;
  /**
   * True: the disk has no room; nothing is lost, what was handed over waits and is tried again every
   * second. False: it goes on. Until then the owner should take no more work.
   */
  readonly onDiskFull?: (full: boolean) => void;
}

/** An open log. After a failure (`failed`) nothing more is written and the process must end. */
export interface DurableLog {
  readonly recovered: RecoveredLog;
  /**
   * Hands a batch over; at most two are with the thread, later ones are joined to one batch while
   * they wait. `sequence` comes back through `onDurable`.
   */
  append(sequence: number, append: LogAppend): void;
  /** Entries from `from`, at least one, at most about `bytesMax`; durable or handed over before. */
  read(from: LogIndex, bytesMax: number): Promise<readonly Entry[]>;
  /** Forgets entries up to and including `index` (whole segments only). */
  trim(index: LogIndex): void;
  /** Waits for what was handed over, then closes. */
  close(): Promise<void>;
}
