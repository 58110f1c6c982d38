// POST /boot: a node that is alone takes a database file in place of its database. It goes through
// the log all the same, so a node that joins later has it too.

import { CodedError } from '#errors.ts';
import type { StreamedRoute } from '#http/route.ts';
import { fileLoadErrors } from '#http/route-about.ts';
import { requireLeader } from './at-leader.ts';
import { loadFile } from './db-load.ts';
import { readLoadBody } from './load-body.ts';

/** The route. */
export const boot: StreamedRoute = {
  kind: 'streamed',
  path: '/boot',
  methods: ['POST'],
  permissions: ['load'],
  anonymous: false,
  changes: true,
  media: [],
  about: {
    summary: 'A node that is alone takes a database file in place of its database.',
    parameters: ['timeout'],
    answers: { 200: 'none' },
    errors: fileLoadErrors,
    takesFile: true,
  },
  handle: async (exchange, services) => {
    const { backend } = services;
    const { timeoutMs } = exchange.parameters;
    await requireLeader(services, timeoutMs, 'no');
    if (backend.view.role !== 'leader') throw notHere('not leader');
    if ((await backend.nodes(true, timeoutMs)).length > 1) throw notHere('not single-node');
    const body = await readLoadBody(exchange.message, () => backend.openLoad());
    if (body.kind === 'text') {
      throw new CodedError('bad_request', 'invalid SQLite data', {
        hint: 'Send a database file; SQL text goes to /db/load.',
        applied: 'no',
      });
    }
    const servedBy = await loadFile(exchange, services, body.file);
    const from = servedBy === '' ? services.advertisedAddress : servedBy;
    return { status: 200, contentType: '', body: '', headers: ['X-RQLITE-SERVED-BY', from] };
  },
};

const notHere = (message: string): CodedError =>
  new CodedError('not_leader', message, {
    hint: 'A node can be booted while it is the only one; a cluster is loaded with /db/load.',
    applied: 'no',
  });
