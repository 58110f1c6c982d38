// The body by which administration names a node: `{"id": "name"}` and nothing else.
import { parseStrictJson } from '#auth/strict-json.ts';
import { CodedError } from '#errors.ts';

const depthMax = 2;

/**
 * The name; undefined without a body, without an id, and for one that is null or empty.
 *
 * @throws CodedError `bad_request` for any other body
 */
export const nodeIdFrom = (body: Buffer): string | undefined => {
  if (body.length === 0) return undefined;
  const parsed = parseStrictJson(body.toString('utf8'), depthMax);
  if (parsed.kind === 'fault') throw invalid(parsed.reason);
  const { value } = parsed;
  if (value.kind !== 'object') throw invalid('the body must be an object');
  const id = value.members.get('id');
  const others = value.members.size > (id === undefined ? 0 : 1);
  if (others) throw invalid('the body may hold an id and nothing else');
  if (id === undefined || (id.kind === 'literal' && id.value === null)) return undefined;
  if (id.kind !== 'string') throw invalid('the id must be a string');
  return id.value === '' ? undefined : id.value;
};

const invalid = (reason: string): CodedError =>
  new CodedError('bad_request', `invalid JSON: ${reason}`, { applied: 'no' });
