// One entry of the replicated log. The core never looks into `data` of a command; it reads
// `configuration` entries, and `barrier` entries change nothing (a new leader's first entry, strong
// reads).
import type { LogIndex } from './log-index.ts';
import type { Term } from './term.ts';

/** What an entry is for. */
export type EntryKind = 'command' | 'configuration' | 'barrier';

/** A log entry; `data` is owned by the entry and never changed. */
export interface Entry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly kind: EntryKind;
  readonly data: Uint8Array;
}
