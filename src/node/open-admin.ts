// Opens what commands of this machine talk to: the node's own socket, and behind it admission.

import { serveAdmin } from './admin-service.ts';
import { openAdminSocket } from './admin-socket.ts';
import { Admission } from './admission.ts';
import type { AuditLog } from './audit-log.ts';
import { auditedBy } from './audited.ts';
import { readPrivateText } from './node-files.ts';
import type { NodeLoopOptions } from './node-loop-options.ts';
import type { OpenedNodeLoop } from './open-node-loop.ts';

/** Open until closed. */
export interface OpenAdmin {
  close(): Promise<void>;
}

/** @throws CodedError `storage_failed` when the socket cannot be opened */
export const openAdmin = async (
  options: Pick<NodeLoopOptions, 'config' | 'effects' | 'log' | 'identity' | 'material'>,
  { loop, members, membership }: OpenedNodeLoop,
  audit: AuditLog,
): Promise<OpenAdmin> => {
  const { config, effects, log, identity, material } = options;
  const admission = new Admission({
    cluster: identity.cluster,
    config,
    material,
    members,
    membership,
    authFile: () => readPrivateText(config.auth.file, effects.files),
    log,
    wallMs: () => effects.clock.wallMs(),
  });
  const socket = await openAdminSocket(config.node.data, effects.files, log, (seam) => {
    serveAdmin(seam, {
      self: identity.name,
      cluster: identity.cluster,
      members,
      membership,
      admission,
      audited: auditedBy(audit, config.audit.refuses),
      view: () => loop.view(),
    });
    return { closed: () => admission.signerGone(seam) };
  });
  return {
    close: async () => {
      admission.close();
      await socket?.close();
    },
  };
};
