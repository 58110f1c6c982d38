// One step of a load, proposed by the leader's front: as it comes from a file that was checked
// here, or from another node's front, which may send pieces and files but no commands, because
// those are judged by nobody after this.
import type { LoadStep } from '#command/load-step.ts';
import { decodeLoadStep, encodeLoadStep } from '#command/load-step-codec.ts';
import { type Outcome, renderBits } from '#command/outcome.ts';
import { decodeOutcome } from '#command/outcome-codec.ts';
import { CodedError } from '#errors.ts';
import type { Backend, ProposeReply } from '#http/backend.ts';
import { codedAnswer } from '#http/coded-answer.ts';
import { loadStepDeadlineMs } from '#http/front-limits.ts';
import { type DataReply, type DataRequest, resultsReply } from './data-request.ts';

/** Pieces and files name no schema: this is never behind. */
export const anySchema = Number.MAX_SAFE_INTEGER;

/** What a proposal came to. */
export const dataReplyOf = (reply: ProposeReply): DataReply => {
  if (reply.kind === 'refused') {
    return { kind: 'error', answer: codedAnswer(reply.code, reply.message, reply.applied) };
  }
  const outcome = outcomeFrom(reply.outcome);
  // Steps carry neither key nor fence, so none is a repetition or in conflict.
  if (outcome === undefined || !('schemaIndex' in outcome || outcome.kind === 'results')) {
    const message = 'It was applied, but its result cannot be read';
    return { kind: 'error', answer: codedAnswer('result_lost', message, 'yes') };
  }
  if (outcome.kind === 'schema-changed') {
    const message = 'The schema kept changing while the text was judged; load it again';
    return { kind: 'error', answer: codedAnswer('schema_changed', message, 'no') };
  }
  const { json, error } = outcome;
  return resultsReply(json, reply.index, error);
};

const outcomeFrom = (bytes: Buffer): Outcome | undefined => {
  try {
    return decodeOutcome(bytes);
  } catch {
    return undefined;
  }
};

/** Proposes a step; the reply's `error` says why it was not taken. */
export const proposeStep = (
  backend: Pick<Backend, 'propose'>,
  step: LoadStep,
  about: {
    readonly schemaIndex: number;
    readonly changesSchema?: boolean;
    readonly render?: number;
  },
): Promise<DataReply> =>
  new Promise((resolve) => {
    const { schemaIndex, changesSchema = false, render = 0 } = about;
    backend.propose(
      {
        command: encodeLoadStep(step),
        render: render | renderBits.wanted,
        schemaIndex,
        changesSchema,
        rehearse: false,
        frees: false,
        deadlineMs: loadStepDeadlineMs,
      },
      (reply) => resolve(dataReplyOf(reply)),
    );
  });

/** Proposes a step of a file, this front's own or one that another node's front has sent. */
export const proposeFileStep = (
  backend: Pick<Backend, 'propose'>,
  request: DataRequest,
): Promise<DataReply> => {
  const step = stepOf(request);
  if (step === undefined) {
    const message = 'this step of a load cannot be read';
    const answer = codedAnswer('bad_request', message, 'no');
    return Promise.resolve({ kind: 'error', answer });
  }
  const changesSchema = step.kind === 'database';
  return proposeStep(backend, step, { schemaIndex: anySchema, changesSchema });
};

const stepOf = (request: DataRequest): LoadStep | undefined => {
  const bytes = request.statements[0]?.positional[0];
  if (!(bytes instanceof Uint8Array)) return undefined;
  try {
    const step = decodeLoadStep(bytes);
    return step.kind === 'command' || step.user !== request.user ? undefined : step;
  } catch (error) {
    if (error instanceof CodedError) return undefined;
    throw error;
  }
};
