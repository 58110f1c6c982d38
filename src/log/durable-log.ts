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
  /** This entry and all behind it go; above the commit index. Nothing to do when there is none. */
  readonly truncateFrom: LogIndex | undefined;
  readonly entries: readonly Entry[];
  readonly hardState: HardState | undefined;
}

/** How a log is opened. */
export interface DurableLogOptions {
  /** Made (0700) when it does not exist; its parent does. */
  readonly folder: string;
  /**
   * Size of a segment's file, some MiB; one that holds a larger batch is as large as it must be.
   */
  readonly segmentBytes: number;
  /** How many bytes `RecoveredLog.recentEntries` may have: data, and 32 for each entry. */
  readonly recentBytesMax: number;
}

/** Called for every append in the order of the calls, with the latency of its fdatasync. */
export type OnDurable = (sequence: number, syncMicroseconds: number) => void;

/** What a log tells its owner. */
export interface DurableLogEvents {
  readonly onDurable: OnDurable;
  /** A sync of a batch of appends took so long; once for each sync. */
  readonly onSynced?: (syncMicroseconds: number) => void;
  /** Once, with CodedError `storage_failed` or a fault of the program. The process must end. */
  readonly onFailed: (error: Error) => void;
  /**
   * True: the disk has no room; nothing is lost, what was handed over waits and is tried again
   * every second. False: it goes on. Until then the owner should take no more work.
   */
  readonly onDiskFull?: (full: boolean) => void;
}

/**
 * An open log. After `onFailed` nothing more is written and the process must end: after a failed
 * sync nobody knows what is on the disk, and a second one would say "fine" without it being so.
 */
export interface DurableLog {
  readonly recovered: RecoveredLog;
  /**
   * Hands an append over. It is durable as a whole or not at all. While the disk works on one
   * batch, later appends are joined to the next. `sequence` comes back through `onDurable`. An
   * append that does not follow what the log holds breaks an invariant.
   */
  append(sequence: number, append: LogAppend): void;
  /**
   * Entries from `from` on, durable or handed over before: at least one, and as long as they are
   * within `bytesMax`. It may be fewer than there are: ask again behind the last. Empty when `from`
   * is not in the log. Rejects with CodedError `log_damaged` when a record rotted on disk.
   */
  read(from: LogIndex, bytesMax: number): Promise<readonly Entry[]>;
  /**
   * Forgets entries up to and including `index`, whole segments only: some of them may stay, none
   * behind it goes. The caller knows them to be applied and durable elsewhere.
   */
  trim(index: LogIndex): void;
  /**
   * Held: what is appended waits in memory, as on a full disk, until it is let go. For a disk that
   * others fill up: the log must not take what the database needs to go on.
   */
  hold(held: boolean): void;
  /** Waits for what was handed over, then closes; on a full disk it does not wait. */
  close(): Promise<void>;
}
