// Sends a checked database file through the log, piece by piece, from whichever node it came to. A
// step that was not done, or of which nobody knows whether it was, is sent again: a step that comes
// twice does nothing. So a load goes on over a change of the leader, or is given up whole.
import { type LoadStep, loadPieceBytesMax } from '#command/load-step.ts';
import { encodeLoadStep } from '#command/load-step-codec.ts';
import { CodedError, type ErrorCode } from '#errors.ts';
import type { LoadableFile } from '#http/backend.ts';
import { loadRetryMs, loadRetryMsMax, loadStepDeadlineMs } from '#http/front-limits.ts';
import type { DataReply, DataRequest } from './data-request.ts';

/** Who loads. */
export interface FileSender {
  readonly user: string;
  readonly requestId: string;
  readonly clientAddress: string;
}

/** What sending needs. */
export interface SendFileOptions {
  readonly run: (request: DataRequest, done: (reply: DataReply) => void) => void;
  readonly nowMs: () => number;
}

/** These pass; the step is sent again. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'no_leader',
  'not_leader',
  'leadership_lost',
  'unreachable',
  'queue_full',
  'not_ready',
  'result_lost',
  'timeout',
  'internal',
]);

const codeIn = (json: Uint8Array): ErrorCode => {
  const found = /"code":"([a-z_]+)"/.exec(Buffer.from(json).toString('utf8'))?.[1];
  return (found ?? 'internal') as ErrorCode;
};

const messageIn = (json: Uint8Array): string =>
  /^\{"error":("(?:[^"\\]|\\.)*")/.exec(Buffer.from(json).toString('utf8'))?.[1] ?? '""';

/** What came of one attempt; `final`: every replica said so. */
interface Once {
  readonly failure: CodedError | undefined;
  readonly final: boolean;
}

/** One file on its way. */
class Sending {
  readonly #options: SendFileOptions;
  readonly #sender: FileSender;
  servedBy = '';

  constructor(options: SendFileOptions, sender: FileSender) {
    this.#options = options;
    this.#sender = sender;
  }

  /** Resolves when the step was taken. @throws CodedError when it was not, or not in time */
  async step(step: LoadStep): Promise<void> {
    const until = this.#options.nowMs() + loadRetryMsMax;
    for (;;) {
      const { failure, final } = await this.#once(step);
      if (failure === undefined) return;
      const over = final || !passing.has(failure.code) || this.#options.nowMs() >= until;
      if (over) throw failure;
      await new Promise((resolve) => setTimeout(resolve, loadRetryMs));
    }
  }

  #once(step: LoadStep): Promise<Once> {
    return new Promise((resolve) => {
      this.#options.run(this.#requestOf(step), (reply) => {
        if (reply.kind === 'results') {
          this.servedBy = reply.servedBy;
          resolve({ failure: refusal(reply.error), final: true });
        } else resolve({ failure: failureIn(reply, step), final: false });
      });
    });
  }

  #requestOf(step: LoadStep): DataRequest {
    return {
      kind: 'load-step',
      ...this.#sender,
      texts: [''],
      statements: [{ text: 0, positional: [encodeLoadStep(step)], named: [] }],
      heavy: false,
      tables: undefined,
      idempotencyKey: '',
      transaction: false,
      render: 0,
      level: 'weak',
      freshnessMs: 0,
      freshnessStrict: false,
      linearizableTimeoutMs: loadStepDeadlineMs,
      timeoutMs: loadStepDeadlineMs,
      dbTimeoutMs: undefined,
      redirect: false,
      forwarded: false,
    };
  }
}

const failureIn = (
  reply: Exclude<DataReply, { kind: 'results' }>,
  { kind }: LoadStep,
): CodedError => {
  // Only the last step changes anything.
  const applied = kind === 'database' ? 'unknown' : 'no';
  switch (reply.kind) {
    case 'error':
      return new CodedError(reply.answer.code, reply.answer.message, { applied });
    case 'relayed': {
      const message = String(JSON.parse(messageIn(reply.json)));
      return new CodedError(codeIn(reply.json), message, { applied });
    }
    case 'redirect':
      return new CodedError('not_leader', 'another node leads', { applied });
  }
};

/** Every replica refuses a step for the same reason: the load is over, and nothing was changed. */
const refusal = (reason: string): CodedError | undefined => {
  if (reason === '') return undefined;
  const ofTheFile = reason.startsWith('the database file is refused');
  return new CodedError(ofTheFile ? 'bad_request' : 'queue_full', reason, { applied: 'no' });
};

/**
 * Sends it and lets it take the place of the database; gives the address of the leader that took
 * it, empty when that is this node.
 *
 * @throws CodedError; nothing was changed unless `applied` says otherwise
 */
export const sendFile = async (
  options: SendFileOptions,
  sender: FileSender,
  file: LoadableFile,
): Promise<string> => {
  const { user, requestId } = sender;
  const { id: load, bytes, digest } = file;
  const sending = new Sending(options, sender);
  try {
    for (let at = 0; at < bytes; at += loadPieceBytesMax) {
      const data = await file.read(at, Math.min(loadPieceBytesMax, bytes - at));
      await sending.step({ kind: 'piece', load, user, requestId, bytes: at, data });
    }
  } catch (error) {
    // What lies in the databases already is removed; if this is lost too, the next load does it.
    void sending.step({ kind: 'abandon', load, user, requestId }).catch(() => undefined);
    throw error;
  }
  await sending.step({ kind: 'database', load, user, requestId, bytes, digest });
  return sending.servedBy;
};
