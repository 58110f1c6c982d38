// GET /queries and DELETE /queries/:id: the requests for data that this node has under way, and the
// end of one. Which front has it does not matter; what the log holds goes its way.
import { CodedError } from '#errors.ts';
import { jsonAnswer, type OrdinaryRoute } from '#http/route.ts';
import { doneAnswer } from './administration.ts';

/** What is under way, longest first. */
export const queries: OrdinaryRoute = {
  kind: 'ordinary',
  path: '/queries',
  methods: ['GET'],
  permissions: ['status'],
  anonymous: false,
  changes: false,
  media: [],
  about: {
    summary: 'The requests for data that this node has under way.',
    parameters: ['pretty'],
    answers: { 200: 'queries' },
    errors: [],
  },
  handle: async ({ parameters }, { backend }) => {
    const running = [...(await backend.queries())].sort((left, right) => right.ms - left.ms);
    return jsonAnswer({ queries: running }, parameters.pretty);
  },
};

/** Ends one. */
export const killQuery: OrdinaryRoute = {
  kind: 'ordinary',
  path: '/queries/:id',
  methods: ['DELETE'],
  permissions: ['kill'],
  anonymous: false,
  changes: true,
  media: [],
  about: {
    summary: 'Ends a request that is not done: nothing of it is applied.',
    parameters: [],
    answers: { 200: 'none' },
    errors: ['not_found', 'not_killable'],
  },
  handle: async ({ path }, services) => {
    // Ids have nothing in them that a path would escape: another spelling is another id.
    const reply = await services.backend.kill(path.slice('/queries/'.length));
    if (reply.kind === 'done') return doneAnswer(services);
    throw new CodedError(reply.code, reply.message, { applied: reply.applied });
  },
};
