// GET and POST /db/query: reads, at the level of consistency that was asked for.
import type { DataRoute } from '#http/route.ts';
import { statementsFromText } from '#http/statements-from-body.ts';
import { runStatements, statementsOf } from './data-route.ts';

/** The route. A GET without `q` is no error: it has no statements, so its results are empty. */
export const dbQuery: DataRoute = {
  kind: 'data',
  path: '/db/query',
  methods: ['GET', 'POST'],
  permissions: ['query'],
  anonymous: false,
  changes: false,
  media: ['application/json', 'text/plain'],
  handle: (exchange, body, services) => {
    const read =
      exchange.message.method === 'GET'
        ? statementsFromText(exchange.parameters.q ?? '')
        : statementsOf(exchange, body);
    runStatements('query', exchange, read, services);
  },
};
