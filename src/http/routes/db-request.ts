// POST /db/request: reads and writes mixed; through the log unless all of them are reads.
import { readParameters, resultParameters } from '#http/parameter-list.ts';
import type { DataRoute } from '#http/route.ts';
import { dataErrors, writeErrors } from '#http/route-about.ts';
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
  about: {
    summary: 'Reads and writes mixed; one log entry when there is a write among them.',
    parameters: [...resultParameters, ...readParameters, 'transaction', 'timeout', 'redirect'],
    answers: { 200: 'results', 301: 'none' },
    errors: [...dataErrors, ...writeErrors],
    keyed: true,
  },
  handle: (exchange, body, services) => {
    runStatements('request', exchange, statementsFromJson(body), services);
  },
};
