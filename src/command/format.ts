// The format number that every record of the log and every message between nodes starts with.
// Unknown fields are skipped, so whatever must not be skipped by an older reader gets a new format
// number.
import { brokenMessage } from './wire.ts';

/** The format of every message that an older reader may take as it is. */
export const formatVersion = 1;

/** The format of commands and forwarded requests that hold a key: it must not be skipped. */
export const keyedFormat = 2;

/**
 * @throws CodedError `bad_request` for another format than 1, or 2 for a message that has a key
 */
export const checkKeyedFormat = (what: string, format: number, keyed: boolean): void => {
  if (format === keyedFormat && keyed) return;
  checkFormat(what, format);
  if (keyed) throw brokenMessage(`a ${what} of format 1 with a key`);
};

/** @throws CodedError `bad_request` when `format` is not {@link formatVersion} */
export const checkFormat = (what: string, format: number): void => {
  if (format !== formatVersion) {
    throw brokenMessage(`a ${what} of format ${format}, this version reads ${formatVersion}`);
  }
};
