// What streams of changes need from the node behind the front.
import type { BackendRefusal } from '#http/backend.ts';

/** Which captured changes to read. */
export interface BackendChanges {
  readonly user: string;
  readonly requestId: string;
  /** Only those of entries behind this one. */
  readonly after: number;
  /** No further entry is begun when the ones before have so many bytes. */
  readonly bytesMax: number;
  readonly deadlineMs: number;
}

/** Events of one entry; `head` and `images` are members of JSON objects. */
export interface EntryChanges {
  readonly index: number;
  /** Log time, milliseconds since 1970. */
  readonly timeMs: number;
  /** `table` is empty for a gap. */
  readonly events: readonly {
    readonly table: string;
    readonly head: string;
    readonly images: string;
  }[];
}

/** Changes, or why there are none. */
export type ChangesReply =
  | {
      readonly kind: 'changes';
      readonly entries: readonly EntryChanges[];
      /** The next look begins behind this entry. */
      readonly through: number;
      readonly storedIndex: number;
      /** Changes up to this entry are gone. */
      readonly droppedIndex: number;
    }
  | BackendRefusal;
