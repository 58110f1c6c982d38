// POST /snapshot: what is applied on this node is made durable now, and the log lets go of what the
// database holds, less `trailing_logs` entries. POST /reap: there are no snapshots beside the
// database, so there is nothing to reap.
import { CodedError } from '#errors.ts';
import type { OrdinaryRoute } from '#http/route.ts';

const common = {
  kind: 'ordinary',
  methods: ['POST'],
  permissions: ['snapshot'],
  anonymous: false,
  changes: true,
  media: [],
} as const;

/** The route of snapshots. */
export const snapshot: OrdinaryRoute = {
  ...common,
  path: '/snapshot',
  handle: async (exchange, { backend }) => {
    const reply = await backend.snapshot(exchange.parameters.trailingLogs);
    if (reply.kind === 'refused') {
      throw new CodedError(reply.code, reply.message, { applied: reply.applied });
    }
    return { status: reply.made ? 200 : 204, contentType: '', body: '' };
  },
};

/** The route of reaping. */
export const reap: OrdinaryRoute = {
  ...common,
  path: '/reap',
  handle: () =>
    Promise.resolve({
      status: 200,
      contentType: 'application/json; charset=utf-8',
      body: '{"snapshots_reaped":0,"wals_checkpointed":0}\n',
    }),
};
