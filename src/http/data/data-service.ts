// Decides where a request for data is served (here, at the leader, nowhere) and hands it to whoever
// does it: reads to `ReadRunner`, writes to `WriteRunner`, the rest to the leader.
import type { Backend, ForwardedReply } from '#http/backend.ts';
import { codedAnswer } from '#http/coded-answer.ts';
import { leaderWaitMs, schemaAttemptsMax } from '#http/front-limits.ts';
import type { RunningRequests } from '#http/running/running-requests.ts';
import type { DataDone, DataRequest } from './data-request.ts';
import { resultsReply } from './data-request.ts';
import { guarded, type OnFault } from './guarded.ts';
import { Judge, type Judgement } from './judge.ts';
import { LeaderWait } from './leader-wait.ts';
import { nothingDone } from './nothing-done.ts';
import { proposeFileStep } from './propose-step.ts';
import { type JudgedDone, ReadRunner } from './read-runner.ts';
import { TextLoader } from './text-loader.ts';
import { isStep, TransactionRunner } from './transaction-runner.ts';
import { WriteRunner } from './write-runner.ts';

/** Bounds of reads, from the configuration. */
export interface ReadLimits {
  readonly rowsMax: number;
  readonly bytesMax: number;
  readonly deadlineMs: number;
}

const nothing = new Uint8Array(0);
const keptChanging =
  'The schema changed each time between judging the statements and reading; send the request again';

/** Nothing of it is ever done at a node that does not lead. */
const isForLeader = ({ kind }: DataRequest): boolean =>
  kind === 'load' || kind === 'load-step' || isStep(kind);

/** Serves requests for data. */
export class DataService {
  readonly #backend: Backend;
  /** For what runs in readers: they are killed when it takes too long. */
  readonly #readJudge: Judge;
  readonly #writeJudge: Judge;
  readonly #leaderWait: LeaderWait;
  readonly #nowMs: () => number;
  readonly #reads: ReadRunner;
  readonly #writes: WriteRunner;
  readonly #texts: TextLoader;
  readonly #transactions: TransactionRunner;
  readonly #onFault: OnFault;
  readonly #running: RunningRequests;

  constructor(
    backend: Backend,
    limits: ReadLimits,
    nowMs: () => number,
    running: RunningRequests,
    onFault: OnFault,
  ) {
    this.#onFault = onFault;
    this.#running = running;
    this.#backend = backend;
    this.#leaderWait = new LeaderWait(backend, nowMs);
    this.#nowMs = nowMs;
    this.#reads = new ReadRunner(backend, limits, running, onFault);
    this.#readJudge = new Judge(backend, true, onFault);
    this.#writeJudge = new Judge(backend, false, onFault);
    this.#texts = new TextLoader(backend, onFault);
    this.#transactions = new TransactionRunner(backend, this.#writeJudge, running, onFault);
    this.#writes = new WriteRunner(
      backend,
      { bounded: this.#writeJudge, unbounded: this.#readJudge },
      running,
      onFault,
    );
  }

  /** Serves a request; `done` is called once, perhaps before this returns. */
  run(request: DataRequest, answered: DataDone): void {
    const leaderOnly = isForLeader(request);
    if (request.statements.length === 0 && (!leaderOnly || request.kind === 'transaction-run')) {
      answered(resultsReply(nothing, 0));
      return;
    }
    const done = this.#running.begin(request, answered);
    const level = request.level === 'auto' ? this.#autoLevel() : request.level;
    if (leaderOnly) {
      this.#atLeader(request, this.#nowMs(), done);
      return;
    }
    if (request.kind !== 'execute' && level === 'none') this.#readHere(request, done);
    else this.#atLeader(request, this.#nowMs(), done);
  }

  /** How often verdicts were known. */
  get verdicts(): { readonly hits: number; readonly misses: number } {
    const [reads, writes] = [this.#readJudge, this.#writeJudge];
    return { hits: reads.hits + writes.hits, misses: reads.misses + writes.misses };
  }

  /** Waits a moment for a leader to be known; `done` gets whether one is. */
  whenLed(timeoutMs: number, done: (found: boolean) => void): void {
    this.#leaderWait.wait(timeoutMs, done);
  }

  /** Ends the waiting for a leader. */
  close(): void {
    this.#leaderWait.close();
  }

  #autoLevel(): 'none' | 'weak' {
    return this.#backend.view.voter ? 'weak' : 'none';
  }

