// Sends bytes as they are made, no faster than the client takes them and no slower than an honest
// network does. What breaks on the way breaks the connection off: a client never takes a part for
// the whole.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { ByteSource } from './backend.ts';
import { answerBytesPerSecondMin, answerGraceMs } from './front-limits.ts';

/** Waits until the client has taken what was written; false when it is too slow, or gone. */
const taken = async (response: ServerResponse, bytes: number): Promise<boolean> => {
  const waitMs = answerGraceMs + (bytes / answerBytesPerSecondMin) * 1000;
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), waitMs);
  const closed = (): void => over.abort();
  response.once('close', closed);
  try {
    await once(response, 'drain', { signal: over.signal });
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
    response.off('close', closed);
  }
};

/**
 * Sends everything behind headers that are written already, then releases the source.
 *
 * @returns what went wrong on our side; the client's part (it is gone, or too slow) is no fault
 */
export const sendBytes = async (response: ServerResponse, source: ByteSource): Promise<unknown> => {
  try {
    for await (const chunk of source.chunks) {
      if (response.destroyed) return undefined;
      if (response.write(chunk)) continue;
      if (response.destroyed || !(await taken(response, chunk.length))) {
        response.destroy();
        return undefined;
      }
    }
    response.end();
    return undefined;
  } catch (error) {
    response.destroy();
    return error;
  } finally {
    source.release();
  }
};
