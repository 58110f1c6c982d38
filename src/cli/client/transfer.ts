// Backups of a server to files, and files to a server: progress for what takes longer than a
// second, one sentence at the end.
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CodedError } from '#errors.ts';
import { openStream, saveStream } from '#io/file-streams.ts';
import { systemErrorCode } from '#io/file-system.ts';
import type { ApiClient } from './api-client.ts';

/** Progress is told this often. */
const progressMs = 1000;

const mib = 1024 * 1024;

/** Bytes for a person. */
const bytesText = (bytes: number): string =>
  bytes < mib ? `${bytes} bytes` : `${(bytes / mib).toFixed(1)} MiB`;

class Progress {
  readonly #say: (text: string) => void;
  readonly #what: string;
  readonly #timer: NodeJS.Timeout;
  bytes = 0;

  constructor(what: string, say: (text: string) => void) {
    this.#what = what;
    this.#say = say;
    this.#timer = setInterval(() => this.#tell(), progressMs);
  }

  readonly count = (bytes: number): void => {
    this.bytes += bytes;
  };

  end(): void {
    clearInterval(this.#timer);
  }

  #tell(): void {
    this.#say(`${this.#what}: ${bytesText(this.bytes)}\n`);
  }
}

const fileError = (path: string, error: unknown): unknown =>
  systemErrorCode(error) === undefined || error instanceof CodedError
    ? error
    : new CodedError('storage_failed', `${path}: ${(error as Error).message}`, {
        hint: 'Check the path and its permissions; nothing was changed there.',
        cause: error,
      });

/** Saves what `path` of the API gives. @throws CodedError; nothing is left over then */
export const saveBackup = async (
  client: ApiClient,
  path: string,
  file: string,
  say: (text: string) => void,
): Promise<void> => {
  const answer = await client.openGood({ path });
  if (file === '-') {
    await pipeline(answer.body, process.stdout, { end: false });
    return;
  }
  const target = resolve(file);
  const progress = new Progress('backup', say);
  try {
    await saveStream(target, answer.body, progress.count);
  } catch (error) {
    throw fileError(target, error);
  } finally {
    progress.end();
  }
  say(`${bytesText(progress.bytes)} saved to ${target}\n`);
};

/** Sends a database file or SQL text to `path` of the API; the server's answer. */
const sendFile = async (
  client: ApiClient,
  path: string,
  file: string,
  say: (text: string) => void,
): Promise<string> => {
  const source: { stream: Readable; bytes: number } =
    file === '-'
      ? { stream: process.stdin, bytes: 0 }
      : await openStream(resolve(file)).catch((error: unknown) => {
          throw fileError(resolve(file), error);
        });
  const progress = new Progress('sent', say);
  source.stream.on('data', (chunk: Buffer) => progress.count(chunk.length));
  try {
    const type = 'application/octet-stream';
    return await client.ask({ method: 'POST', path, body: source.stream, type });
  } finally {
    progress.end();
    source.stream.destroy();
  }
};

/** Longest part of a server's words that stands in an error. */
const saidCharactersMax = 500;

/** What went wrong in a load that was taken: the request as a whole, or its first bad statement. */
const failureIn = (answer: string): string | undefined => {
  // The answer to a database file may be empty.
  if (!answer.trim().startsWith('{')) return undefined;
  const { error, results = [] } = JSON.parse(answer) as {
    readonly error?: string;
    readonly results?: readonly { readonly error?: string }[];
  };
  return error ?? results.find((result) => result.error !== undefined)?.error;
};

/**
 * Loads a database file or SQL text.
 *
 * @throws CodedError what the server says, `bad_request` when a part was not loaded
 */
export const loadFile = async (
  client: ApiClient,
  file: string,
  say: (text: string) => void,
): Promise<void> => {
  const failure = failureIn(await sendFile(client, '/db/load', file, say));
  if (failure === undefined) return;
  throw new CodedError(
    'bad_request',
    `not loaded in whole: ${failure.slice(0, saidCharactersMax)}`,
  );
};
