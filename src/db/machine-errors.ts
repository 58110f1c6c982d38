// Which errors of SQLite say something about this machine and which about the statement. The first
// are never a command's result: another replica would not see them. Judged by extended result code.

import { type SqlError, sqlErrorFrom } from './engine.ts';

const machineCodes = [
  'FULL',
  'NOMEM',
  'CORRUPT',
  'CANTOPEN',
  'PROTOCOL',
  'INTERRUPT',
  'NOTADB',
  'PERM',
];
const machineFamilies = ['IOERR', 'BUSY', 'LOCKED', 'CANTOPEN', 'READONLY'];

/** Corruption of a user's virtual table or index content: the same on every replica. */
const ofTheData = new Set(['SQLITE_CORRUPT_VTAB', 'SQLITE_CORRUPT_INDEX']);

/** Whether this error is of the machine. */
export const isMachineError = (code: string): boolean => {
  if (ofTheData.has(code)) return false;
  const short = code.replace(/^SQLITE_/, '');
  return (
    machineCodes.includes(short) ||
    short.startsWith('CORRUPT_') ||
    machineFamilies.some((family) => short === family || short.startsWith(`${family}_`))
  );
};

/** An error of this machine, on its way past everything that handles a statement's errors. */
export class MachineError extends Error {
  override readonly name = 'MachineError';
  readonly code: string;

  constructor({ code, message }: SqlError) {
    super(message);
    this.code = code;
  }
}

/** Throws anew what is no error of a statement; gives the statement's error. */
export const statementErrorFrom = (thrown: unknown): SqlError => {
  const error = sqlErrorFrom(thrown);
  if (error === undefined) throw thrown;
  if (isMachineError(error.code)) throw new MachineError(error);
  return error;
};
