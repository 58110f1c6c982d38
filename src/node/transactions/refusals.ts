// What is said of steps of transactions that are not done.
import type { BackendRefusal } from '#http/backend.ts';
import { refused } from '#node/proposals.ts';

/** For whoever names a transaction that is not open here. */
export const noSuch = refused(
  'transaction_ended',
  'no such transaction is open at the leader: it was ended, ran out of time, or the leader changed',
);

/** What its client saw is no longer so. */
export const conflict = refused(
  'transaction_conflict',
  'others changed what this transaction has seen; nothing was applied: begin it anew',
);

/** One step at a time. */
export const underWay = refused(
  'queue_full',
  'a step of this transaction is under way; wait for it',
);

/** The queue for the writer is full. */
export const noTurn = refused(
  'queue_full',
  'too many steps of transactions wait for the writer; try again',
);

/** All open transactions together hold as much as they may. */
export const tooManyBytes = refused(
  'queue_full',
  'the open transactions hold too many bytes; try again',
);

/** A commit gives way; the transaction stays open. */
export const heldTooLong = refused(
  'queue_full',
  'the log is too busy for the commit now; commit again',
);

/** Nothing of a transaction is lost with the writer. */
export const writerGone = refused('not_ready', 'the writer is starting; send the step again');

/** An error of this machine. */
export const troubled = (reason: string): BackendRefusal =>
  refused('storage_failed', `the database of the leader cannot run the statements now: ${reason}`);

/** A member would not be able to read the commit. */
export const tooOld = (name: string): BackendRefusal =>
  refused(
    'not_ready',
    `the member ${name} is of a version without interactive transactions; upgrade it first`,
  );

/** It costs the writer too much. */
export const tooExpensive = (message: string): BackendRefusal =>
  refused('statement_too_expensive', message);

/** A statement of its user was killed. */
export const punished = (seconds: number): BackendRefusal =>
  tooExpensive(`a statement of this user ran too long; wait ${seconds} s`);

/** All its runs together took too long. */
export const usedUp = tooExpensive(
  'the transaction has used up its time of the writer: commit or roll back',
);

/** More than a transaction may have. */
export const tooMuch = (message: string): BackendRefusal => refused('bad_request', message);

/** A deferred constraint, which only COMMIT looks at. */
export const failedAtCommit = (error: string): BackendRefusal =>
  refused('transaction_ended', `COMMIT failed, nothing was applied: ${error}`);
