// The interface of the writer: the only connection that changes the database. It applies committed
// entries in order and knows nothing of processes; a process of its own wraps it.
import type { EntryKind } from '#raft/entry.ts';
import type { Membership } from '#raft/membership.ts';
import type { CaptureNumbers } from './changes/open-capture.ts';
import type { OutcomeMark } from './outcome-chain.ts';
import type { Trial, TrialResult } from './try-transaction.ts';

/** A committed entry to apply. */
export interface CommittedEntry {
  readonly index: number;
  readonly term: number;
  readonly kind: EntryKind;
  readonly data: Uint8Array;
  /** `renderBits` of the outcome, 0 when nobody here waits for it. */
  readonly render: number;
}

/** What a batch became. */
export interface AppliedBatch {
  readonly appliedIndex: number;
  readonly appliedTerm: number;
  readonly schemaIndex: number;
  /**
   * Digest of what every entry up to `appliedIndex` did: equal on replicas that agree. 32 bytes.
   */
  readonly outcomeChain: Uint8Array;
  /** The chain at those entries of the batch where replicas compare it, in order. */
  readonly marks: readonly OutcomeMark[];
  /** Encoded outcomes of the entries that wanted one, in order. */
  readonly outcomes: readonly { readonly index: number; readonly outcome: Uint8Array }[];
  /** A loaded file took the place of the database: readers of the old one are of no use. */
  readonly replaced: boolean;
}

/** Where the database stands. */
export interface WriterState {
  readonly appliedIndex: number;
  readonly appliedTerm: number;
  readonly schemaIndex: number;
  /** The outcome chain after `appliedIndex`, see {@link AppliedBatch}. */
  readonly outcomeChain: Uint8Array;
  /** Log time of the last applied entry. */
  readonly timeMs: number;
  readonly membership: Membership;
  /** The encoded cluster record of the last configuration entry, base64; empty before the first. */
  readonly clusterRecord: string;
}

/** What tidying up came to. */
export interface Reaped {
  /** Generations that were removed. */
  readonly generations: number;
  /** 1 when the WAL held something that was not in the database file, and now is. */
  readonly checkpoints: number;
}

/** What became of periodic maintenance. */
export interface Maintained {
  /** When each kind was done last, by the log's time, milliseconds since 1970; left out: never. */
  readonly lastMs: Readonly<Record<string, number>>;
  /** How often this disk had no room for a VACUUM, since the writer was opened. */
  readonly vacuumsSkipped: number;
}

/** An open writer; every method is synchronous. */
export interface Writer {
  readonly state: WriterState;
  /** What computes the data: see engine-fingerprint.ts. */
  readonly engine: string;
  /**
   * @throws CodedError `storage_failed` or `disk_full` for errors of this machine, `config_invalid`
   *   when the cluster has other settings than this writer was opened with; exit then
   */
  apply(entries: readonly CommittedEntry[]): AppliedBatch;
  /**
   * Runs a command (`data` of an entry) as `apply` would, between batches, and undoes all of it:
   * whoever calls kills this process when it takes too long. Errors are not a verdict; it returns
   * all the same.
   */
  rehearse(data: Uint8Array): void;
  /** What became of maintenance. */
  maintained(): Maintained;
  /**
   * Runs an interactive transaction so far, between batches, and undoes all of it: as `rehearse`,
   * but what it did is told.
   */
  tryTransaction(trial: Trial): TrialResult;
  /** Captured changes up to this entry were posted and taken; nothing where none are captured. */
  noteHighWater(index: number): void;
  /** What capture has counted; undefined: nothing is captured. */
  readonly captured: CaptureNumbers | undefined;
  /** Checkpoints when the WAL is large, and says whether it did; call between batches. */
  maintain(): boolean;
  /** The highest index that would survive a power cut now; syncs what is needed to say so. */
  durableIndex(): number;
  /**
   * Removes generations that are not in use; who reads one may still have it open. `temporary`:
   * images that are being made or received as well (at a start, when there is nobody who does).
   */
  removeLeftovers(temporary: boolean): void;
  /** Removes generations that are not in use and writes the WAL back. */
  reap(): Reaped;
  close(): void;
}
