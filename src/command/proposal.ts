// The data of a `command` entry: the command and what the leader adds so that every replica
// computes the same. `timeMs` never goes back from entry to entry.

/** `data` of an entry of kind `command`, decoded. */
export interface Proposal {
  /** Milliseconds since 1970 UTC: the meaning of 'now' while this entry is applied. */
  readonly timeMs: number;
  /** 16 random bytes: the source of random() and randomblob() while this entry is applied. */
  readonly seed: Uint8Array;
  /** An encoded Command. */
  readonly command: Uint8Array;
}
