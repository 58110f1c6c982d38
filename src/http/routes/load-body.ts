// The body of a load as it arrives: a database file goes on to whoever checks it, chunk by chunk; a
// text is collected, up to its bound.
import type { IncomingMessage } from 'node:http';
import { CodedError } from '#errors.ts';
import type { FileToLoad } from '#http/backend.ts';
import { loadTextBytesMax } from '#limits.ts';

/** rqlite looks at so many bytes, and wants one more. */
const fileStart = 'SQLite format';

/** What arrived. */
export type LoadBody =
  | { readonly kind: 'file'; readonly file: FileToLoad }
  | { readonly kind: 'text'; readonly text: string };

const cutOff = (cause: unknown): CodedError =>
  new CodedError('bad_request', 'The body ended before its end', { applied: 'no', cause });

/** A connection that breaks off is an error of the iteration; the answer is still to be written. */
async function* chunksOf(message: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    // The generic type of the iterator says nothing of what a request's body is made of.
    for await (const chunk of message.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
  } catch (error) {
    throw cutOff(error);
  }
  if (!message.complete) throw cutOff(undefined);
}

const isFile = (start: Buffer): boolean =>
  start.length > fileStart.length && start.toString('latin1', 0, fileStart.length) === fileStart;

const tooLarge = (): CodedError =>
  new CodedError('body_too_large', `SQL text to load may have ${loadTextBytesMax} bytes`, {
    hint: 'Make a database file of it with sqlite3 and load that.',
    applied: 'no',
  });

const textFrom = (bytes: Buffer): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new CodedError('bad_request', 'The body is neither a database file nor text in UTF-8', {
      hint: 'A database that is encrypted or damaged looks like this.',
      applied: 'no',
      cause,
    });
  }
};

/**
 * Reads a body; `open` is called when it is a file.
 *
 * @throws CodedError `bad_request`, `body_too_large`, and what the file's taker throws
 */
export const readLoadBody = async (
  message: IncomingMessage,
  open: () => Promise<FileToLoad>,
): Promise<LoadBody> => {
  const collected: Buffer[] = [];
  let bytes = 0;
  let file: FileToLoad | undefined;
  try {
    for await (const chunk of chunksOf(message)) {
      bytes += chunk.length;
      if (file !== undefined) {
        await file.write(chunk);
        continue;
      }
      collected.push(chunk);
      const known = bytes > fileStart.length && bytes - chunk.length <= fileStart.length;
      if (known && isFile(Buffer.concat(collected))) {
        file = await open();
        for (const early of collected) await file.write(early);
      } else if (bytes > loadTextBytesMax) throw tooLarge();
    }
  } catch (error) {
    file?.release();
    throw error;
  }
  if (file !== undefined) return { kind: 'file', file };
  return { kind: 'text', text: textFrom(Buffer.concat(collected)) };
};
