// The format number that every record of the log and every message between nodes starts with.
// Unknown fields are skipped, so whatever must not be skipped by an older reader gets a new format
// number.
import { brokenMessage } from './wire.ts';

/** The format of every message that an older reader may take as it is. */
export const formatVersion = 1;

/** The format of commands and forwarded requests that hold a key: it must not be skipped. */
export const keyedFormat = 2;

/** The format of a command that commits an interactive transaction (3 is a step of a load's). */
export const interactiveFormat = 4;

/** The format of maintenance, which stands where a command may stand. */
export const maintenanceFormat = 5;

/** The highest that this version reads, of what stands in the log. */
export const formatMax = Math.max(interactiveFormat, maintenanceFormat);

/** The format of a command. */
export const commandFormatOf = (keyed: boolean, interactive: boolean): number => {
  if (interactive) return interactiveFormat;
  return keyed ? keyedFormat : formatVersion;
};

/** @throws CodedError `bad_request` for another format than goes with what the command holds */
export const checkCommandFormat = (format: number, keyed: boolean, interactive: boolean): void => {
  if (format === interactiveFormat && interactive) return;
  if (interactive) throw brokenMessage(`a command of format ${format} with a fence`);
  checkKeyedFormat('command', format, keyed);
};

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
