// The JSON of requests and answers as JSON Schema, for the API document. Tests hold every answer
// that any of them gets to these, so a key that is not here is a fault.

import { forwardKinds } from '#command/forward.ts';

type Json = Readonly<Record<string, unknown>>;

const string = { type: 'string' };
const integer = { type: 'integer' };
const boolean = { type: 'boolean' };

const scalar = { type: ['string', 'number', 'boolean', 'null'] };
/** A BLOB with `blob_array`. */
const octets = { type: 'array', items: { type: 'integer', minimum: 0, maximum: 255 } };
const value = { anyOf: [scalar, octets] };
const strings = { type: 'array', items: string };
const count = { type: 'integer', minimum: 0 };

/** An object with these keys and no others. */
const exactly = (required: readonly string[], properties: Json): Json => ({
  type: 'object',
  required,
  properties,
  additionalProperties: false,
});

/** Bodies of requests and answers, by the names that the document refers to. */
export const schemas: Json = {
  error: exactly(['error', 'code', 'requestId'], {
    error: { ...string, description: 'What happened, and what to do.' },
    code: { ...string, description: 'Never changes its meaning; see docs/ERRORS.md.' },
    requestId: string,
    applied: { enum: ['no', 'yes', 'unknown'], description: 'What became of the data.' },
  }),
  Request: {
    type: 'array',
    description: 'Texts, or arrays of a text and its parameters.',
    minItems: 1,
    items: {
      oneOf: [string, { type: 'array', prefixItems: [string], minItems: 1 }],
    },
  },
  results: exactly(['results'], {
    results: { type: 'array', items: { $ref: '#/components/schemas/Result' } },
    error: string,
    time: { type: 'number' },
    sequence_number: integer,
    raft_index: integer,
    code: string,
    requestId: string,
    applied: { enum: ['yes'] },
  }),
  Result: exactly([], {
    last_insert_id: integer,
    rows_affected: integer,
    columns: strings,
    types: { anyOf: [strings, { type: 'object', additionalProperties: string }] },
    values: { type: 'array', items: { type: 'array', items: value } },
    rows: { type: ['array', 'null'], items: { type: 'object', additionalProperties: value } },
    error: string,
    time: { type: 'number' },
  }),
  statements: exactly(['results'], {
    results: {
      type: 'array',
      items: exactly(['original'], { original: string, rewritten: string, error: string }),
    },
    time: { type: 'number' },
  }),
  transaction: exactly(['id', 'idle_ms', 'total_ms', 'statements', 'writer_ms'], {
    id: string,
    idle_ms: { ...count, description: 'It ends when nothing was asked of it for so long.' },
    total_ms: { ...count, description: 'It ends so long after it was opened.' },
    statements: { ...count, description: 'As many it may have.' },
    writer_ms: { ...count, description: 'Time of the writer that it may use.' },
  }),
  transactionEnd: exactly(['state'], {
    state: { enum: ['committed', 'rolled_back'] },
    raft_index: integer,
  }),
  node: exactly(['id', 'addr', 'version', 'voter', 'reachable', 'leader'], {
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
  }),
  nodes: {
    anyOf: [
      { type: 'object', additionalProperties: { $ref: '#/components/schemas/node' } },
      exactly(['nodes'], {
        nodes: { type: 'array', items: { $ref: '#/components/schemas/node' } },
      }),
    ],
  },
  queries: exactly(['queries'], {
    queries: {
      type: 'array',
      items: exactly(['id', 'user', 'address', 'kind', 'text', 'statements', 'ms', 'state'], {
        id: string,
        user: string,
        address: string,
        kind: { enum: forwardKinds },
        text: string,
        statements: count,
        ms: count,
        state: { enum: ['waiting', 'judging', 'reading', 'rehearsing', 'proposed', 'forwarded'] },
      }),
    },
  }),
  user: exactly(['user', 'permissions'], { user: string, permissions: strings }),
  reload: exactly(['added', 'removed', 'changed', 'revoked_tokens', 'connections_cut'], {
    added: strings,
    removed: strings,
    changed: strings,
    revoked_tokens: strings,
    connections_cut: count,
  }),
  reaped: exactly(['snapshots_reaped', 'wals_checkpointed'], {
    snapshots_reaped: count,
    wals_checkpointed: count,
  }),
  report: {
    type: 'object',
    description: 'docs/HTTP.md has the keys.',
    required: ['leader'],
    properties: { leader: string, term: count, running: boolean, content_error: string },
  },
  status: {
    description: 'All of it is an object; a part of it, by key, is whatever stands there.',
  },
  document: { type: 'object', required: ['openapi', 'info', 'paths', 'components'] },
};
