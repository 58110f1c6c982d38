// GET /leader: the leader, as /nodes shows it.
import { CodedError } from '#errors.ts';
import { jsonAnswer, type OrdinaryRoute } from '#http/route.ts';
import { nodeObject } from './node-object.ts';

/** The route. */
export const leader: OrdinaryRoute = {
  kind: 'ordinary',
  path: '/leader',
  methods: ['GET'],
  permissions: ['leader-ops'],
  anonymous: false,
  changes: false,
  media: [],
  about: {
    summary: 'The leader.',
    parameters: ['timeout', 'pretty'],
    answers: { 200: 'node' },
    errors: ['no_leader'],
  },
  handle: async (exchange, services) => {
    const { timeoutMs, pretty } = exchange.parameters;
    const found = await services.backend.nodes(false, timeoutMs);
    const leading = found.find((node) => node.leader);
    if (leading === undefined) throw new CodedError('no_leader', 'leader not found');
    return jsonAnswer(nodeObject(leading), pretty);
  },
};
