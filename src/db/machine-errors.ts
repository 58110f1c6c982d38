// Which errors of SQLite say something about this machine and which about the statement. The first
// are never a command's result: another replica would not see them. Judged by extended result code.

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
