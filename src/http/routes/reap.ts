// POST /reap: this node tidies up its disk now instead of when it gets to it: databases that images
// have replaced are removed, the WAL is written back. Changes nothing that anybody could read.
import { CodedError } from '#errors.ts';
import type { OrdinaryRoute } from '#http/route.ts';

/** The route. The answer has rqlite's keys and ends in a newline, as there. */
export const reap: OrdinaryRoute = {
  kind: 'ordinary',
  path: '/reap',
  methods: ['POST'],
  permissions: ['snapshot'],
  anonymous: false,
  changes: true,
  media: [],
  about: {
    summary: 'This node removes databases it has no use for and writes back its WAL.',
    parameters: [],
    answers: { 200: 'reaped' },
    errors: ['not_ready'],
  },
  handle: async (_exchange, services) => {
    const reply = await services.backend.reap();
    if (reply.kind === 'refused') {
      throw new CodedError(reply.code, `reap: ${reply.message}`, { applied: reply.applied });
    }
    const { generations, checkpoints } = reply;
    return {
      status: 200,
      contentType: 'application/json; charset=utf-8',
      body: `{"snapshots_reaped":${generations},"wals_checkpointed":${checkpoints}}\n`,
    };
  },
};
