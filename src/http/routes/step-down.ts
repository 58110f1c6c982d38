// POST /leader: the leader gives its office to another node, named or not. With `wait` the answer
// comes when another node leads. Asked of the leader: administration is not forwarded.
import { parseStrictJson } from '#auth/strict-json.ts';
import { CodedError } from '#errors.ts';
import type { OrdinaryAnswer, OrdinaryRoute } from '#http/route.ts';
import type { Services } from '#http/services.ts';
import { redirectTo } from './at-leader.ts';

/** The route. */
export const stepDown: OrdinaryRoute = {
  kind: 'ordinary',
  path: '/leader',
  methods: ['POST'],
  permissions: ['leader-ops'],
  anonymous: false,
  changes: true,
  media: ['application/json'],
  handle: async (exchange, services, body) => {
    const to = nodeFrom(body);
    const { view } = services.backend;
    const { redirect, wait, timeoutMs } = exchange.parameters;
    if (view.role !== 'leader') {
      if (view.leader === undefined) throw new CodedError('no_leader', 'leader not found');
      if (redirect) return redirectTo(view.leader.apiUrl, exchange, emptyBody.contentType);
      throw new CodedError('not_leader', `This node does not lead; ask ${view.leader.apiUrl}`);
    }
    const reply = await services.backend.stepDown(to, wait ? timeoutMs : 0);
    if (reply.kind === 'refused') {
      throw new CodedError(reply.code, `stepdown: ${reply.message}`, { applied: reply.applied });
    }
    return done(services);
  },
};

const emptyBody = { contentType: 'application/json; charset=utf-8', body: '' } as const;

const done = ({ advertisedAddress }: Services): OrdinaryAnswer => ({
  status: 200,
  ...emptyBody,
  headers: ['X-RQLITE-SERVED-BY', advertisedAddress],
});

/** `{"id": "name"}`; without a body, and with a null or empty id, any node will do. */
const nodeFrom = (body: Buffer): string => {
  if (body.length === 0) return '';
  const parsed = parseStrictJson(body.toString('utf8'), depthMax);
  if (parsed.kind === 'fault') throw invalid(`invalid JSON: ${parsed.reason}`);
  const { value } = parsed;
  if (value.kind !== 'object') throw invalid('invalid JSON: the body must be an object');
  const id = value.members.get('id');
  const others = value.members.size > (id === undefined ? 0 : 1);
  if (others) throw invalid('invalid JSON: the body may hold an id and nothing else');
  if (id === undefined || (id.kind === 'literal' && id.value === null)) return '';
  if (id.kind !== 'string') throw invalid('invalid JSON: the id must be a string');
  return id.value;
};

const depthMax = 2;

const invalid = (message: string): CodedError =>
  new CodedError('bad_request', message, { applied: 'no' });
