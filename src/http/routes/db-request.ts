// POST /db/request: reads and writes mixed; through the log unless all of them are reads.
import type { DataRoute } from '#http/route.ts';
import { statementsFromJson } from '#http/statements-from-body.ts';
import { runStatements } from './data-route.ts';

/** The route. */
export const dbRequest: DataRoute = {
  kind: 'data',
  path: '/db/request',
  methods: ['POST'],
  permissions: ['query', 'execute'],
  anonymous: false,
  changes: true,
  media: ['application/json'],
  handle: (exchange, body, services) => {
    runStatements('request', exchange, statementsFromJson(body), services);
  },
};
