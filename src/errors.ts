// The catalogue of coded errors: everything that can go wrong across a layer and that somebody
// outside may read. One entry a code, with the sentence that docs/ERRORS.md holds; codes are part
// of the API and are never reused. HTTP statuses and exit codes are mapped elsewhere, once each.

/** Every error code and what it means. */
export const errorMeanings = {
  // The request itself.
  bad_request: 'The request cannot be read: body, parameter or header.',
  body_too_large: 'The body is larger than the limit for this route.',
  unsupported_media_type: 'The content type of the body is not one this route reads.',
  statement_refused: 'A statement is of a kind that users may not run; the reason is given.',
  statement_too_expensive: 'A statement may run without end or for too long.',
  not_found: 'There is no such path, member or request.',
  method_not_allowed: 'The path exists, but not for this method.',
  // Who asks.
  unauthenticated: 'No credentials, or credentials that are not valid.',
  permission_denied: 'The credentials are valid, but lack the permission.',
  too_many_attempts: 'Too many failed logins from this source or for this user; wait.',
  // The cluster.
  no_leader: 'No node leads at the moment.',
  not_leader: 'This node does not lead (any longer).',
  leadership_lost: 'The leader lost its office before the write was known to be committed.',
  unreachable: 'Another node cannot be reached.',
  stale_read: 'The data here is older than the request allows.',
  key_reused: 'The Idempotency-Key was used for another request.',
  schema_changed: 'The schema kept changing between judging the statement and applying it.',
  transaction_ended: 'There is no such transaction (any longer) at the leader.',
  transaction_conflict: 'What the transaction had seen was changed by others; nothing was applied.',
  killed: 'Somebody with the permission kill ended the request; nothing of it was applied.',
  not_killable: 'The request cannot be ended here: the log has it, or another node runs it.',
  queue_full: 'Too much work is waiting; nothing was done.',
  replica_differs: 'The data of this node is not what the others have; it is being replaced.',
  timeout: 'The time for this request is over.',
  audit_failed: 'The audit log cannot be written, and what it does not hold is not done.',
  shutting_down: 'This node is stopping and takes no new requests.',
  not_ready: 'This node does not serve yet.',
  result_too_large: 'The result is larger than the limit for rows or bytes.',
  changes_off: 'This node captures no changes.',
  changes_gone:
    'Changes from that index on are not kept here any more: some are lost to this reader.',
  result_lost: 'The write was applied, but its result did not survive a restart.',
  // Storage.
  disk_full: 'The disk has too little room left.',
  storage_failed: 'The disk or the database reported an error of this machine.',
  data_folder_in_use: 'Another server holds this data folder.',
  data_folder_foreign: 'The folder holds something that is not of this program or version.',
  audit_damaged: 'The audit log is not as it was written: a line was changed or left out.',
  store_failed: 'The store of backups cannot be reached, or refuses.',
  backup_invalid: 'A backup is not what it should be; it was not used.',
  log_damaged: 'The Raft log holds a record that cannot be read where one must be.',
  // Configuration, certificates and credentials.
  config_invalid: 'A setting is unknown, missing or wrong.',
  certificate_invalid: 'A certificate or key cannot be used; the reason is given.',
  auth_file_invalid: 'The auth file is refused; the line and the reason are given.',
  file_permissions: 'A file or folder has an owner or a mode that exposes it.',
  address_in_use: 'Another program listens on this address.',
  recovery_refused: 'A recovery would not do what it is for; nothing was changed.',
  last_administrator: 'Nobody would be left who may administer; nothing was changed.',
  already_exists: 'Something is already there and is not overwritten.',
  usage: 'The command line cannot be read.',
  internal: 'A fault of this program; the log has the details under the request id.',
} as const;

/** A code of the catalogue. */
export type ErrorCode = keyof typeof errorMeanings;

/** Whether a text is one of the codes. */
export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(errorMeanings, text);

/** Whether what the request wanted to change was changed. */
export type Applied = 'no' | 'unknown' | 'yes';

/** What a coded error carries besides its code and its sentence. */
export interface ErrorDetails {
  /** What to do next, as a sentence. */
  readonly hint?: string;
  /** Set by whatever could have changed data. */
  readonly applied?: Applied;
  /** After how many seconds a new attempt makes sense. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** An error that crosses a layer: a code, a sentence for a person, and what to do. */
export class CodedError extends Error {
  override readonly name = 'CodedError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.details = details;
  }
}
