// Callbacks of the backend run outside of anything that could catch for them: what one of them
// throws would end the front and with it everybody's requests. Only a broken invariant may.
import { type CodedAnswer, codedAnswerFrom } from '#http/coded-answer.ts';
import { InvariantError } from '#invariant.ts';
import type { DataDone, DataRequest } from './data-request.ts';

/** Told of faults of our own; for the log. */
export type OnFault = (requestId: string, error: unknown) => void;

/** The callback, except that what it throws is logged under the request and ends in `fail`. */
export const caught =
  <Reply>(
    onFault: OnFault,
    requestId: string,
    fail: (answer: CodedAnswer) => void,
    callback: (reply: Reply) => void,
  ): ((reply: Reply) => void) =>
  (reply) => {
    try {
      callback(reply);
    } catch (error) {
      if (error instanceof InvariantError) throw error;
      onFault(requestId, error);
      fail(internalFault);
    }
  };

const internalFault = codedAnswerFrom(undefined);

/**
 * {@link caught} for a request for data: it is answered that how far it came is not known. An
 * answer that was given before stays the only one.
 */
export const guarded = <Reply>(
  onFault: OnFault,
  request: DataRequest,
  done: DataDone,
  callback: (reply: Reply) => void,
): ((reply: Reply) => void) => {
  const applied = request.kind === 'query' ? undefined : 'unknown';
  const fail = (answer: CodedAnswer): void =>
    done({ kind: 'error', answer: { ...answer, applied } });
  return caught(onFault, request.requestId, fail, callback);
};
