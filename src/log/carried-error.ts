// Errors across the thread's seam: every error leaves the thread as a coded one.
import { CodedError } from '#errors.ts';
import type { CarriedError } from './thread-message.ts';

/** An error as something that can be posted; what is not coded is the disk's. */
export const carriedFrom = (error: unknown): CarriedError => {
  if (error instanceof CodedError) {
    return { code: error.code, message: error.message, hint: error.details.hint };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 'storage_failed',
    message: `The disk of the Raft log reported an error: ${message}.`,
    hint: 'Look into the kernel log and the health of the disk before starting again.',
  };
};

/** The error at the other side. */
export const errorFrom = ({ code, message, hint }: CarriedError): CodedError =>
  new CodedError(code, message, hint === undefined ? {} : { hint });
