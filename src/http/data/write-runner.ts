// Writes: judged, proposed, and judged and proposed anew while the schema changes under them. What
// this node refuses has touched nothing.
import { encodeCommand } from '#command/command-codec.ts';
import type { Outcome } from '#command/outcome.ts';
import { decodeOutcome } from '#command/outcome-codec.ts';
import type { Backend, ProposeReply } from '#http/backend.ts';
import { codedAnswer, codedAnswerFrom } from '#http/coded-answer.ts';
import { proposeDeadlineMs, schemaAttemptsMax } from '#http/front-limits.ts';
import type { RunningRequests } from '#http/running/running-requests.ts';
import type { DataDone, DataReply, DataRequest } from './data-request.ts';
import { guarded, type OnFault } from './guarded.ts';
import { idempotencyOf } from './idempotency-of.ts';
import type { Judge, Judgement } from './judge.ts';

/** Runs writes on the leader. */
export class WriteRunner {
  readonly #backend: Backend;
  readonly #bounded: Judge;
  readonly #unbounded: Judge;
  readonly #onFault: OnFault;
  readonly #running: RunningRequests;

  /** `unbounded` judges for users with the permission `heavy`. */
  constructor(
    backend: Backend,
    judges: { readonly bounded: Judge; readonly unbounded: Judge },
    running: RunningRequests,
    onFault: OnFault,
  ) {
    this.#onFault = onFault;
    this.#backend = backend;
    this.#bounded = judges.bounded;
    this.#unbounded = judges.unbounded;
    this.#running = running;
  }

  /** Judges and proposes. */
  run(request: DataRequest, done: DataDone, attempts: number = schemaAttemptsMax): void {
    if (!this.#running.enter(request, 'judging')) return;
    const judge = request.heavy ? this.#unbounded : this.#bounded;
    const judged = (judgement: Judgement): void => {
      if (judgement.kind === 'refused') done({ kind: 'error', answer: judgement.answer });
      else this.#propose(request, judgement, attempts, done);
    };
    judge.judge(request, guarded(this.#onFault, request, done, judged));
  }

  #propose(
    request: DataRequest,
    judgement: Extract<Judgement, { kind: 'judged' }>,
    attempts: number,
    done: DataDone,
  ): void {
    // The guard has refused writes without a bound; a read among them runs on every node as they
    // do.
    if (judgement.cost === 'unbounded' && !request.heavy) {
      done({ kind: 'error', answer: codedAnswer('statement_too_expensive', endlessRead, 'no') });
      return;
    }
    const { transaction, user, requestId, render, idempotencyKey } = request;
    const { texts, statements, schemaIndex } = judgement;
    const changesSchema = judgement.access === 'schema';
    let command: Buffer;
    try {
      command = encodeCommand({
        texts,
        statements,
        transaction,
        schemaIndex,
        changesSchema,
        user,
        requestId,
        ...(idempotencyKey === '' ? {} : { idempotency: idempotencyOf(request) }),
      });
    } catch (error) {
      // A text with a lone surrogate, or a bound that only the codec knows.
      done({ kind: 'error', answer: { ...codedAnswerFrom(error), applied: 'no' } });
      return;
    }
    const rehearse = judgement.cost === 'large' && !request.heavy;
    const proposal = {
      command,
      render,
      schemaIndex,
      changesSchema,
      rehearse,
      frees: judgement.frees && request.heavy,
      deadlineMs: proposeDeadlineMs,
    };
    if (!this.#running.enter(request, 'proposed')) return;
    const warning = judgement.unordered ? unorderedLimit : '';
    const warned: DataDone = (data) => {
      done(data.kind === 'results' && warning !== '' ? { ...data, warning } : data);
    };
    const proposed = (reply: ProposeReply): void => {
      this.#proposed(request, reply, attempts - 1, warned);
    };
    this.#backend.propose(proposal, guarded(this.#onFault, request, done, proposed));
  }

  #proposed(request: DataRequest, reply: ProposeReply, attempts: number, done: DataDone): void {
    if (reply.kind === 'refused') {
      done({ kind: 'error', answer: codedAnswer(reply.code, reply.message, reply.applied) });
      return;
    }
    const outcome = outcomeFrom(reply.outcome);
    // An ordinary write has no fence that it could be in conflict with.
    if (outcome === undefined || outcome.kind === 'conflict') {
      const message = 'The write was applied, but its result cannot be read';
      done({ kind: 'error', answer: codedAnswer('result_lost', message, 'yes') });
      return;
    }
    if (outcome.kind === 'results') {
      const { json, error } = outcome;
      done({ kind: 'results', json, error, raftIndex: reply.index, servedBy: '', warning: '' });
      return;
    }
    if (outcome.kind === 'repeated') {
      done(repeatedReply(outcome));
      return;
    }
    if (outcome.kind === 'key-reused') {
      done({ kind: 'error', answer: codedAnswer('key_reused', otherRequest, 'no') });
      return;
    }
    this.#bounded.advance(outcome.schemaIndex);
    this.#unbounded.advance(outcome.schemaIndex);
    if (attempts > 0) this.run(request, done, attempts);
    else done({ kind: 'error', answer: codedAnswer('schema_changed', keptChanging, 'no') });
  }
}

const endlessRead =
  'Nothing bounds how long this query may run, and sent with a write it would run on every node; send it to /db/query, or have a user with the permission heavy run it';

const unorderedLimit =
  'limit_unordered: LIMIT without ORDER BY on a unique key; which rows it takes may change with the query plan';

/** What came of a request that was carried out before. */
const repeatedReply = ({
  index,
  json,
  error,
  lost,
}: Extract<Outcome, { kind: 'repeated' }>): DataReply => {
  if (!lost) return { kind: 'results', json, error, raftIndex: index, servedBy: '', warning: '' };
  const message = `The write was carried out when it was sent first, as entry ${index}; its results were not kept`;
  return { kind: 'error', answer: codedAnswer('result_lost', message, 'yes') };
};

const otherRequest =
  'This Idempotency-Key was used for another request; what was sent first under it stands';

const keptChanging =
  'The schema changed each time between judging the statements and applying them; send the request again';

const outcomeFrom = (bytes: Buffer): Outcome | undefined => {
  try {
    return decodeOutcome(bytes);
  } catch {
    return undefined;
  }
};
