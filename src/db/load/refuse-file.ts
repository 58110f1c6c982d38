// Why a database file is not loaded, as an error that crosses to the node.
import { CodedError } from '#errors.ts';

/** @param why what is wrong with it, as the end of a sentence */
export const refuseFile = (why: string, cause?: unknown): CodedError =>
  new CodedError('bad_request', `the database file is refused: ${why}`, {
    hint: 'Nothing was changed.',
    applied: 'no',
    cause,
  });
