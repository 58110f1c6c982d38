// A full disk is the one error of the disk that passes: it is told apart here from all others.
import { CodedError } from '#errors.ts';
import { systemErrorCode } from '#io/file-system.ts';

const fullCodes = ['ENOSPC', 'EDQUOT'];
/** Whether an error means that the disk, or the user's share of it, has no room. */
export const isFull = (error: unknown): boolean => fullCodes.includes(systemErrorCode(error) ?? '');

/**
 * Runs a step; an error that means "no room" becomes CodedError `disk_full`, after `undo` has
 * removed what the step left behind.
 */
export const refuseWhenFull = <T>(step: () => T, undo: () => void = () => undefined): T => {
  try {
    return step();
  } catch (error) {
    if (!isFull(error)) throw error;
    undo();
    throw new CodedError('disk_full', 'The disk has no room left for the Raft log.', {
      hint: 'Free some room. A server that runs goes on by itself.',
      cause: error,
    });
  }
};
