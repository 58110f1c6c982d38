// POST /snapshot: what is applied on this node is made durable now, and the log lets go of what the
// database holds, less `trailing_logs` entries.
import { CodedError } from '#errors.ts';
import type { OrdinaryRoute } from '#http/route.ts';

/** The route. */
export const snapshot: OrdinaryRoute = {
  kind: 'ordinary',
  path: '/snapshot',
  methods: ['POST'],
  permissions: ['snapshot'],
  anonymous: false,
  changes: true,
  media: [],
  about: {
    summary: 'What is applied here is made durable now, and the log lets go of it.',
    parameters: ['trailing_logs'],
    answers: { 200: 'none', 204: 'none' },
    errors: ['not_ready', 'storage_failed'],
  },
  handle: async (exchange, { backend }) => {
    const reply = await backend.snapshot(exchange.parameters.trailingLogs);
    if (reply.kind === 'refused') {
      throw new CodedError(reply.code, reply.message, { applied: reply.applied });
    }
    return { status: reply.made ? 200 : 204, contentType: '', body: '' };
  },
};
