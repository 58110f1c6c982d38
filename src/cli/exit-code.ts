// Exit codes, the one place that maps error codes to them.
import type { ErrorCode } from '#errors.ts';
import { unreachable } from '#invariant.ts';

/** What a script can rely on. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  unreachable: 4,
  guarded: 5,
  configuration: 78,
} as const;

/** The exit code of a coded error. */
export const exitCodeOf = (code: ErrorCode): number => {
  switch (code) {
    case 'usage':
      return exitCodes.usage;
    case 'unauthenticated':
    case 'permission_denied':
    case 'too_many_attempts':
      return exitCodes.refused;
    case 'unreachable':
    case 'no_leader':
    case 'not_leader':
    case 'not_ready':
    case 'timeout':
      return exitCodes.unreachable;
    case 'recovery_refused':
    case 'already_exists':
    case 'last_administrator':
    case 'data_folder_foreign':
    case 'data_folder_in_use':
      return exitCodes.guarded;
    case 'config_invalid':
    case 'certificate_invalid':
    case 'auth_file_invalid':
    case 'file_permissions':
    case 'address_in_use':
      return exitCodes.configuration;
    case 'bad_request':
    case 'body_too_large':
    case 'unsupported_media_type':
    case 'statement_refused':
    case 'statement_too_expensive':
    case 'not_found':
    case 'method_not_allowed':
    case 'leadership_lost':
    case 'stale_read':
    case 'key_reused':
    case 'killed':
    case 'not_killable':
    case 'replica_differs':
    case 'schema_changed':
    case 'transaction_conflict':
    case 'transaction_ended':
    case 'queue_full':
    case 'shutting_down':
    case 'result_too_large':
    case 'changes_off':
    case 'changes_gone':
    case 'result_lost':
    case 'disk_full':
    case 'storage_failed':
    case 'store_failed':
    case 'backup_invalid':
    case 'log_damaged':
    case 'audit_damaged':
    case 'audit_failed':
    case 'internal':
      return exitCodes.failed;
    default:
      return unreachable(code);
  }
};
