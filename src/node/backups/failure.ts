// What goes wrong in a process that makes or fetches a backup, on its way to the node and back.
import { CodedError, type ErrorCode } from '#errors.ts';
import { systemErrorCode } from '#io/file-system.ts';
import type { BackupFailed } from '#node/seams/backup-seam.ts';

const codeOf = (error: unknown): ErrorCode =>
  systemErrorCode(error) === 'ENOSPC' ? 'disk_full' : 'storage_failed';

/** For the pipe. */
export const failureOf = (error: unknown): BackupFailed => {
  const coded = error instanceof CodedError ? error : undefined;
  return {
    kind: 'failed',
    code: coded?.code ?? codeOf(error),
    message: error instanceof Error ? error.message : String(error),
    hint: coded?.details.hint ?? '',
  };
};

/** From the pipe. */
export const errorOf = ({ code, message, hint }: BackupFailed): CodedError =>
  new CodedError(code as ErrorCode, message, { hint });
