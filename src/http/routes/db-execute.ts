// POST /db/execute: writes, through the log; with `queue` first into the queue.
import { resultParameters } from '#http/parameter-list.ts';
import type { DataRoute } from '#http/route.ts';
import { dataErrors, writeErrors } from '#http/route-about.ts';
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
  about: {
    summary: 'Writes, through the log; with queue into the queue first.',
    parameters: [
      ...resultParameters,
      'transaction',
      'timeout',
      'redirect',
      'queue',
      'wait',
      'noleader',
    ],
    // 408: with queue and wait, the write is not done yet.
    answers: { 200: 'results', 301: 'none', 408: 'error' },
    errors: [...dataErrors, ...writeErrors],
    keyed: true,
  },
  handle: (exchange, body, services) => {
    const read = statementsOf(exchange, body);
    if (exchange.parameters.queue) queueStatements(exchange, read, body.length, services);
    else runStatements('execute', exchange, read, services);
  },
};
