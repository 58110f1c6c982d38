// POST /db/load: a database file takes the place of the database, or SQL text is run on it. Which
// of them it is, the first bytes say, as in rqlite; the Content-Type does not matter.

import { renderBits } from '#command/outcome.ts';
import { CodedError } from '#errors.ts';
import type { FileToLoad } from '#http/backend.ts';
import type { DataReply, DataRequest } from '#http/data/data-request.ts';
import { resultsBody } from '#http/data/results-body.ts';
import { sendFile } from '#http/data/send-file.ts';
import type { Exchange } from '#http/exchange.ts';
import { loadAnswerMsMax, loadStepDeadlineMs } from '#http/front-limits.ts';
import type { OrdinaryAnswer, StreamedRoute } from '#http/route.ts';
import { fileLoadErrors } from '#http/route-about.ts';
import type { Services } from '#http/services.ts';
import { redirectTo, requireLeader } from './at-leader.ts';
import { readLoadBody } from './load-body.ts';

/** The route. */
export const dbLoad: StreamedRoute = {
  kind: 'streamed',
  path: '/db/load',
  methods: ['POST'],
  permissions: ['load'],
  anonymous: false,
  changes: true,
  media: [],
  about: {
    summary: 'A database file takes the place of the database, or SQL text is run on it.',
    parameters: ['timings', 'pretty', 'redirect', 'timeout'],
    answers: { 200: 'results', 301: 'none' },
    errors: [...fileLoadErrors, 'statement_too_expensive'],
    takesFile: true,
  },
  handle: async (exchange, services) => {
    const { parameters, message } = exchange;
    await requireLeader(services, parameters.timeoutMs, 'no');
    const { role, leader } = services.backend.view;
    if (role !== 'leader' && leader !== undefined && parameters.redirect) {
      return redirectTo(leader.apiUrl, exchange, '');
    }
    const body = await readLoadBody(message, () => services.backend.openLoad());
    if (body.kind === 'text') return loadText(exchange, services, body.text);
    const servedBy = await loadFile(exchange, services, body.file);
    return resultsAnswer(exchange, services, { json: Buffer.alloc(0), error: '', servedBy });
  },
};

/** Checks and sends a file; gives the leader's address, empty when that is this node. */
export const loadFile = async (
  exchange: Exchange,
  { data, nowMs }: Services,
  file: FileToLoad,
): Promise<string> => {
  // No byte moves while the file is checked and sent.
  exchange.message.socket.setTimeout(loadAnswerMsMax);
  try {
    const loadable = await file.finish();
    const run = (request: DataRequest, done: (reply: DataReply) => void): void =>
      data.run(request, done);
    const { requestId, address: clientAddress } = exchange;
    const user = exchange.principal?.name ?? '';
    return await sendFile({ run, nowMs }, { user, requestId, clientAddress }, loadable);
  } finally {
    file.release();
  }
};

/** Characters of one part of a text on its way to the leader: a quarter of a text's bound. */
const partCharacters = 256 * 1024;

/** A part may end between two halves of a surrogate pair only if it is not sent by itself. */
const partsOf = (text: string): readonly string[] => {
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    const unit = text.charCodeAt(at + partCharacters - 1);
    const end = at + partCharacters + (unit >= 0xd800 && unit < 0xdc00 ? 1 : 0);
    parts.push(text.slice(at, end));
    at = end;
  }
  return parts;
};

const loadText = async (
  exchange: Exchange,
  services: Services,
  text: string,
): Promise<OrdinaryAnswer> => {
  const { parameters, principal, requestId, address } = exchange;
  exchange.message.socket.setTimeout(loadAnswerMsMax);
  const request: DataRequest = {
    kind: 'load',
    user: principal?.name ?? '',
    requestId,
    clientAddress: address,
    texts: partsOf(text),
    statements: [],
    heavy: principal?.may('heavy') === true,
    // Who may load reaches every table: the auth file sees to it.
    tables: undefined,
    idempotencyKey: '',
    transaction: false,
    render: renderBits.wanted | (parameters.timings ? renderBits.timings : 0),
    level: 'weak',
    freshnessMs: 0,
    freshnessStrict: false,
    linearizableTimeoutMs: loadStepDeadlineMs,
    timeoutMs: loadStepDeadlineMs,
    dbTimeoutMs: undefined,
    redirect: false,
    forwarded: false,
  };
  const reply = await new Promise<DataReply>((resolve) => {
    services.data.run(request, resolve);
  });
  switch (reply.kind) {
    case 'results':
      return resultsAnswer(exchange, services, reply);
    case 'error': {
      const { code, message, applied = 'no' } = reply.answer;
      throw new CodedError(code, message, { applied });
    }
    case 'relayed':
      return {
        status: reply.status,
        contentType: 'application/json; charset=utf-8',
        body: Buffer.from(reply.json).toString('utf8'),
      };
    case 'redirect':
      return redirectTo(reply.apiUrl, exchange, '');
  }
};

const resultsAnswer = (
  { parameters, startedMs }: Exchange,
  { nowMs, advertisedAddress }: Services,
  reply: { readonly json: Uint8Array; readonly error: string; readonly servedBy: string },
): OrdinaryAnswer => {
  const seconds = Number(((nowMs() - startedMs) / 1000).toFixed(9));
  const tail = { error: reply.error, seconds: parameters.timings ? seconds : undefined };
  const body = resultsBody(reply.json, { ...tail, raftIndex: 0 }, parameters.pretty);
  const servedBy = reply.servedBy === '' ? advertisedAddress : reply.servedBy;
  return {
    status: 200,
    contentType: 'application/json; charset=utf-8',
    body: body.toString('utf8'),
    headers: reply.error === '' ? ['X-RQLITE-SERVED-BY', servedBy] : [],
  };
};
