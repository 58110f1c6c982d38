// The interface of a reader: judges statements and runs reads, in a process that is killed when a
// deadline passes. Every method is synchronous.
import type { Statement } from '#command/command.ts';
import type { Content } from './content-hash.ts';

/** What the guard says of one text. */
export type Verdict =
  | {
      readonly kind: 'allowed';
      /** `read`: changes nothing. `write`: data. `schema`: DDL. */
      readonly access: 'read' | 'write' | 'schema';
      /** Whether it yields rows (SELECT, RETURNING, EXPLAIN, PRAGMA). */
      readonly returnsRows: boolean;
      /** Number of parameters the text wants. */
      readonly parameters: number;
      /** Tables read and written, for per-user rules. */
      readonly reads: readonly string[];
      readonly writes: readonly string[];
      /**
       * What running it on every node may cost: `small` needs no second thought, `large` is to be
       * tried out before it is proposed, `unbounded` may never end. A read matters here only when
       * it travels with a write: a query has a deadline.
       */
      readonly cost: 'small' | 'large' | 'unbounded';
      /** Bytes that a byte of its parameters may become: long ones make a small write large. */
      readonly copies: number;
      /** It only makes room (DELETE, DROP): a disk that is nearly full still takes it. */
      readonly frees: boolean;
      /** A write that takes some rows by LIMIT without an order that fixes which. */
      readonly unordered: boolean;
      /**
       * With `doubleQuotedStrings`: the text that was judged and goes into the log in place of the
       * one that was sent, in which "text" was a string. Undefined: they are the same.
       */
      readonly instead?: string;
    }
  /**
   * SQLite cannot prepare it: a statement error, inside a result. The text was not judged: what
   * goes into the log in its place is `instead`, which gives the same error and does nothing.
   */
  | { readonly kind: 'error'; readonly message: string; readonly instead: string }
  /** The guard refuses it: `code` is `statement_refused` or `statement_too_expensive`. */
  | {
      readonly kind: 'refused';
      readonly code: string;
      readonly reason: string;
      readonly hint: string;
    };

/** Texts to judge together: DDL of an earlier one is in force for the later ones. */
export interface JudgeRequest {
  readonly texts: readonly string[];
  /** The user may run statements without a bound on their cost (permission `heavy`). */
  readonly heavy?: boolean;
  /** A name in double quotes that is no column is a string, as in rqlite; never in DDL. */
  readonly doubleQuotedStrings?: boolean;
}

/** Verdicts in the order of the texts, and the schema they hold for. */
export interface JudgeReply {
  readonly schemaIndex: number;
  readonly verdicts: readonly Verdict[];
}

/** Reads to run in one snapshot. */
export interface ReadRequest {
  readonly texts: readonly string[];
  readonly statements: readonly Statement[];
  readonly transaction: boolean;
  /** `renderBits`. */
  readonly render: number;
  readonly rowsMax: number;
  readonly bytesMax: number;
  /** As in {@link JudgeRequest}. */
  readonly doubleQuotedStrings?: boolean;
}

/** Elements of `results`, comma separated, UTF-8, without the brackets. */
export interface ReadReply {
  readonly json: Buffer;
  /** Set when the request as a whole failed; `json` is empty then. */
  readonly error: string;
  readonly appliedIndex: number;
  /** The schema of the snapshot. */
  readonly schemaIndex: number;
  readonly microseconds: number;
}

/** A digest of everything that users stored, and at which point of the log. */
export interface ContentHash extends Content {
  readonly appliedIndex: number;
  readonly appliedTerm: number;
  readonly schemaIndex: number;
  /** The outcome chain at that index, hexadecimal. */
  readonly outcomeChain: string;
}

/** An open reader. */
export interface Reader {
  judge(request: JudgeRequest): JudgeReply;
  read(request: ReadRequest): ReadReply;
  /**
   * Reads all rows: some 500 a millisecond. `onSnapshot` is told the index that is hashed before
   * that begins: from then on what is applied makes no difference.
   *
   * @throws CodedError `storage_failed`
   */
  contentHash(onSnapshot?: (appliedIndex: number) => void): ContentHash;
  /** Between requests: gives memory back that has piled up. */
  tidy(): void;
  /** False when a request left the connection in another state: replace this reader. */
  intact(): boolean;
  close(): void;
}
