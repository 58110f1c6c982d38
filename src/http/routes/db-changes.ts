// GET /db/changes: what writes changed, as server-sent events, from any node that captures it. A
// client that comes back says with Last-Event-ID where it was.
import { CodedError } from '#errors.ts';
import type { Exchange } from '#http/exchange.ts';
import type { OrdinaryRoute } from '#http/route.ts';

/** The route. */
export const dbChanges: OrdinaryRoute = {
  kind: 'ordinary',
  path: '/db/changes',
  methods: ['GET'],
  permissions: ['changes'],
  anonymous: false,
  changes: false,
  media: [],
  about: {
    summary: 'Rows that writes change, as server-sent events.',
    parameters: ['from', 'tables'],
    answers: { 200: 'events' },
    errors: [
      'changes_off',
      'changes_gone',
      'queue_full',
      'replica_differs',
      'timeout',
      'shutting_down',
      'storage_failed',
      'killed',
    ],
  },
  handle: async (exchange, { changes }) => {
    const { principal, requestId, parameters } = exchange;
    if (principal === undefined) throw new CodedError('unauthenticated', 'nobody asks');
    const after = afterOf(exchange);
    const body = await changes.open({ principal, requestId, after, tables: parameters.tables });
    return { status: 200, contentType: 'text/event-stream', body };
  },
};

/** What the client has seen; a browser that comes back says it in a header, which counts more. */
const afterOf = ({ message, parameters }: Exchange): number | undefined => {
  const seen = message.headers['last-event-id'];
  if (seen === undefined || seen === '') {
    return parameters.from === undefined ? undefined : Math.max(0, parameters.from - 1);
  }
  const index = typeof seen === 'string' && /^\d{1,15}$/.test(seen) ? Number(seen) : undefined;
  if (index !== undefined) return index;
  throw new CodedError('bad_request', 'Last-Event-ID is no index of an entry');
};
