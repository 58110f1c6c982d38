// The interface of the writer: the only connection that changes the database. It applies committed
// entries in order and knows nothing of processes; a process of its own wraps it.
import type { EntryKind } from '#raft/entry.ts';
import type { Membership } from '#raft/membership.ts';

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
  /** Encoded outcomes of the entries that wanted one, in order. */
  readonly outcomes: readonly { readonly index: number; readonly outcome: Uint8Array }[];
}

/** Where the database stands. */
export interface WriterState {
  readonly appliedIndex: number;
  readonly appliedTerm: number;
  readonly schemaIndex: number;
  /** Log time of the last applied entry. */
  readonly timeMs: number;
  readonly membership: Membership;
  /** The encoded cluster record of the last configuration entry; empty before the first. */
  readonly clusterRecord: Uint8Array;
}

/** An open writer; every method is synchronous. */
export interface Writer {
  readonly state: WriterState;
  /** @throws CodedError `storage_failed` or `disk_full` for errors of this machine; exit then */
  apply(entries: readonly CommittedEntry[]): AppliedBatch;
  /** Checkpoints when the WAL is large; call between batches. */
  maintain(): void;
  /** The highest index that would survive a power cut now; syncs what is needed to say so. */
  durableIndex(): number;
  close(): void;
}
