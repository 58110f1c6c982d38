// POST /db/execute: writes, through the log; with `queue` first into the queue.
import type { DataRoute } from '#http/route.ts';
import { runStatements, statementsOf } from './data-route.ts';
import { queueStatements } from './queued-execute.ts';

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
    const read = statementsOf(exchange, body);
    if (exchange.parameters.queue) queueStatements(exchange, read, body.length, services);
    else runStatements('execute', exchange, read, services);
  },
};
