// The API as an OpenAPI document, made of the table of routes: whoever changes a route changes the
// document. Tests hold every answer to it.
import { errorMeanings } from '#errors.ts';
import { schemas } from './api-schemas.ts';
import { type ParameterForm, type ParameterName, parameterList } from './parameter-list.ts';
import { isBodyless, type Route } from './route.ts';
import { type AnswerBody, errorAnswersOf } from './route-about.ts';

type Json = Readonly<Record<string, unknown>>;

const reference = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

const json = (schema: Json): Json => ({ 'application/json': { schema } });

/** Go's durations, but for the longest of them. */
const durationPattern = '^[+-]?(?:0|(?:(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)$';

const schemaOfForm = (form: ParameterForm): Json => {
  if (form === 'integer') return { type: 'integer' };
  if (form === 'duration') {
    return { type: 'string', maxLength: 64, pattern: durationPattern, examples: ['1m30s'] };
  }
  if (form === 'statement') return { type: 'string', minLength: 1 };
  // Read without regard to case, and an unknown level is `weak`: a list of what is meant.
  return form === 'flag' || form === 'text'
    ? { type: 'string' }
    : { type: 'string', examples: form };
};

const parametersOf = (names: readonly ParameterName[]): readonly Json[] =>
  names.map((name) => {
    const { form, effect } = parameterList[name];
    const flag = form === 'flag' ? { allowEmptyValue: true } : {};
    return { name, in: 'query', description: effect, ...flag, schema: schemaOfForm(form) };
  });

const keyHeader: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'Sent again under the same key, the write is applied once.',
  schema: { type: 'string', pattern: '^[!-~]{1,128}$' },
};

const assets = ['text/css', 'text/javascript', 'image/svg+xml'].map(
  (media) => [media, { schema: { type: 'string' } }] as const,
);

const contentOf = (body: AnswerBody): Json | undefined => {
  if (body === 'none') return undefined;
  if (body === 'text') return { 'text/plain': { schema: { type: 'string' } } };
  if (body === 'page') return { 'text/html': { schema: { type: 'string' } } };
  if (body === 'asset') return Object.fromEntries(assets);
  if (body === 'events') return { 'text/event-stream': { schema: { type: 'string' } } };
  if (body !== 'file') return json(reference(body));
  return {
    'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
    'application/sql': { schema: { type: 'string' } },
  };
};

const answersOf = (route: Route): Json => {
  const answers: Record<string, Json> = {};
  for (const [status, body] of Object.entries(route.about.answers)) {
    const content = contentOf(body);
    const description =
      body === 'none' && Number(status) === 301 ? 'The leader is elsewhere.' : route.about.summary;
    answers[status] = { description, ...(content === undefined ? {} : { content }) };
  }
  for (const [status, codes] of errorAnswersOf(route)) {
    const error = {
      allOf: [reference('error'), { properties: { code: { enum: codes } } }],
    };
    const description = codes.map((code) => errorMeanings[code]).join(' ');
    const also = answers[String(status)];
    // A status that is an answer already (`/readyz`) keeps its own body beside the error's.
    answers[String(status)] = {
      description:
        also === undefined ? description : `${String(also['description'])} ${description}`,
      content: { ...(also?.['content'] as Json | undefined), ...json(error) },
    };
  }
  return answers;
};

const bodyOf = (route: Route, method: string): Json => {
  if (route.about.takesFile) {
    const file = { schema: { type: 'string', format: 'binary' } };
    return { requestBody: { content: { 'application/octet-stream': file } } };
  }
  // Other routes of a POST read no body, and take none amiss.
  const reads = route.kind === 'data' && route.media.length > 0;
  if (isBodyless(method) || (!reads && !route.about.namesMember)) return {};
  if (route.about.namesMember) {
    const member = { type: 'object', properties: { id: { type: ['string', 'null'] } } };
    return { requestBody: { content: json(member) } };
  }
  const schemas: Json = {
    'application/json': { schema: reference('Request') },
    'text/plain': { schema: { type: 'string' } },
  };
  return {
    requestBody: {
      content: Object.fromEntries(route.media.map((media) => [media, schemas[media] ?? {}])),
    },
  };
};

/** A path as OpenAPI writes it. */
const pathOf = ({ path }: Route): string => path.replace(':id', '{id}');

const pathParameter: Json = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'The id of a request or a transaction, or the name of a file.',
  schema: { type: 'string' },
};

const securityOf = (route: Route): readonly Json[] => {
  const known = [{ basic: route.permissions }, { certificate: route.permissions }];
  return route.anonymous ? [...known, {}] : known;
};

const operationOf = (route: Route, method: string): Json => ({
  operationId: `${method.toLowerCase()}${route.path.replaceAll(/\W+(\w)/g, (_all, letter: string) => letter.toUpperCase())}`,
  summary: route.about.summary,
  description:
    route.permissions.length === 0
      ? 'For any user.'
      : `Needs the permission ${route.permissions.join(' and ')}.`,
  security: securityOf(route),
  parameters: [
    ...(route.path.includes('/:id') ? [pathParameter] : []),
    ...parametersOf(route.about.parameters),
    ...(route.about.keyed ? [keyHeader] : []),
  ],
  ...bodyOf(route, method),
  responses: answersOf(route),
});

/** The document; `routes` in the order of the table. */
export const apiDocument = (routes: readonly Route[], version: string): Json => {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const operations = route.methods.map((method) => [
      method.toLowerCase(),
      operationOf(route, method),
    ]);
    const path = pathOf(route);
    paths[path] = { ...paths[path], ...Object.fromEntries(operations) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Stockade',
      version,
      description:
        'Replicated SQLite, compatible with rqlite. Flags are true by being there; durations are written as in Go (1m30s). Unknown paths are 404, other methods 405, both with the body of an error.',
    },
    paths,
    components: {
      schemas,
      securitySchemes: {
        basic: { type: 'http', scheme: 'basic' },
        certificate: { type: 'mutualTLS' },
      },
    },
  };
};
