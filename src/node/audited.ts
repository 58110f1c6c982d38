// Commands of this machine, with a line in the audit log before they are done and one after.
import { CodedError } from '#errors.ts';
import { adminFailure } from './admin-socket.ts';
import type { AuditLog } from './audit-log.ts';
import type { AdminReply } from './seams/admin-seam.ts';

/** Does what a command asks for and answers it. */
export type Audited = <Value>(
  action: string,
  reply: (value: AdminReply<Value>) => void,
  work: () => Promise<Value>,
) => void;

/** @param refuses `audit.onFailure` is `refuse`: what cannot be kept is not done */
export const auditedBy =
  (audit: AuditLog, refuses: boolean): Audited =>
  (action, reply, work) => {
    const about = { by: 'socket', action };
    audit.record([{ event: 'administration', ...about }], (durable) => {
      if (!durable && refuses) {
        reply(adminFailure(notKept));
        return;
      }
      work().then(
        (value) => {
          audit.record([{ event: 'administered', ...about }]);
          reply({ kind: 'done', value });
        },
        (error: unknown) => {
          const failure = adminFailure(error);
          audit.record([{ event: 'administered', ...about, code: failure.code }]);
          reply(failure);
        },
      );
    });
  };

const notKept = new CodedError('audit_failed', 'the audit log cannot be written', {
  hint: 'Make room on its disk; audit.onFailure alarm lets commands through all the same.',
});
