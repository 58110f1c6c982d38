// What the three routes for data have in common: from an exchange to a request of the data service,
// and from its reply to an answer.
import { isIdempotencyKey } from '#command/command.ts';
import { renderBits } from '#command/outcome.ts';
import { appliedSaid, type CodedAnswer, codedAnswer, codedBody } from '#http/coded-answer.ts';
import { type DataReply, type DataRequest, saidWithKey } from '#http/data/data-request.ts';
import { resultsBody } from '#http/data/results-body.ts';
import type { Exchange } from '#http/exchange.ts';
import { prettyJson } from '#http/go-json.ts';
import type { Parameters } from '#http/query-parameters.ts';
import type { AnswerBody } from '#http/route-about.ts';
import type { Services } from '#http/services.ts';
import {
  type BodyFault,
  type Statements,
  statementsFromJson,
  statementsFromTextBody,
} from '#http/statements-from-body.ts';

/** Runs the statements of a request and answers it. */
export const runStatements = (
  kind: DataRequest['kind'],
  exchange: Exchange,
  read: Statements | BodyFault,
  services: Services,
  transactionId = '',
): void => {
  const applied = kind === 'query' ? undefined : 'no';
  if ('fault' in read) {
    exchange.error(codedAnswer('bad_request', read.fault, applied));
    return;
  }
  const { parameters } = exchange;
  const idempotencyKey = kind === 'query' ? '' : keyOf(exchange);
  if (idempotencyKey === undefined) {
    exchange.error(codedAnswer('bad_request', noKey, applied));
    return;
  }
  const request: DataRequest = {
    kind,
    user: exchange.principal?.name ?? '',
    requestId: exchange.requestId,
    clientAddress: exchange.address,
    texts: read.texts,
    statements: read.statements,
    idempotencyKey,
    heavy: exchange.principal?.may('heavy') === true,
    tables: exchange.principal?.tables,
    transaction: parameters.transaction,
    render: renderOf(kind, parameters),
    level: parameters.level,
    freshnessMs: parameters.freshnessMs,
    freshnessStrict: parameters.freshnessStrict,
    linearizableTimeoutMs: parameters.linearizableTimeoutMs,
    timeoutMs: parameters.timeoutMs,
    dbTimeoutMs: exchange.principal?.readMs(parameters.dbTimeoutMs) ?? parameters.dbTimeoutMs,
    redirect: parameters.redirect,
    forwarded: false,
    transactionId,
  };
  services.data.run(request, (reply) => {
    answerWith(exchange, saidWithKey(reply, request), services);
  });
};

/** A step of a transaction that brings no statements. */
export const runTransactionStep = (
  kind: 'transaction-open' | 'transaction-commit' | 'transaction-rollback',
  exchange: Exchange,
  transactionId: string,
  services: Services,
): void => {
  runStatements(kind, exchange, noStatements, services, transactionId);
};

const noStatements: Statements = { texts: [], statements: [] };

/** The request's Idempotency-Key, '' without one; undefined when it cannot be one. */
export const keyOf = ({ message }: Exchange): string | undefined => {
  const key = message.headers['idempotency-key'];
  if (key === undefined) return '';
  // Node joins headers that come twice with a comma and a space.
  return typeof key === 'string' && isIdempotencyKey(key) ? key : undefined;
};

const noKey = 'An Idempotency-Key is one header of 1 to 128 printable characters without spaces';

/**
 * Statements of a body in the form its type says: text/plain is one statement text, all else JSON.
 */
export const statementsOf = (exchange: Exchange, body: Buffer): Statements | BodyFault =>
  exchange.message.headers['content-type']?.toLowerCase().startsWith('text/plain') === true
    ? statementsFromTextBody(body)
    : statementsFromJson(body);

const renderOf = (kind: DataRequest['kind'], parameters: Parameters): number =>
  renderBits.wanted |
  (parameters.timings ? renderBits.timings : 0) |
  (parameters.associative ? renderBits.associative : 0) |
  (parameters.blobArray ? renderBits.blobArray : 0) |
  (kind === 'execute' ? 0 : renderBits.rows) |
  (parameters.qualifyColumns && kind !== 'execute' ? renderBits.qualifyColumns : 0);

const answerWith = (exchange: Exchange, reply: DataReply, services: Services): void => {
  switch (reply.kind) {
    case 'results':
      answerResults(exchange, reply, services);
      return;
    case 'redirect': {
      const query = exchange.query === '' ? '' : `?${exchange.query}`;
      exchange.redirect(`${reply.apiUrl}${exchange.path}${query}`);
      return;
    }
    case 'error':
      answerError(exchange, reply.answer);
      return;
    case 'relayed': {
      const body = Buffer.from(reply.json);
      if (body.toString('latin1').endsWith('"applied":"yes"}')) answerDone(exchange, body);
      else exchange.errorBody(reply.status, body, undefined);
    }
  }
};

/** Opening and ending a transaction answer with a body of their own. */
const answersWhole: ReadonlySet<AnswerBody | undefined> = new Set([
  'transaction',
  'transactionEnd',
]);

const answerResults = (
  exchange: Exchange,
  reply: Extract<DataReply, { kind: 'results' }>,
  services: Services,
): void => {
  const { parameters } = exchange;
  if (answersWhole.has(exchange.route?.about.answers[200])) {
    answerWhole(exchange, reply, services);
    return;
  }
  const seconds = (services.nowMs() - exchange.startedMs) / 1000;
  const tail = {
    error: reply.error,
    seconds: parameters.timings ? Number(seconds.toFixed(9)) : undefined,
    raftIndex: parameters.raftIndex ? reply.raftIndex : 0,
  };
  const body = resultsBody(reply.json, tail, parameters.pretty);
  if (!exchange.fits(body.length)) {
    const applied = reply.raftIndex > 0 ? 'yes' : undefined;
    answerError(exchange, codedAnswer('result_too_large', tooMuchUnsent, applied));
    return;
  }
  const servedBy = reply.servedBy === '' ? services.advertisedAddress : reply.servedBy;
  // As rqlite: a request that failed as a whole was served by nobody.
  exchange.json(200, body, reply.error === '' ? servedBy : '', reply.warning);
};

const answerWhole = (
  exchange: Exchange,
  { json, servedBy }: Extract<DataReply, { kind: 'results' }>,
  { advertisedAddress }: Services,
): void => {
  const text = Buffer.from(json).toString('utf8');
  const body = Buffer.from(exchange.parameters.pretty ? prettyJson(text) : text);
  exchange.json(200, body, servedBy === '' ? advertisedAddress : servedBy);
};

const tooMuchUnsent =
  'This front holds too many bytes of results that clients have not taken yet; ask for less, or later';

const answerError = (exchange: Exchange, answered: CodedAnswer): void => {
  const answer = appliedSaid(answered, exchange.route?.changes === true);
  if (answer.applied === 'yes') answerDone(exchange, codedBody(answer, exchange.requestId));
  else exchange.error(answer);
};

/**
 * A write that was applied and whose result cannot be shown: a success with an error, as rqlite
 * says what failed as a whole. Clients send anything in the 500s again, which would apply it
 * twice.
 */
const answerDone = (exchange: Exchange, errorBody: Buffer): void => {
  exchange.json(200, Buffer.concat([noResults, errorBody.subarray(1)]), '');
};

const noResults = Buffer.from('{"results":[],');
