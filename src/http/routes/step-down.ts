// POST /leader: the leader gives its office to another node, named or not. With `wait` the answer
// comes when another node leads. Asked of the leader: administration is not forwarded.
import { CodedError } from '#errors.ts';
import type { OrdinaryRoute } from '#http/route.ts';
import { doneAnswer, emptyBody } from './administration.ts';
import { redirectTo } from './at-leader.ts';
import { nodeIdFrom } from './node-id-body.ts';

/** The route. */
export const stepDown: OrdinaryRoute = {
  kind: 'ordinary',
  path: '/leader',
  methods: ['POST'],
  permissions: ['leader-ops'],
  anonymous: false,
  changes: true,
  media: ['application/json'],
  about: {
    summary: 'The leader hands over to the named voter, or to any.',
    parameters: ['wait', 'timeout', 'redirect'],
    answers: { 200: 'none', 301: 'none' },
    errors: ['no_leader', 'not_leader', 'unreachable', 'not_ready', 'timeout'],
    namesMember: true,
  },
  handle: async (exchange, services, body) => {
    const to = nodeIdFrom(body) ?? '';
    const { view } = services.backend;
    const { redirect, wait, timeoutMs } = exchange.parameters;
    if (view.role !== 'leader') {
      if (view.leader === undefined) throw new CodedError('no_leader', 'leader not found');
      if (redirect) return redirectTo(view.leader.apiUrl, exchange, emptyBody.contentType);
      throw new CodedError('not_leader', `This node does not lead; ask ${view.leader.apiUrl}`);
    }
    const reply = await services.backend.stepDown(to, wait ? timeoutMs : 0);
    if (reply.kind === 'refused') {
      throw new CodedError(reply.code, `stepdown: ${reply.message}`, { applied: reply.applied });
    }
    return doneAnswer(services);
  },
};
