// What a route is for those who call it: what the API document says of it. Tests hold the answers
// of every route to it, both ways.
import type { ErrorCode } from '#errors.ts';
import { statusOf } from './coded-answer.ts';
import type { ParameterName } from './parameter-list.ts';
import { isBodyless, type Route } from './route.ts';

/** What the body of an answer is. */
export type AnswerBody =
  | 'results'
  | 'statements'
  | 'transaction'
  | 'transactionEnd'
  | 'node'
  | 'nodes'
  | 'queries'
  | 'user'
  | 'reload'
  | 'reaped'
  | 'report'
  | 'status'
  | 'document'
  | 'error'
  | 'text'
  | 'events'
  | 'file'
  | 'page'
  | 'asset'
  | 'none';

/** See above. */
export interface RouteAbout {
  /** One sentence. */
  readonly summary: string;
  /** Parameters that do something here. */
  readonly parameters: readonly ParameterName[];
  /** Answers that are no errors with a code: status and body. */
  readonly answers: Readonly<Record<number, AnswerBody>>;
  /** Codes of the errors that it answers beside those of the gate. */
  readonly errors: readonly ErrorCode[];
  /** Writes may come with an Idempotency-Key. */
  readonly keyed?: true;
  /** A body names a member: `{"id": "name"}`. */
  readonly namesMember?: true;
  /** The body is a database file (or SQL text), read as it arrives. */
  readonly takesFile?: true;
}

/** Codes of the path of data: what judging, the log, the leader and the readers may say. */
export const dataErrors = [
  'statement_refused',
  'no_leader',
  'not_leader',
  'unreachable',
  'timeout',
  'queue_full',
  'killed',
  'shutting_down',
  'not_ready',
  'replica_differs',
  'result_too_large',
  'schema_changed',
  'storage_failed',
] as const satisfies readonly ErrorCode[];

/** What becomes of a database file that is loaded. */
export const fileLoadErrors = [
  'body_too_large',
  'queue_full',
  'no_leader',
  'not_leader',
  'statement_refused',
  'unreachable',
  'timeout',
  'shutting_down',
  'not_ready',
  'disk_full',
  'storage_failed',
  'leadership_lost',
] as const satisfies readonly ErrorCode[];

/** What else becomes of writes. */
export const writeErrors = [
  'statement_too_expensive',
  'key_reused',
  'leadership_lost',
  'disk_full',
] as const satisfies readonly ErrorCode[];

/** Codes that the gate and the intake answer for a route, whatever it does. */
export const gateErrorsOf = (route: Route): readonly ErrorCode[] => {
  const reads = route.kind !== 'streamed' && !route.methods.every(isBodyless);
  return [
    'bad_request',
    'unauthenticated',
    'too_many_attempts',
    'internal',
    ...(route.permissions.length > 0 || route.changes ? (['permission_denied'] as const) : []),
    ...(route.changes ? (['audit_failed'] as const) : []),
    ...(reads ? (['body_too_large', 'queue_full'] as const) : []),
    ...(reads && route.media.length > 0 ? (['unsupported_media_type'] as const) : []),
  ];
};

/** Every status that a route answers with an error, and the codes that go with it. */
export const errorAnswersOf = (route: Route): ReadonlyMap<number, readonly ErrorCode[]> => {
  const answers = new Map<number, ErrorCode[]>();
  for (const code of new Set([...gateErrorsOf(route), ...route.about.errors])) {
    const status = statusOf(code);
    answers.set(status, [...(answers.get(status) ?? []), code]);
  }
  return answers;
};