  /**
   * Level `none`: whatever is here, wherever here is; /db/request only if it holds nothing but
   * reads.
   */
  #readHere(request: DataRequest, done: DataDone, attempts = schemaAttemptsMax): void {
    const judged = (judgement: Judgement): void => {
      if (judgement.kind === 'refused') {
        done({ kind: 'error', answer: judgement.answer });
        return;
      }
      const onlyReads = judgement.access === 'read' && !judgement.faulty;
      const again = (): void => this.#readHere(request, done, attempts - 1);
      if (request.kind === 'query' || onlyReads) {
        this.#reads.local(request, this.#asJudged(request, judgement, done, attempts, again));
      } else this.#atLeader(request, this.#nowMs(), done);
    };
    this.#judge(request, guarded(this.#onFault, request, done, judged));
  }

  #judge(request: DataRequest, judged: (judgement: Judgement) => void): void {
    if (this.#running.enter(request, 'judging')) this.#readJudge.judge(request, judged);
  }

  /**
   * Rows that were read under another schema than the statements were judged by may come from
   * tables that nobody asked the user's rules about: they are judged and read once more.
   */
  #asJudged(
    request: DataRequest,
    judgement: Extract<Judgement, { kind: 'judged' }>,
    done: DataDone,
    attempts: number,
    again: () => void,
  ): JudgedDone {
    if (request.tables === undefined) return done;
    return (reply, schemaIndex) => {
      if (schemaIndex === undefined || schemaIndex === judgement.schemaIndex) {
        done(reply);
        return;
      }
      this.#readJudge.advance(schemaIndex);
      if (attempts > 1) again();
      else done({ kind: 'error', answer: codedAnswer('schema_changed', keptChanging, 'no') });
    };
  }

  /** `sinceMs`: when it was tried for the first time. */
  #atLeader(request: DataRequest, sinceMs: number, done: DataDone): void {
    const { view } = this.#backend;
    if (view.role === 'leader') {
      this.#asLeader(request, done, this.#again(request, sinceMs, done));
      return;
    }
    if (request.forwarded) {
      done({ kind: 'error', answer: codedAnswer('not_leader', 'This node does not lead', 'no') });
      return;
    }
    if (view.leader !== undefined) {
      if (request.redirect) done({ kind: 'redirect', apiUrl: view.leader.apiUrl });
      else this.#forward(request, sinceMs, this.#again(request, sinceMs, done));
      return;
    }
    const waited = (found: boolean): void => {
      if (found) this.#atLeader(request, sinceMs, done);
      else done({ kind: 'error', answer: codedAnswer('no_leader', 'leader not found', 'no') });
    };
    const leftMs = this.#leftMs(request, sinceMs);
    this.#leaderWait.wait(leftMs, guarded(this.#onFault, request, done, waited));
  }

  /** How long the request may still look for a leader. */
  #leftMs({ timeoutMs }: DataRequest, sinceMs: number): number {
    return Math.max(0, sinceMs + Math.min(timeoutMs, leaderWaitMs) - this.#nowMs());
  }

  /**
   * Takes a reply; while leadership changes hands and nothing was done, the request is sent again.
   * One that another node sent is answered: that node knows where to go next.
   */
  #again(request: DataRequest, sinceMs: number, done: DataDone): DataDone {
    if (request.forwarded) return done;
    return (reply) => {
      if (!nothingDone(reply, request.kind === 'query')) {
        done(reply);
        return;
      }
      this.#running.enter(request, 'waiting');
      const waited = (found: boolean): void => {
        if (found) this.#atLeader(request, sinceMs, done);
        else done(reply);
      };
      const leftMs = this.#leftMs(request, sinceMs);
      this.#leaderWait.waitAgain(leftMs, guarded(this.#onFault, request, done, waited));
    };
  }

  /** `retry` takes replies after which the request may be sent again. */
  #asLeader(
    request: DataRequest,
    done: DataDone,
    retry: DataDone,
    readAttempts = schemaAttemptsMax,
  ): void {
    if (request.kind === 'execute') {
      this.#writes.run(request, retry);
      return;
    }
    if (isStep(request.kind)) {
      this.#transactions.run(request, retry);
      return;
    }
    if (request.kind === 'load') {
      if (!this.#running.enter(request, 'proposed')) return;
      void this.#texts.run(request).then((reply) => retry(reply));
      return;
    }
    if (request.kind === 'load-step') {
      if (!this.#running.enter(request, 'proposed')) return;
      void proposeFileStep(this.#backend, request).then((reply) => retry(reply));
      return;
    }
    const judged = (judgement: Judgement): void => {
      if (judgement.kind === 'refused') {
        done({ kind: 'error', answer: judgement.answer });
        return;
      }
      const again = (): void => this.#asLeader(request, done, retry, readAttempts - 1);
      const onlyReads = judgement.access === 'read' && !judgement.faulty;
      if (request.kind === 'query' || onlyReads) {
        const read = this.#asJudged(request, judgement, retry, readAttempts, again);
        this.#reads.asLeader(request, read);
      } else this.#writes.run(request, retry);
    };
    this.#judge(request, guarded(this.#onFault, request, done, judged));
  }

  #forward(request: DataRequest, sinceMs: number, done: DataDone): void {
    if (!this.#running.enter(request, 'forwarded')) return;
    const { kind, user, requestId, clientAddress, render, transaction, texts, statements } =
      request;
    const level = request.level === 'auto' ? this.#autoLevel() : request.level;
    const timeoutMs = Math.max(1, Math.ceil(request.timeoutMs - (this.#nowMs() - sinceMs)));
    const forwarded = { kind, user, requestId, clientAddress, level, render, transaction, texts };
    const bounds = {
      timeoutMs,
      linearizableTimeoutMs: Math.ceil(request.linearizableTimeoutMs),
      dbTimeoutMs: Math.ceil(request.dbTimeoutMs ?? 0),
    };
    const { idempotencyKey, transactionId = '' } = request;
    const answered = (reply: ForwardedReply): void => {
      if (reply.kind === 'refused') {
        done({ kind: 'error', answer: codedAnswer(reply.code, reply.message, reply.applied) });
        return;
      }
      const { status, json, error, raftIndex, servedBy, warning } = reply;
      if (status === 200) done({ kind: 'results', json, error, raftIndex, servedBy, warning });
      else done({ kind: 'relayed', status, json });
    };
    this.#backend.forward(
      {
        ...forwarded,
        ...bounds,
        ...{ statements, idempotencyKey, transactionId },
        withoutHeavy: !request.heavy,
      },
      guarded(this.#onFault, request, done, answered),
    );
  }
}
