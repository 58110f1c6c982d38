// POST /db/execute?queue: a write that is answered before it is done, or with `wait` after.
import { appliedSaid, type CodedAnswer, codedAnswer } from '#http/coded-answer.ts';
import { caught } from '#http/data/guarded.ts';
import { resultsBody } from '#http/data/results-body.ts';
import type { Exchange } from '#http/exchange.ts';
import type { QueueFault } from '#http/queue/queued-write.ts';
import type { Queued } from '#http/queue/write-queue.ts';
import type { Services } from '#http/services.ts';
import { type BodyFault, noStatements, type Statements } from '#http/statements-from-body.ts';
import { keyOf } from './data-route.ts';

/** Queues the statements of a request and answers it. */
export const queueStatements = (
  exchange: Exchange,
  read: Statements | BodyFault,
  bytes: number,
  services: Services,
): void => {
  const statements = withMarker(read, exchange.parameters.wait);
  if ('fault' in statements) {
    refuse(exchange, codedAnswer('bad_request', statements.fault));
    return;
  }
  if (keyOf(exchange) !== '') {
    refuse(exchange, codedAnswer('bad_request', noVerdict));
    return;
  }
  const { noLeader, timeoutMs } = exchange.parameters;
  if (noLeader) {
    push(exchange, statements, bytes, services);
    return;
  }
  const led = (found: boolean): void => {
    if (found) push(exchange, statements, bytes, services);
    else refuse(exchange, codedAnswer('no_leader', 'leader not found'));
  };
  const fail = (answer: CodedAnswer): void => refuse(exchange, answer);
  services.data.whenLed(timeoutMs, caught(services.onFault, exchange.requestId, fail, led));
};

const noVerdict =
  'A queued write goes together with others and has no verdict of its own; send it without queue, or without an Idempotency-Key';

/** With `wait` a body without statements only asks when all before it is written. */
const withMarker = (read: Statements | BodyFault, wait: boolean): Statements | BodyFault =>
  wait && 'fault' in read && read.fault === noStatements ? { texts: [], statements: [] } : read;

const push = (
  exchange: Exchange,
  statements: Statements,
  bytes: number,
  services: Services,
): void => {
  const { principal, requestId, address: clientAddress, parameters } = exchange;
  const { wait, timeoutMs } = parameters;
  let sequence = 0n;
  let timer: NodeJS.Timeout | undefined;
  const write = {
    ...statements,
    user: principal?.name ?? '',
    heavy: principal?.may('heavy') === true,
    tables: principal?.tables,
    requestId,
    clientAddress,
    bytes,
    done: (fault: QueueFault | undefined) => {
      clearTimeout(timer);
      // Answered long ago without `wait`: a second answer does nothing.
      answerEnd(exchange, sequence, fault, services);
    },
  };
  services.queue.push(write, (queued) => {
    if (queued.kind !== 'queued') {
      refuse(exchange, notQueued(queued));
      return;
    }
    ({ sequence } = queued);
    if (wait) timer = setTimeout(() => refuse(exchange, waitTimeout), timeoutMs);
    else answerQueued(exchange, sequence, '', services);
  });
};

const refuse = (exchange: Exchange, answer: CodedAnswer): void => {
  exchange.error(appliedSaid(answer, true));
};

/** 408 as rqlite; the write stays in the queue. */
const waitTimeout: CodedAnswer = {
  ...codedAnswer('timeout', 'queue wait timeout', 'unknown'),
  status: 408,
};

const notQueued = ({ kind }: Exclude<Queued, { kind: 'queued' }>): CodedAnswer =>
  kind === 'full'
    ? codedAnswer('queue_full', 'The queue of writes is full; try again', 'no')
    : codedAnswer('shutting_down', 'This node is stopping and takes no new requests', 'no');

/** What the database itself refused is a 200 with `error`, as without a queue. */
const answerEnd = (
  exchange: Exchange,
  sequence: bigint,
  fault: QueueFault | undefined,
  services: Services,
): void => {
  if (fault === undefined) answerQueued(exchange, sequence, '', services);
  else if (fault.code === 'statement_failed' || fault.applied === 'yes') {
    answerQueued(exchange, sequence, fault.message, services);
  } else refuse(exchange, codedAnswer(fault.code, fault.message, fault.applied));
};

const answerQueued = (
  exchange: Exchange,
  sequence: bigint,
  error: string,
  services: Services,
): void => {
  const { timings, pretty } = exchange.parameters;
  const seconds = (services.nowMs() - exchange.startedMs) / 1000;
  const tail = {
    error,
    seconds: timings ? Number(seconds.toFixed(9)) : undefined,
    sequence,
    raftIndex: 0,
  };
  exchange.json(200, resultsBody(Buffer.alloc(0), tail, pretty), '');
};
