// The API as an OpenAPI document, made of the table of routes: whoever changes a route changes the
// document. Tests hold every answer to it.
import { errorMeanings } from '#errors.ts';
import { type ParameterForm, type ParameterName, parameterList } from './parameter-list.ts';
import type { Route } from './route.ts';
import { type AnswerBody, errorAnswersOf } from './route-about.ts';

type Json = Readonly<Record<string, unknown>>;

const reference = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

const json = (schema: Json): Json => ({ 'application/json': { schema } });

const schemaOfForm = (form: ParameterForm): Json => {
  if (form === 'integer') return { type: 'integer' };
  if (form === 'duration') return { type: 'string', example: '1m30s' };
  // Read without regard to case, and an unknown level is `weak`: a list of what is meant.
  return form === 'flag' || form === 'text' ? { type: 'string' } : { type: 'string', enum: form };
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

const contentOf = (body: AnswerBody): Json | undefined => {
  switch (body) {
    case 'results':
      return json(reference('Results'));
    case 'statements':
      return json(reference('Statements'));
    case 'node':
      return json(reference('Node'));
    case 'nodes':
      return json({
        oneOf: [
          { type: 'object', additionalProperties: reference('Node') },
          { type: 'object', properties: { nodes: { type: 'array', items: reference('Node') } } },
        ],
      });
    case 'queries':
      return json(reference('Queries'));
    case 'object':
      return json({});
    case 'text':
      return { 'text/plain': { schema: { type: 'string' } } };
    case 'file':
      return {
        'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
        'application/sql': { schema: { type: 'string' } },
      };
    case 'none':
      return undefined;
  }
};

const answersOf = (route: Route): Json => {
  const answers: Record<string, Json> = {};
  for (const [status, body] of Object.entries(route.about.answers)) {
    const content = contentOf(body);
    const description = Number(status) === 301 ? 'The leader is elsewhere.' : route.about.summary;
    answers[status] = { description, ...(content === undefined ? {} : { content }) };
  }
  for (const [status, codes] of errorAnswersOf(route)) {
    const error = {
      allOf: [reference('Error'), { properties: { code: { enum: codes } } }],
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
  if (method === 'GET' || (route.media.length === 0 && !route.about.namesMember)) return {};
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
  description: 'The request id.',
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
    ...(route.path.endsWith('/:id') ? [pathParameter] : []),
    ...parametersOf(route.about.parameters),
    ...(route.about.keyed ? [keyHeader] : []),
  ],
  ...bodyOf(route, method),
  responses: answersOf(route),
});

const string = { type: 'string' };
const integer = { type: 'integer' };
const boolean = { type: 'boolean' };

/** Bodies that several routes share. */
const schemas: Json = {
  Error: {
    type: 'object',
    required: ['error', 'code', 'requestId'],
    properties: {
      error: { ...string, description: 'What happened, and what to do.' },
      code: { ...string, description: 'Never changes its meaning; see docs/ERRORS.md.' },
      requestId: string,
      applied: { enum: ['no', 'yes', 'unknown'], description: 'What became of the data.' },
    },
  },
  Request: {
    type: 'array',
    description: 'Texts, or arrays of a text and its parameters.',
    items: {
      oneOf: [string, { type: 'array', prefixItems: [string], minItems: 1 }],
    },
  },
  Results: {
    type: 'object',
    required: ['results'],
    properties: {
      results: { type: 'array', items: reference('Result') },
      error: string,
      time: { type: 'number' },
      sequence_number: integer,
      raft_index: integer,
      code: string,
      requestId: string,
      applied: { enum: ['yes'] },
    },
  },
  Result: {
    type: 'object',
    properties: {
      last_insert_id: integer,
      rows_affected: integer,
      columns: { type: 'array', items: string },
      types: {},
      values: { type: 'array', items: { type: 'array' } },
      rows: { type: ['array', 'null'], items: { type: 'object' } },
      error: string,
      time: { type: 'number' },
    },
  },
  Statements: {
    type: 'object',
    required: ['results'],
    properties: {
      results: {
        type: 'array',
        items: {
          type: 'object',
          required: ['original'],
          properties: { original: string, rewritten: string, error: string },
        },
      },
      time: { type: 'number' },
    },
  },
  Queries: {
    type: 'object',
    required: ['queries'],
    properties: {
      queries: {
        type: 'array',
        items: {
          type: 'object',
          required: ['id', 'user', 'address', 'kind', 'text', 'statements', 'ms', 'state'],
          properties: {
            id: string,
            user: string,
            address: string,
            kind: { enum: ['execute', 'query', 'request', 'load', 'load-step'] },
            text: string,
            statements: integer,
            ms: integer,
            state: {
              enum: ['waiting', 'judging', 'reading', 'rehearsing', 'proposed', 'forwarded'],
            },
          },
        },
      },
    },
  },
  Node: {
    type: 'object',
    required: ['id', 'version', 'voter', 'reachable', 'leader'],
    properties: {
      id: string,
      api_addr: string,
      addr: string,
      version: string,
      voter: boolean,
      reachable: boolean,
      leader: boolean,
      time: { type: 'number' },
      time_s: string,
      error: string,
    },
  },
};

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
