// What is replicated: the statements of one request. Every distinct text is carried once, so that a
// bulk of a hundred equal INSERTs costs one text, one verdict and one prepared statement.
import type { Value } from './value.ts';

/** One statement: a text by its number in the command's table, and its parameters. */
export interface Statement {
  readonly text: number;
  readonly positional: readonly Value[];
  /** Named parameters without their prefix; empty when there are none. */
  readonly named: readonly (readonly [string, Value])[];
  /**
   * The place of each positional value among all parameters as given, from 1, ascending, names
   * counted too; absent where no name stands in front of a value.
   */
  readonly places?: readonly number[];
}

/** A request that may be sent again: under the same key it gets the first outcome. */
export interface Idempotency {
  /** What {@link isIdempotencyKey} accepts; each user has keys of its own. */
  readonly key: string;
  /** SHA-256 of what was asked, 32 bytes. */
  readonly digest: Uint8Array;
  /** `renderBits` of the outcome that is kept: every replica writes it alike. */
  readonly render: number;
}

/**
 * The commit of an interactive transaction. Its statements were run before, by the leader, behind
 * entry `fence`: only there they do what their client saw.
 */
export interface Interactive {
  /** What {@link isTransactionId} accepts. */
  readonly id: string;
  /** The command is carried out as entry `fence` + 1; anywhere else it is a conflict. */
  readonly fence: number;
  /** When it was opened, by the time of the log: 'now' in its statements, milliseconds. */
  readonly timeMs: number;
  /** 16 bytes: random() and randomblob() in its statements. */
  readonly seed: Uint8Array;
}

const transactionPattern = /^[0-9a-z]{1,11}-[0-9a-f]{32}$/;

/** Whether a text can name a transaction: when it was opened in base 36, and 128 random bits. */
export const isTransactionId = (text: string): boolean => transactionPattern.test(text);

/** Characters of a key: room for two UUIDs and a name. */
const keyCharactersMax = 128;

const keyPattern = new RegExp(`^[\\x21-\\x7e]{1,${keyCharactersMax}}$`);

/** Whether a text can be a key: 1 to 128 characters of printable ASCII, without spaces. */
export const isIdempotencyKey = (text: string): boolean => keyPattern.test(text);

/** The statements of one request, as proposed to the log. */
export interface Command {
  readonly texts: readonly string[];
  readonly statements: readonly Statement[];
  /** All or nothing; without it each statement stands for itself. */
  readonly transaction: boolean;
  /** Index of the last command that changed the schema when the statements were judged. */
  readonly schemaIndex: number;
  /** Some statement changes the schema: the command is applied in a transaction of its own. */
  readonly changesSchema: boolean;
  /** Who asked, and under which request id; for the audit, never for a decision at apply. */
  readonly user: string;
  readonly requestId: string;
  /** Absent: sent again it is applied again. */
  readonly idempotency?: Idempotency;
  /** Absent: it is carried out wherever it stands in the log. */
  readonly interactive?: Interactive;
}
