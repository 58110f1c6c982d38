// What the node and its fronts say to each other about users and what they did. Goes over the same
// pipe as the rest: its numbers start at 40.
import type { AuditEvent } from '#audit/audit-event.ts';
import type { Permission } from '#auth/permission.ts';
import type { UsersReply } from '#http/backend.ts';
import { emptyCodec, jsonCodec, type Method } from '#process/seam.ts';

/** What a front needs to know users by. */
export interface UsersStart {
  /** The text of the auth file. */
  readonly authText: string;
  /** `compat.plaintextPasswords`. */
  readonly plaintextPasswords: boolean;
  /** What the user `*` may hold: health, and what `insecure.anonymous` names. */
  readonly anonymousPermissions: readonly Permission[];
  /** `audit.onFailure` is `refuse`. */
  readonly auditRefuses: boolean;
}

/** Node to front: the text of the auth file, to be taken as a whole or not at all. */
export const replaceUsers: Method<{ readonly text: string }, UsersReply> = {
  kind: 40,
  request: jsonCodec(),
  reply: jsonCodec(),
};

/** Front to node: keep something in the audit log; the answer comes when it is durable. */
export const recordAudit: Method<AuditEvent, { readonly durable: boolean }> = {
  kind: 42,
  request: jsonCodec(),
  reply: jsonCodec(),
};

/** Front to node: read the auth file anew, for all fronts. */
export const reloadAuthFile: Method<undefined, UsersReply> = {
  kind: 41,
  request: emptyCodec,
  reply: jsonCodec(),
};
