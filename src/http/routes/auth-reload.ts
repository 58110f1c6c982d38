// POST /auth/reload: this node reads its auth file anew, all of it or nothing.
import { CodedError } from '#errors.ts';
import { jsonAnswer, type OrdinaryRoute } from '#http/route.ts';

/** The route. */
export const authReload: OrdinaryRoute = {
  kind: 'ordinary',
  path: '/auth/reload',
  methods: ['POST'],
  permissions: ['admin'],
  anonymous: false,
  changes: true,
  media: ['application/json'],
  about: {
    summary: 'This node reads its auth file anew, all of it or nothing.',
    parameters: ['pretty'],
    answers: { 200: 'reload' },
    errors: ['auth_file_invalid'],
  },
  handle: async (exchange, { backend }) => {
    const reply = await backend.reloadUsers();
    if (reply.kind === 'kept') throw new CodedError(reply.code, reply.message, { applied: 'no' });
    const { added, removed, changed, revoked } = reply.reload;
    const { cutOff } = reply;
    return jsonAnswer(
      { added, removed, changed, revoked_tokens: revoked, connections_cut: cutOff },
      exchange.parameters.pretty,
    );
  },
};
