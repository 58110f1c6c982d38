// DELETE /remove: a member leaves for good. The node that is asked takes over the leadership, if
// need be, and makes the change itself: administration is not forwarded. A name that was removed
// before is a success, so that a request can be sent again; one that never was a member is not.
import { CodedError } from '#errors.ts';
import type { OrdinaryRoute } from '#http/route.ts';
import { doneAnswer, emptyBody } from './administration.ts';
import { redirectTo } from './at-leader.ts';
import { nodeIdFrom } from './node-id-body.ts';

/** The route. */
export const remove: OrdinaryRoute = {
  kind: 'ordinary',
  path: '/remove',
  methods: ['DELETE'],
  permissions: ['remove'],
  anonymous: false,
  changes: true,
  // What curl calls a body by itself, as rqlite's manual sends it. A page of another site cannot
  // send DELETE without being asked first, whatever it calls the body.
  media: ['application/json', 'application/x-www-form-urlencoded'],
  about: {
    summary: 'A member leaves for good.',
    parameters: ['redirect'],
    answers: { 200: 'none', 301: 'none' },
    errors: ['not_found', 'no_leader', 'not_leader', 'not_ready', 'timeout', 'shutting_down'],
    namesMember: true,
  },
  handle: async (exchange, services, body) => {
    const name = nodeIdFrom(body);
    if (name === undefined) {
      throw new CodedError('bad_request', 'The body must name a node: {"id": "name"}');
    }
    const { view } = services.backend;
    if (exchange.parameters.redirect && view.role !== 'leader') {
      if (view.leader === undefined) throw new CodedError('no_leader', 'leader not found');
      return redirectTo(view.leader.apiUrl, exchange, emptyBody.contentType);
    }
    const reply = await services.backend.removeMember(name);
    if (reply.kind === 'refused') {
      throw new CodedError(reply.code, `remove: ${reply.message}`, { applied: reply.applied });
    }
    return doneAnswer(services);
  },
};
