// How the auth file is refused: as a whole, with the line and what is wrong there.
import { CodedError } from '#errors.ts';

/** @throws CodedError `auth_file_invalid`, always */
export const refuse: (line: number, reason: string) => never = (line, reason) => {
  throw new CodedError('auth_file_invalid', `line ${line}: ${reason}`, {
    hint: 'Correct the auth file; until then the users of the last good one stay in force. `stockade user check` reads it the same way.',
  });
};
