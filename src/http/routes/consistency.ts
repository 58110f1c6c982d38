// GET and POST /consistency: whether the replicas are what they should be: equal. GET tells what is
// known already; POST hashes all content on every node first, which costs each a read of its whole
// database, and so is an administrator's. Any node answers, with the leader's word.
import { CodedError } from '#errors.ts';
import type { Exchange } from '#http/exchange.ts';
import { prettyJson } from '#http/go-json.ts';
import type { OrdinaryAnswer, OrdinaryRoute } from '#http/route.ts';
import type { Services } from '#http/services.ts';

const answer = async (
  exchange: Exchange,
  { backend }: Services,
  check: boolean,
): Promise<OrdinaryAnswer> => {
  const { pretty, timeoutMs } = exchange.parameters;
  const reply = await backend.consistency(check, Math.ceil(timeoutMs));
  if (reply.kind === 'refused') throw new CodedError(reply.code, reply.message);
  return {
    status: 200,
    contentType: 'application/json; charset=utf-8',
    body: pretty ? prettyJson(reply.report) : reply.report,
  };
};

/** What is known. */
export const consistency: OrdinaryRoute = {
  kind: 'ordinary',
  path: '/consistency',
  methods: ['GET'],
  permissions: ['status'],
  anonymous: false,
  changes: false,
  media: [],
  about: {
    summary: 'Whether all replicas did and hold the same, as far as it is known.',
    parameters: ['timeout', 'pretty'],
    answers: { 200: 'report' },
    errors: ['no_leader', 'not_leader', 'unreachable', 'timeout', 'not_ready', 'queue_full'],
  },
  handle: (exchange, services) => answer(exchange, services, false),
};

/** What a check of all content finds. */
export const checkConsistency: OrdinaryRoute = {
  kind: 'ordinary',
  path: '/consistency',
  methods: ['POST'],
  permissions: ['admin'],
  anonymous: false,
  changes: true,
  media: ['application/json'],
  about: {
    summary: 'The same, after a hash of all content on every node.',
    parameters: ['timeout', 'pretty'],
    answers: { 200: 'report' },
    errors: ['no_leader', 'not_leader', 'unreachable', 'timeout', 'not_ready', 'queue_full'],
  },
  handle: (exchange, services) => answer(exchange, services, true),
};
