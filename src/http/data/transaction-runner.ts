// Steps of interactive transactions at the leader: statements are judged here as those of any
// write, then run by the node that holds the transaction. What this refuses was not run.
import { encodeCommand } from '#command/command-codec.ts';
import type { ForwardKind } from '#command/forward.ts';
import type { Backend, BackendTransaction, TransactionReply } from '#http/backend.ts';
import { type CodedAnswer, codedAnswer, codedAnswerFrom } from '#http/coded-answer.ts';
import { proposeDeadlineMs, schemaAttemptsMax } from '#http/front-limits.ts';
import type { RunningRequests } from '#http/running/running-requests.ts';
import { unreachable } from '#invariant.ts';
import {
  transactionIdleMs,
  transactionStatementsMax,
  transactionTotalMs,
  transactionWriterMs,
} from '#limits.ts';
import { type DataDone, type DataReply, type DataRequest, resultsReply } from './data-request.ts';
import { guarded, type OnFault } from './guarded.ts';
import type { Judge, Judgement } from './judge.ts';

/** Whether a request is a step of an interactive transaction. */
export const isStep = (kind: ForwardKind): boolean => kind.startsWith('transaction-');

/** Runs steps on the leader. */
export class TransactionRunner {
  readonly #backend: Backend;
  readonly #judge: Judge;
  readonly #running: RunningRequests;
  readonly #onFault: OnFault;

  constructor(backend: Backend, judge: Judge, running: RunningRequests, onFault: OnFault) {
    this.#backend = backend;
    this.#judge = judge;
    this.#running = running;
    this.#onFault = onFault;
  }

  /** `done` gets the reply, once. */
  run(request: DataRequest, done: DataDone): void {
    if (request.kind === 'transaction-run') this.#judgeAndRun(request, done, schemaAttemptsMax);
    else this.#transact(request, stepOf(request), done);
  }

  #judgeAndRun(request: DataRequest, done: DataDone, attempts: number): void {
    if (!this.#running.enter(request, 'judging')) return;
    const judged = (judgement: Judgement): void => {
      const refusal = refusalOf(judgement);
      if (refusal !== undefined) done({ kind: 'error', answer: refusal });
      else if (judgement.kind === 'judged') this.#runJudged(request, judgement, attempts, done);
    };
    this.#judge.judge(request, guarded(this.#onFault, request, done, judged));
  }

  #runJudged(
    request: DataRequest,
    { texts, statements, schemaIndex }: Extract<Judgement, { kind: 'judged' }>,
    attempts: number,
    done: DataDone,
  ): void {
    const { user, requestId, render, transactionId: id = '' } = request;
    const common = { transaction: true, changesSchema: false, user, requestId };
    let command: Buffer;
    try {
      command = encodeCommand({ texts, statements, schemaIndex, ...common });
    } catch (error) {
      done({ kind: 'error', answer: { ...codedAnswerFrom(error), applied: 'no' } });
      return;
    }
    const again = (newest: number): boolean => {
      this.#judge.advance(newest);
      if (attempts > 1) this.#judgeAndRun(request, done, attempts - 1);
      return attempts > 1;
    };
    this.#transact(request, { kind: 'run', id, command, render }, done, again);
  }

  #transact(
    request: DataRequest,
    step: Step,
    done: DataDone,
    again: (schemaIndex: number) => boolean = () => false,
  ): void {
    if (!this.#running.enter(request, 'proposed')) return;
    const { user, requestId } = request;
    const answered = (reply: TransactionReply): void => {
      if (reply.kind === 'schema-changed' && again(reply.schemaIndex)) return;
      done(replyOf(reply));
    };
    this.#backend.transact(
      { ...step, user, requestId, deadlineMs: proposeDeadlineMs },
      guarded(this.#onFault, request, done, answered),
    );
  }
}

/** What the routes say besides. */
type Step = Unaddressed<BackendTransaction>;
type Unaddressed<One> = One extends unknown
  ? Omit<One, 'user' | 'requestId' | 'deadlineMs'>
  : never;

const stepOf = (request: DataRequest): Step => {
  const { kind, transactionId: id = '', idempotencyKey: key } = request;
  if (kind === 'transaction-commit') return { kind: 'commit', id, key };
  return kind === 'transaction-rollback' ? { kind: 'rollback', id } : { kind: 'open' };
};

/** Why statements have no place in a transaction, whoever sends them. */
const refusalOf = (judgement: Judgement): CodedAnswer | undefined => {
  if (judgement.kind === 'refused') return judgement.answer;
  if (judgement.access === 'schema') return codedAnswer('statement_refused', changesSchema, 'no');
  if (judgement.cost === 'unbounded') return codedAnswer('statement_too_expensive', endless, 'no');
  return undefined;
};

const changesSchema =
  'An interactive transaction may not change the schema; send it to /db/execute with transaction';
const endless =
  'Nothing bounds how long this statement may run, and it would run in the writer of the leader; send it to /db/query or /db/execute';

const bodyReply = (body: object, raftIndex = 0): DataReply =>
  resultsReply(Buffer.from(JSON.stringify(body)), raftIndex);

const replyOf = (reply: TransactionReply): DataReply => {
  switch (reply.kind) {
    case 'opened':
      return bodyReply({
        id: reply.id,
        idle_ms: transactionIdleMs,
        total_ms: transactionTotalMs,
        statements: transactionStatementsMax,
        writer_ms: transactionWriterMs,
      });
    case 'ran':
      return resultsReply(reply.json, 0);
    case 'committed':
      return bodyReply({ state: 'committed', raft_index: reply.index }, reply.index);
    case 'rolled-back':
      return bodyReply({ state: 'rolled_back' });
    case 'schema-changed':
      return { kind: 'error', answer: codedAnswer('schema_changed', keptChanging, 'no') };
    case 'refused':
      return { kind: 'error', answer: codedAnswer(reply.code, reply.message, reply.applied) };
    default:
      return unreachable(reply);
  }
};

const keptChanging =
  'The schema changed each time between judging the statements and running them; send the request again';
