// Reads at each level of consistency: what has to be known before a reader may answer, and what its
// answer becomes. Statements are judged before they come here.
import { encodeCommand } from '#command/command-codec.ts';
import { renderBits } from '#command/outcome.ts';
import type { Backend, BackendRefusal, ReadIndexReply, ReadReply } from '#http/backend.ts';
import { codedAnswer, codedAnswerFrom } from '#http/coded-answer.ts';
import type { RunningRequests } from '#http/running/running-requests.ts';
import type { DataReply, DataRequest } from './data-request.ts';
import { failedReply, resultsReply } from './data-request.ts';
import type { ReadLimits } from './data-service.ts';
import { guarded, type OnFault } from './guarded.ts';

/** Takes the reply, and the schema of the snapshot when something was read. */
export type JudgedDone = (reply: DataReply, schemaIndex?: number) => void;

/** Runs reads on this node. */
export class ReadRunner {
  readonly #backend: Backend;
  readonly #limits: ReadLimits;
  readonly #onFault: OnFault;
  readonly #running: RunningRequests;

  constructor(backend: Backend, limits: ReadLimits, running: RunningRequests, onFault: OnFault) {
    this.#running = running;
    this.#onFault = onFault;
    this.#backend = backend;
    this.#limits = limits;
  }

  /** Level `none`: the data as it is here, unless the client wants it fresher. */
  local(request: DataRequest, done: JudgedDone): void {
    if (this.#tooOld(request)) done(failedReply('stale read'));
    else this.#read(request, 0, done);
  }

  /** The other levels, on the leader. */
  asLeader(request: DataRequest, done: JudgedDone): void {
    switch (request.level) {
      case 'strong':
      case 'linearizable':
        this.#confirmed(request, request.level, done);
        return;
      case 'none':
      case 'weak':
      case 'auto':
        this.#read(request, 0, done);
    }
  }

  /**
   * Of an entry that is committed but not applied here this node does not know when it was
   * appended, so `strict` takes every such entry for too old: it refuses more than rqlite does,
   * never less.
   */
  #tooOld(request: DataRequest): boolean {
    const { view } = this.#backend;
    if (view.role === 'leader' || request.freshnessMs === 0) return false;
    if (this.#backend.leaderSilentMs() > request.freshnessMs) return true;
    return request.freshnessStrict && view.appliedIndex < view.commitIndex;
  }

  #confirmed(request: DataRequest, level: 'strong' | 'linearizable', done: JudgedDone): void {
    if (!this.#running.enter(request, 'waiting')) return;
    const deadlineMs = request.linearizableTimeoutMs;
    const guard = <Reply>(callback: (reply: Reply) => void) =>
      guarded(this.#onFault, request, done, callback);
    const confirmed = guard((reply: ReadIndexReply) => {
      if (reply.kind === 'refused') {
        done(errorOf(reply));
        return;
      }
      const { index } = reply;
      const ready = guard((applied: boolean) => {
        if (applied) this.#read(request, level === 'strong' ? index : 0, done);
        else done(failedReply(`index ${index}: timeout waiting for fsm`));
      });
      this.#backend.whenApplied(index, deadlineMs, ready);
    });
    this.#backend.readIndex(level, deadlineMs, confirmed);
  }

  #read(request: DataRequest, raftIndex: number, done: JudgedDone): void {
    if (!this.#running.enter(request, 'reading')) return;
    if (this.#backend.view.quarantined) {
      done({ kind: 'error', answer: codedAnswer('replica_differs', differs) });
      return;
    }
    const { texts, statements, transaction, user, requestId, render, dbTimeoutMs } = request;
    const { rowsMax, bytesMax, deadlineMs } = this.#limits;
    let command: Buffer;
    try {
      command = encodeCommand({
        texts,
        statements,
        transaction,
        schemaIndex: 0,
        changesSchema: false,
        user,
        requestId,
      });
    } catch (error) {
      done({ kind: 'error', answer: codedAnswerFrom(error) });
      return;
    }
    this.#backend.read(
      {
        user,
        requestId,
        command,
        render,
        rowsMax,
        bytesMax,
        deadlineMs: Math.min(dbTimeoutMs ?? deadlineMs, deadlineMs),
      },
      guarded(this.#onFault, request, done, (reply) => {
        const schemaIndex = reply.kind === 'rows' ? reply.schemaIndex : undefined;
        done(readReply(request, reply, raftIndex), schemaIndex);
      }),
    );
  }
}

const differs = 'The data of this node is not what the others have; ask another node';

const errorOf = (refusal: BackendRefusal): DataReply => ({
  kind: 'error',
  answer: codedAnswer(refusal.code, refusal.message),
});

const readReply = (request: DataRequest, reply: ReadReply, raftIndex: number): DataReply => {
  if (reply.kind === 'rows') {
    const { json, error } = reply;
    return resultsReply(json, raftIndex, error);
  }
  if (reply.code === 'timeout') return resultsReply(timedOut(request), raftIndex);
  return errorOf(reply);
};

/** The reader was killed: every statement of the request has rqlite's error, none has rows. */
const timedOut = (request: DataRequest): Buffer => {
  const associative = (request.render & renderBits.associative) !== 0;
  const entry = associative ? '{"rows":[],"error":"query timeout"}' : '{"error":"query timeout"}';
  return Buffer.from(request.statements.map(() => entry).join(','));
};
