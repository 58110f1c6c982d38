// The users of a node: one auth file for all its fronts, read anew on SIGHUP, when it changes and
// when a front's API is asked to.
import type { UsersReply } from '#http/backend.ts';
import type { Seam } from '#process/seam.ts';
import { AuthFileKeeper } from './auth-file-keeper.ts';
import type { Fronts } from './fronts.ts';
import type { Logger } from './logger.ts';
import type { NodeEffects } from './node-effects.ts';
import { readPrivateText } from './node-files.ts';
import { reloadAuthFile } from './seams/users-seam.ts';

/** The users of a node. */
export interface NodeUsers {
  /** The text of the auth file that is in force. */
  readonly text: () => string;
  /** Answers a front that was asked to reload. */
  readonly serve: (seam: Seam) => void;
  /** From now on changes of the file reach these fronts. */
  readonly attach: (fronts: Fronts) => void;
  readonly reload: (why: string) => Promise<UsersReply>;
  readonly close: () => void;
}

/** Reads the file. @throws CodedError `config_invalid`, `file_permissions` */
export const openNodeUsers = (path: string, { files }: NodeEffects, log: Logger): NodeUsers => {
  let fronts: Fronts | undefined;
  const keeper = new AuthFileKeeper({
    path,
    read: () => readPrivateText(path, files),
    apply: (text) => fronts?.replaceUsers(text) ?? Promise.resolve(notYet),
    log,
  });
  return {
    text: () => keeper.text,
    serve: (seam) => {
      seam.serve(reloadAuthFile, (_request, reply) => void keeper.reload('API').then(reply));
    },
    attach: (running) => {
      fronts = running;
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
