// Loads SQL text on the leader: taken apart, judged statement by statement, then one entry of the
// log for each stretch that stands or falls together. A stretch that is too long for one entry
// comes in pieces, which take effect at the last of them. The answer is rqlite's: the result of the
// last statement, or of the first that fails.
import { createHash, randomBytes } from 'node:crypto';
import { encodeCommand } from '#command/command-codec.ts';
import { type LoadStep, loadIdBytes, loadPieceBytesMax } from '#command/load-step.ts';
import type { Backend, LoadSegment, SplitReply } from '#http/backend.ts';
import { type CodedAnswer, codedAnswer, codedAnswerFrom } from '#http/coded-answer.ts';
import { loadStepDeadlineMs, schemaAttemptsMax } from '#http/front-limits.ts';
import type { DataReply, DataRequest } from './data-request.ts';
import { resultsReply } from './data-request.ts';
import { decisiveResult, isError } from './decisive-result.ts';
import type { OnFault } from './guarded.ts';
import { type JudgedSegment, judgedSegment } from './judged-segment.ts';
import { anySchema, dataReplyOf, proposeStep } from './propose-step.ts';

/** A text of comments only has one result, and it is empty. */
const noStatement = Buffer.from('{}');

const refused = (answer: CodedAnswer): DataReply => ({ kind: 'error', answer });

/** Loads texts. */
export class TextLoader {
  readonly #backend: Backend;
  readonly #onFault: OnFault;

  constructor(backend: Backend, onFault: OnFault) {
    this.#backend = backend;
    this.#onFault = onFault;
  }

  /** Loads the text that the request's texts are together. */
  async run(request: DataRequest): Promise<DataReply> {
    try {
      return await this.#run(request);
    } catch (error) {
      this.#onFault(request.requestId, error);
      return refused({ ...codedAnswerFrom(error), applied: 'unknown' });
    }
  }

  async #run(request: DataRequest): Promise<DataReply> {
    const text = request.texts.join('');
    if (text === '') return resultsReply(Buffer.alloc(0), 0);
    const split = await this.#split(request, text);
    if (split.kind === 'refused') return refused(codedAnswer(split.code, split.message, 'no'));
    if (split.kind === 'unfit') {
      return refused(codedAnswer('statement_refused', `${split.reason}; ${split.hint}`, 'no'));
    }
    let reply = resultsReply(noStatement, 0);
    for (const [at, segment] of split.segments.entries()) {
      reply = await this.#segment(request, segment, schemaAttemptsMax);
      if (reply.kind !== 'results') return behindOthers(reply, at);
      const json = decisiveResult(reply.json);
      reply = { ...reply, json };
      if (reply.error !== '' || isError(json)) return reply;
    }
    return reply;
  }

  #split({ user, requestId }: DataRequest, text: string): Promise<SplitReply> {
    return new Promise((resolve) => {
      const deadlineMs = loadStepDeadlineMs;
      this.#backend.split({ user, requestId, text, deadlineMs }, resolve);
    });
  }

  /** Judged anew while the schema changes under it. */
  async #segment(request: DataRequest, segment: LoadSegment, attempts: number): Promise<DataReply> {
    const judged = await this.#judge(request, segment);
    if (judged.kind === 'refused') return refused(judged.answer);
    const reply = await this.#propose(request, judged);
    const changed = reply.kind === 'error' && reply.answer.code === 'schema_changed';
    return changed && attempts > 1 ? this.#segment(request, segment, attempts - 1) : reply;
  }

  #judge(
    { user, requestId, heavy }: DataRequest,
    segment: LoadSegment,
  ): Promise<JudgedSegment | { readonly kind: 'refused'; readonly answer: CodedAnswer }> {
    const texts = segment.texts.filter((_, at) => !segment.own.includes(at));
    const deadlineMs = loadStepDeadlineMs;
    const request = { user, requestId, texts, unbounded: heavy, deadlineMs };
    return new Promise((resolve) => {
      this.#backend.judge(request, (reply) => {
        if (reply.kind === 'refused') {
          resolve({ kind: 'refused', answer: codedAnswer(reply.code, reply.message, 'no') });
        } else resolve(judgedSegment(segment, reply, heavy));
      });
    });
  }

  #propose(request: DataRequest, judged: JudgedSegment): Promise<DataReply> {
    const { user, requestId, render } = request;
    const { texts, transaction, schemaIndex, changesSchema, rehearse } = judged;
    const statements = texts.map((_, text) => ({ text, positional: [], named: [] }));
    const what = { texts, statements, transaction, schemaIndex, changesSchema };
    let command: Buffer;
    try {
      command = encodeCommand({ ...what, user, requestId });
    } catch (error) {
      return Promise.resolve(refused({ ...codedAnswerFrom(error), applied: 'no' }));
    }
    if (transaction && command.length > loadPieceBytesMax) {
      return this.#inPieces(request, command, judged);
    }
    const proposal = { command, render, schemaIndex, changesSchema, rehearse, frees: false };
    return new Promise((resolve) => {
      this.#backend.propose({ ...proposal, deadlineMs: loadStepDeadlineMs }, (reply) => {
        resolve(dataReplyOf(reply));
      });
    });
  }

  async #inPieces(
    { user, requestId, render }: DataRequest,
    command: Buffer,
    { schemaIndex, changesSchema, rehearse }: JudgedSegment,
  ): Promise<DataReply> {
    if (rehearse) return refused(codedAnswer('statement_too_expensive', tooLongToTry, 'no'));
    const common = { load: randomBytes(loadIdBytes), user, requestId };
    for (let at = 0; at < command.length; at += loadPieceBytesMax) {
      const data = command.subarray(at, at + loadPieceBytesMax);
      const piece: LoadStep = { ...common, kind: 'piece', bytes: at, data };
      const taken = await proposeStep(this.#backend, piece, { schemaIndex: anySchema });
      // Nothing has had an effect yet.
      if (taken.kind === 'error') return refused({ ...taken.answer, applied: 'no' });
      if (taken.kind === 'results' && taken.error !== '') {
        return refused(codedAnswer('queue_full', taken.error, 'no'));
      }
    }
    const digest = createHash('sha256').update(command).digest();
    const end: LoadStep = { ...common, kind: 'command', bytes: command.length, digest };
    return proposeStep(this.#backend, end, { schemaIndex, changesSchema, render });
  }
}

const tooLongToTry =
  'the text holds a write that may run long and is too long to be tried out; have a user with the permission heavy load it';

/** What was done before by the same text stays done. */
const behindOthers = (reply: DataReply, segmentsDone: number): DataReply => {
  if (segmentsDone === 0 || reply.kind !== 'error') return reply;
  const { answer } = reply;
  const message = `${answer.message} (the ${segmentsDone} parts of the text before this one are applied)`;
  return refused({ ...answer, message });
};
