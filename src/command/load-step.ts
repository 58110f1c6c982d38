// What is replicated of something that does not fit one entry: pieces, then what becomes of them. A
// step stands in the log where a command stands.

/** Bytes of one piece at most: a heartbeat does not wait long behind it. */
export const loadPieceBytesMax = 256 * 1024;

/** Bytes of a load's id. */
export const loadIdBytes = 16;

interface StepBase {
  /** 16 random bytes: which load. */
  readonly load: Uint8Array;
  /** Who loads, and under which request id; for the audit, never for a decision at apply. */
  readonly user: string;
  readonly requestId: string;
}

/** One step of a load. */
export type LoadStep = StepBase &
  (
    | {
        readonly kind: 'piece';
        /** How many bytes come before it. */
        readonly bytes: number;
        readonly data: Uint8Array;
      }
    | {
        /** All is there: a database file to use from now on, or an encoded command to apply. */
        readonly kind: 'database' | 'command';
        /** How many bytes there are. */
        readonly bytes: number;
        /** SHA-256 of them. */
        readonly digest: Uint8Array;
      }
    | { readonly kind: 'abandon' }
  );
