// POST /db/execute: writes, through the log.
import type { DataRoute } from '#http/route.ts';
import { runStatements, statementsOf } from './data-route.ts';

/** The route. */
export const dbExecute: DataRoute = {
  kind: 'data',
  path: '/db/execute',
  methods: ['POST'],
  permissions: ['execute'],
  anonymous: false,
  changes: true,
  media: ['application/json', 'text/plain'],
  handle: (exchange, body, services) => {
    runStatements('execute', exchange, statementsOf(exchange, body), services);
  },
};
