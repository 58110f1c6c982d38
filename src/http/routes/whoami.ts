// GET /whoami: who the credentials belong to and what that user may do.
import { jsonAnswer, type OrdinaryRoute } from '#http/route.ts';

/** The route: for every user. */
export const whoami: OrdinaryRoute = {
  kind: 'ordinary',
  path: '/whoami',
  methods: ['GET'],
  permissions: [],
  anonymous: false,
  changes: false,
  media: [],
  about: {
    summary: 'The user and its permissions.',
    parameters: ['pretty'],
    answers: { 200: 'user' },
    errors: [],
  },
  handle: (exchange) => {
    const { principal, parameters } = exchange;
    const permissions = [...(principal?.permissions ?? [])].sort();
    return Promise.resolve(jsonAnswer({ user: principal?.name, permissions }, parameters.pretty));
  },
};
