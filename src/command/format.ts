// The format number that every record of the log and every message between nodes starts with.
// Unknown fields are skipped, so whatever must not be skipped by an older reader gets a new format
// number.
import { brokenMessage } from './wire.ts';

/** The format that this version writes, and the only one it reads. */
export const formatVersion = 1;

/** @throws CodedError `bad_request` when `format` is not {@link formatVersion} */
export const checkFormat = (what: string, format: number): void => {
  if (format !== formatVersion) {
    throw brokenMessage(`a ${what} of format ${format}, this version reads ${formatVersion}`);
  }
};
