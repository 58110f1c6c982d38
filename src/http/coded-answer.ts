// Errors as the API gives them: the only place that maps codes to HTTP statuses, and the JSON body
// that every error answer of the front has.
import { type Applied, CodedError, type ErrorCode } from '#errors.ts';
import { unreachable } from '#invariant.ts';
import { retryAfterSeconds } from './front-limits.ts';

/** An error on its way to a client. */
export interface CodedAnswer {
  readonly status: number;
  readonly code: ErrorCode;
  readonly message: string;
  /** Said whenever the request could have changed data. */
  readonly applied: Applied | undefined;
  readonly retryAfterSeconds: number | undefined;
}

/** The HTTP status of a code. */
export const statusOf = (code: ErrorCode): number => {
  switch (code) {
    case 'bad_request':
    case 'statement_refused':
      return 400;
    case 'unauthenticated':
      return 401;
    case 'permission_denied':
      return 403;
    case 'not_found':
    case 'changes_off':
      return 404;
    case 'method_not_allowed':
      return 405;
    case 'schema_changed':
    case 'transaction_conflict':
    case 'transaction_ended':
    // Not a 500: nobody should send again by itself what was ended on purpose.
    case 'killed':
    case 'not_killable':
      return 409;
    case 'changes_gone':
      return 410;
    case 'body_too_large':
      return 413;
    case 'unsupported_media_type':
      return 415;
    // Not 413 or a 500: clients of rqlite send those again, and the answer would be the same.
    case 'statement_too_expensive':
    case 'result_too_large':
    case 'key_reused':
    // The request is fine, the file that it names is not.
    case 'auth_file_invalid':
      return 422;
    case 'too_many_attempts':
    case 'queue_full':
      return 429;
    case 'no_leader':
    case 'not_leader':
    case 'leadership_lost':
    case 'unreachable':
    case 'stale_read':
    case 'replica_differs':
    case 'shutting_down':
    case 'audit_failed':
    case 'not_ready':
      return 503;
    case 'timeout':
      return 504;
    case 'disk_full':
      return 507;
    case 'internal':
    case 'storage_failed':
    case 'result_lost':
      return 500;
    // They end a command or keep a node from starting; over HTTP they would be a fault of ours.
    case 'usage':
    case 'config_invalid':
    case 'certificate_invalid':
    case 'file_permissions':
    case 'data_folder_in_use':
    case 'data_folder_foreign':
    case 'store_failed':
    case 'backup_invalid':
    case 'log_damaged':
    case 'audit_damaged':
    case 'address_in_use':
    case 'recovery_refused':
    case 'already_exists':
    case 'last_administrator':
      return 500;
    default:
      return unreachable(code);
  }
};

/** Codes for which the same request may well succeed a little later. */
const retryable: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'no_leader',
  'not_leader',
  'queue_full',
  'not_ready',
  'shutting_down',
  'too_many_attempts',
]);

/** An answer for a code and a sentence. */
export const codedAnswer = (
  code: ErrorCode,
  message: string,
  applied?: Applied,
  retryAfter?: number,
): CodedAnswer => ({
  status: statusOf(code),
  code,
  message,
  applied,
  retryAfterSeconds: retryAfter ?? (retryable.has(code) ? retryAfterSeconds : undefined),
});

/**
 * An answer for whatever was thrown; what is no CodedError is a fault of ours and is not described.
 */
export const codedAnswerFrom = (error: unknown): CodedAnswer => {
  if (!(error instanceof CodedError)) {
    return codedAnswer(
      'internal',
      'A fault of this server; its log has the details under the request id',
    );
  }
  const { hint, applied, retryAfterSeconds: seconds } = error.details;
  const message = hint === undefined ? error.message : `${error.message}. ${hint}`;
  return codedAnswer(error.code, message, applied, seconds);
};

/**
 * An answer that says what became of the data exactly when the request could have changed some;
 * what was turned away before anybody could say did not.
 */
export const appliedSaid = (answer: CodedAnswer, changes: boolean): CodedAnswer => ({
  ...answer,
  applied: changes ? (answer.applied ?? 'no') : undefined,
});

/**
 * The JSON body: what happened, the code, how to find it in the log, and what became of the data.
 */
export const codedBody = (answer: CodedAnswer, requestId: string): Buffer =>
  Buffer.from(
    JSON.stringify({
      error: answer.message,
      code: answer.code,
      requestId,
      ...(answer.applied === undefined ? {} : { applied: answer.applied }),
    }),
  );
