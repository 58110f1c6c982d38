// GET and POST /db/sql: what becomes of statements before they are run. Nothing is rewritten here,
// so a statement that can be run stands there as it was sent. Runs nothing, changes nothing.
import type { BackendRefusal, BackendVerdict, BackendVerdicts } from '#http/backend.ts';
import { type CodedAnswer, codedAnswer } from '#http/coded-answer.ts';
import { caught } from '#http/data/guarded.ts';
import { resultsBody } from '#http/data/results-body.ts';
import type { Exchange } from '#http/exchange.ts';
import { judgeDeadlineMs } from '#http/front-limits.ts';
import { goJsonString } from '#http/go-json.ts';
import type { DataRoute } from '#http/route.ts';
import type { Services } from '#http/services.ts';
import {
  type BodyFault,
  type Statements,
  statementsFromJson,
  statementsFromText,
} from '#http/statements-from-body.ts';

/** The route. */
export const dbSql: DataRoute = {
  kind: 'data',
  path: '/db/sql',
  methods: ['GET', 'POST'],
  permissions: ['query'],
  anonymous: false,
  changes: false,
  media: ['application/json'],
  about: {
    summary: 'What becomes of statements before they are run; runs none.',
    parameters: ['q', 'pretty', 'timings'],
    answers: { 200: 'statements' },
    errors: ['timeout', 'queue_full', 'not_ready', 'replica_differs', 'shutting_down'],
  },
  handle: (exchange, body, services) => {
    const read = statementsOf(exchange, body);
    if ('fault' in read) exchange.error(codedAnswer('bad_request', read.fault));
    else explain(exchange, read, services);
  },
};

const statementsOf = (exchange: Exchange, body: Buffer): Statements | BodyFault => {
  if (exchange.message.method !== 'GET') return statementsFromJson(body);
  const { q } = exchange.parameters;
  return q === undefined ? { fault: 'query not specified' } : statementsFromText(q);
};

const explain = (
  exchange: Exchange,
  { texts, statements }: Statements,
  services: Services,
): void => {
  const user = exchange.principal?.name ?? '';
  const { requestId } = exchange;
  const question = { user, requestId, texts, unbounded: true, deadlineMs: judgeDeadlineMs };
  const judged = (reply: BackendVerdicts | BackendRefusal): void => {
    if (reply.kind === 'refused') {
      exchange.error(codedAnswer(reply.code, reply.message));
      return;
    }
    const entries = statements.map(({ text }) => entryOf(texts[text] ?? '', reply.verdicts[text]));
    const { timings, pretty } = exchange.parameters;
    const seconds = (services.nowMs() - exchange.startedMs) / 1000;
    const time = timings ? Number(seconds.toFixed(9)) : undefined;
    const tail = { error: '', seconds: time, raftIndex: 0 };
    exchange.json(200, resultsBody(Buffer.from(entries.join(',')), tail, pretty), '');
  };
  const fail = (answer: CodedAnswer): void => exchange.error(answer);
  services.backend.judge(question, caught(services.onFault, exchange.requestId, fail, judged));
};

const entryOf = (text: string, verdict: BackendVerdict | undefined): string => {
  const fault = faultOf(verdict);
  const original = goJsonString(text);
  return fault === undefined
    ? `{"original":${original},"rewritten":${original}}`
    : `{"original":${original},"error":${goJsonString(fault)}}`;
};

/** What the text itself is at fault for; a table that is not there may be there tomorrow. */
const faultOf = (verdict: BackendVerdict | undefined): string | undefined => {
  if (verdict?.kind === 'refused') return verdict.reason;
  if (verdict?.kind !== 'error') return undefined;
  return /syntax error|incomplete input|unrecognized token/.test(verdict.message)
    ? verdict.message
    : undefined;
};
