// The users of a node: one auth file for all its fronts, read anew on SIGHUP, when it changes and
// when a front's API is asked to.
import type { AuditEvent } from '#audit/audit-event.ts';
import type { UsersReply } from '#http/backend.ts';
import type { Seam } from '#process/seam.ts';
import type { AuditLog } from './audit-log.ts';
import { AuthFileKeeper } from './auth-file-keeper.ts';
import type { NodeConfig } from './config.ts';
import type { Fronts } from './fronts.ts';
import type { Logger } from './logger.ts';
import type { NodeEffects } from './node-effects.ts';
import { readPrivateText } from './node-files.ts';
import { recordAudit, reloadAuthFile } from './seams/users-seam.ts';

/** The users of a node. */
export interface NodeUsers {
  /** The text of the auth file that is in force. */
  readonly text: () => string;
  /** Answers a front that was asked to reload. */
  readonly serve: (seam: Seam) => void;
  /** From now on changes of the file reach these fronts; who may do other things now is told. */
  readonly attach: (fronts: Fronts, onChanged: (users: readonly string[]) => void) => void;
  readonly reload: (why: string) => Promise<UsersReply>;
  readonly close: () => void;
}

/** What the users of a node are opened with. */
export interface NodeUsersOptions {
  readonly config: Pick<NodeConfig, 'auth' | 'audit'>;
  readonly effects: NodeEffects;
  readonly log: Logger;
  readonly audit: AuditLog;
}

/** Reads the file. @throws CodedError `config_invalid`, `file_permissions` */
export const openNodeUsers = ({ config, effects, log, audit }: NodeUsersOptions): NodeUsers => {
  let fronts: Fronts | undefined;
  let changed: (users: readonly string[]) => void = () => undefined;
  const keeper = new AuthFileKeeper({
    path: config.auth.file,
    read: () => readPrivateText(config.auth.file, effects.files),
    apply: (text) => fronts?.replaceUsers(text) ?? Promise.resolve(notYet),
    onReloaded: (why, reply) => {
      audit.record([reloadEvent(why, reply)]);
      if (reply.kind === 'reloaded') changed([...reply.reload.removed, ...reply.reload.changed]);
    },
    log,
  });
  return {
    text: () => keeper.text,
    serve: (seam) => {
      seam.serve(reloadAuthFile, (_request, reply) => void keeper.reload('API').then(reply));
      seam.serve(recordAudit, (event, reply) => {
        audit.record([event], (durable) => reply({ durable }));
      });
    },
    attach: (running, onChanged) => {
      fronts = running;
      changed = onChanged;
      keeper.watch();
    },
    reload: (why) => keeper.reload(why),
    close: () => keeper.close(),
  };
};

const notYet: UsersReply = {
  kind: 'kept',
  code: 'not_ready',
  message: 'the fronts have not started yet',
};

/** A file can have thousands of users; a line names the first of each kind. */
const namesMax = 100;

const reloadEvent = (action: string, reply: UsersReply): AuditEvent => {
  if (reply.kind === 'kept') {
    return { event: 'users', action, code: reply.code, detail: reply.message };
  }
  const parts = Object.entries(reply.reload).flatMap(([what, names]: [string, string[]]) => {
    const more = names.length > namesMax ? ` and ${names.length - namesMax} more` : '';
    return names.length === 0 ? [] : [`${what}: ${names.slice(0, namesMax).join(', ')}${more}`];
  });
  return { event: 'users', action, detail: parts.join('; ') };
};
