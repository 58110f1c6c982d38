// Reads a request's body: bytes stay bytes, one chunk stays the chunk, and the count stops at the
// limit whatever the Content-Length claims.
import type { IncomingMessage } from 'node:http';
import { CodedError } from '#errors.ts';

/**
 * Collects a body. `done` is called once; the error is `body_too_large`, or `bad_request` when the
 * client went away before the end.
 */
export const readBody = (
  message: IncomingMessage,
  bytesMax: number,
  done: (error: Error | null, body?: Buffer) => void,
): void => {
  const announced = Number(message.headers['content-length']);
  if (announced > bytesMax) {
    done(tooLarge(bytesMax));
    return;
  }
  let first: Buffer | undefined;
  let chunks: Buffer[] | undefined;
  let bytes = 0;
  let over = false;
  const finish = (error: Error | null, body?: Buffer): void => {
    if (over) return;
    over = true;
    done(error, body);
  };
  message.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > bytesMax) {
      chunks = undefined;
      first = undefined;
      finish(tooLarge(bytesMax));
      return;
    }
    if (over) return;
    if (first === undefined) first = chunk;
    else if (chunks === undefined) chunks = [first, chunk];
    else chunks.push(chunk);
  });
  message.on('end', () => {
    finish(null, chunks === undefined ? (first ?? Buffer.alloc(0)) : Buffer.concat(chunks, bytes));
  });
  // An error object is dear: only for a body that did not end ('close' comes after every request).
  const cut = (): void => {
    if (!over) finish(cutOff());
  };
  message.on('error', cut);
  message.on('close', cut);
};

const tooLarge = (bytesMax: number): CodedError =>
  new CodedError('body_too_large', `The body is larger than ${bytesMax} bytes`, {
    hint: 'Send fewer statements in one request, or raise http.limits.bodyBytes.',
    applied: 'no',
  });

const cutOff = (): CodedError =>
  new CodedError('bad_request', 'The body ended before its end', { applied: 'no' });
