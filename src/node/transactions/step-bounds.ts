// What one transaction, and all of them together, may hold and use; asked before a step is run.
import type { BackendRefusal } from '#http/backend.ts';
import {
  transactionBytesMax,
  transactionFailuresMax,
  transactionStatementsMax,
  transactionsBytesMax,
  transactionWriterMs,
} from '#limits.ts';
import { tooManyBytes, tooMuch, usedUp } from './refusals.ts';
import type { Step, Transaction } from './transaction.ts';

/** Why a step is not run for its size; `heldBytes` are those of all open transactions. */
export const boundOf = (
  transaction: Transaction,
  { command, bytes }: Step,
  heldBytes: number,
): BackendRefusal | undefined => {
  if (transaction.writerMs >= transactionWriterMs) return usedUp;
  if (transaction.statements + command.statements.length > transactionStatementsMax) {
    return tooMuch(`a transaction has at most ${transactionStatementsMax} statements`);
  }
  if (transaction.bytes + bytes > transactionBytesMax) {
    return tooMuch(`the statements of a transaction have at most ${transactionBytesMax} bytes`);
  }
  if (transaction.failures >= transactionFailuresMax) {
    return tooMuch(`${transactionFailuresMax} requests of the transaction failed: end it`);
  }
  return heldBytes + bytes > transactionsBytesMax ? tooManyBytes : undefined;
};
