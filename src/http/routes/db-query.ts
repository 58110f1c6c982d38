// GET and POST /db/query: reads, at the level of consistency that was asked for.
import { readParameters, resultParameters } from '#http/parameter-list.ts';
import type { DataRoute } from '#http/route.ts';
import { dataErrors } from '#http/route-about.ts';
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
  about: {
    summary: 'Reads, at the level of consistency that is asked for.',
    parameters: ['q', ...resultParameters, ...readParameters, 'transaction', 'timeout', 'redirect'],
    answers: { 200: 'results', 301: 'none' },
    errors: dataErrors,
  },
  handle: (exchange, body, services) => {
    const read =
      exchange.message.method === 'GET'
        ? statementsFromText(exchange.parameters.q ?? '')
        : statementsOf(exchange, body);
    runStatements('query', exchange, read, services);
  },
};
