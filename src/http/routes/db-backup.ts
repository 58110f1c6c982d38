// GET /db/backup: the whole database as a file or as SQL, made here from what is committed. Without
// `noleader` this node first holds what the leader had committed when it was asked, so a follower's
// backup is as new as the leader's own.
import { CodedError } from '#errors.ts';
import type { BackendBackup } from '#http/backend.ts';
import type { Parameters } from '#http/query-parameters.ts';
import type { OrdinaryRoute } from '#http/route.ts';
import type { Services } from '#http/services.ts';
import { redirectTo, requireLeader } from './at-leader.ts';

/** The route. */
export const dbBackup: OrdinaryRoute = {
  kind: 'ordinary',
  path: '/db/backup',
  methods: ['GET'],
  permissions: ['backup'],
  anonymous: false,
  changes: false,
  media: [],
  about: {
    summary: 'The whole database, as a file or as SQL.',
    parameters: ['fmt', 'compress', 'vacuum', 'tables', 'noleader', 'redirect', 'timeout'],
    answers: { 200: 'file', 301: 'none' },
    errors: [
      'no_leader',
      'not_leader',
      'unreachable',
      'timeout',
      'queue_full',
      'not_ready',
      'replica_differs',
      'disk_full',
      'storage_failed',
    ],
  },
  handle: async (exchange, services) => {
    const { parameters } = exchange;
    const backup = backupFrom(parameters);
    const contentType = backup.format === 'sql' ? 'application/sql' : 'application/octet-stream';
    if (!parameters.noLeader) {
      await requireLeader(services, parameters.timeoutMs, undefined);
      const { role, leader } = services.backend.view;
      if (role !== 'leader' && leader !== undefined && parameters.redirect) {
        return redirectTo(leader.apiUrl, exchange, contentType);
      }
      await catchUp(services, parameters.timeoutMs);
    }
    if (services.backend.view.quarantined) {
      throw new CodedError('replica_differs', 'The data of this node is not what the others have');
    }
    return { status: 200, contentType, body: await services.backend.backup(backup) };
  },
};

const backupFrom = ({ format, vacuum, tables, compress }: Parameters): BackendBackup => {
  if (format !== 'file' && vacuum) {
    throw new CodedError('bad_request', 'invalid backup format', {
      hint: 'vacuum goes with fmt=binary only; every file that comes from here is in mode delete.',
    });
  }
  return { format: format === 'sql' ? 'sql' : 'file', vacuum, tables, compress };
};

/** Waits until this node holds what the leader has committed. */
const catchUp = ({ backend }: Services, timeoutMs: number): Promise<void> =>
  new Promise((resolve, reject) => {
    backend.readIndex('linearizable', timeoutMs, (reply) => {
      if (reply.kind === 'refused') {
        reject(new CodedError(reply.code, reply.message));
        return;
      }
      backend.whenApplied(reply.index, timeoutMs, (applied) => {
        if (applied) resolve();
        else
          reject(new CodedError('timeout', 'this node did not catch up with the leader in time'));
      });
    });
  });
