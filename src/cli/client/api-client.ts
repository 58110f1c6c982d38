// A client of the HTTPS API, as any other: one kept connection, the authority it was told, errors
// in words. Large bodies go to and from the caller as streams.

import type { IncomingMessage } from 'node:http';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { Readable } from 'node:stream';
import { CodedError, type ErrorCode, isErrorCode } from '#errors.ts';
import type { ServerPlace } from './server-place.ts';

/** An answer whose body is still to be read. */
export interface OpenAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Readable;
}

/** What is sent. */
export interface Question {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: string | Readable;
  readonly type?: string;
}

/** Nothing moves for this long: the server is gone, or the statement runs too long. */
const silenceMsMax = 120_000;

/** Errors of a server are short; the rest of what somebody else may send is not read. */
const errorBytesMax = 64 * 1024;

/** Asks one server. Not for use after `close`. */
export class ApiClient {
  readonly place: ServerPlace;
  readonly #agent: Agent | HttpAgent;

  constructor(place: ServerPlace) {
    this.place = place;
    const kept = { keepAlive: true, maxSockets: 4 };
    this.#agent =
      place.url.protocol === 'https:'
        ? new Agent({
            ...kept,
            minVersion: 'TLSv1.2',
            ...(place.ca === undefined ? {} : { ca: place.ca }),
            ...(place.certificate ?? {}),
          })
        : new HttpAgent(kept);
  }

  /** The answer, whatever its status. @throws CodedError `unreachable`, `certificate_invalid` */
  open({ method, path, body, type }: Question): Promise<OpenAnswer> {
    const { url, authorization } = this.place;
    const options: RequestOptions = {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      agent: this.#agent,
      timeout: silenceMsMax,
      headers: {
        ...(authorization === undefined ? {} : { authorization }),
        ...(body === undefined ? {} : { 'content-type': type ?? 'application/json' }),
      },
    };
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => reject(notReached(url, error));
      const take = (answer: IncomingMessage): void =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answer });
      const target = new URL(path, url);
      const asked =
        url.protocol === 'https:'
          ? httpsRequest(target, options, take)
          : httpRequest(target, options, take);
      asked.on('timeout', () => asked.destroy(new Error('it has not answered in time')));
      asked.on('error', fail);
      if (typeof body === 'object') {
        body.on('error', (error) => asked.destroy(error));
        body.pipe(asked);
      } else asked.end(body);
    });
  }

  /** The text of a good answer. @throws CodedError what the server says otherwise */
  async ask(question: Question): Promise<string> {
    const answer = await this.openGood(question);
    const chunks: Buffer[] = [];
    for await (const chunk of answer.body) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString('utf8');
  }

  /** A good answer. @throws CodedError what the server says otherwise */
  async openGood(question: Question): Promise<OpenAnswer> {
    const answer = await this.open(question);
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw refusedBy(answer.status, await beginningOf(answer.body));
  }

  close(): void {
    this.#agent.destroy();
  }
}

const beginningOf = async (body: Readable): Promise<string> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes > errorBytesMax) break;
  }
  return Buffer.concat(chunks).toString('utf8');
};

const certificateErrors: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

const notReached = (url: URL, error: Error & { readonly code?: string }): CodedError =>
  certificateErrors.has(error.code ?? '')
    ? new CodedError(
        'certificate_invalid',
        `the certificate of ${url.host} is not to be trusted: ${error.message}`,
        { hint: 'Name its authority with --ca FILE; nothing was sent to it.', cause: error },
      )
    : new CodedError('unreachable', `${url.origin} cannot be reached: ${error.message}`, {
        hint: 'Does the node run, and is this its address? See: stockade status',
        cause: error,
      });

const codeOfStatus = (status: number): ErrorCode => {
  if (status === 401) return 'unauthenticated';
  if (status === 403) return 'permission_denied';
  if (status === 404) return 'not_found';
  if (status === 503) return 'not_ready';
  return status < 500 ? 'bad_request' : 'internal';
};

const refusedBy = (status: number, text: string): CodedError => {
  let said: { readonly error?: unknown; readonly code?: unknown; readonly hint?: unknown } = {};
  try {
    said = (JSON.parse(text) as typeof said | null) ?? {};
  } catch {
    // rqlite answers plain text.
  }
  const code =
    typeof said.code === 'string' && isErrorCode(said.code) ? said.code : codeOfStatus(status);
  const message = typeof said.error === 'string' ? said.error : text.trim().slice(0, 500);
  return new CodedError(code, message === '' ? `the server answers ${status}` : message, {
    ...(typeof said.hint === 'string' ? { hint: said.hint } : {}),
  });
};
