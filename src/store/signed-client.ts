// Signed requests to one S3 service: over TLS 1.2 or newer, without redirects, bounded in time,
// silence and size, tried again after a pause when the fault may pass. No secret gets into an
// error.
import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent, request as secureRequest } from 'node:https';
import { CodedError } from '#errors.ts';
import { answerBytesMax, attemptsMax, requestMsMax, retryPauseMs, silenceMsMax } from './bounds.ts';
import { errorIn } from './s3-answers.ts';
import {
  type Credentials,
  encodedPath,
  encodedQuery,
  signedHeaders,
  type Unsigned,
} from './signature.ts';

/** Where the service is and who asks. */
export interface SignedClientOptions {
  readonly endpoint: URL;
  /** Host that requests name: the bucket's own, or the endpoint's. */
  readonly host: string;
  readonly region: string;
  /** PEM; undefined: the authorities of the system. */
  readonly ca: string | undefined;
  readonly credentials: Credentials;
  readonly effects: StoreEffects;
}

/** Time and chance, handed in, and the end of all work. */
export interface StoreEffects {
  readonly wallMs: () => number;
  /** 0 up to 1. */
  readonly random: () => number;
  readonly wait: (ms: number) => Promise<void>;
  /** Aborted: nothing more is begun, and what is under way ends. */
  readonly signal: AbortSignal;
}

/** A question to the service. */
export type Question = Omit<Unsigned, 'host' | 'headers'>;

/** An answer with status 2xx whose body is still to be read. */
interface Answer {
  readonly headers: IncomingMessage['headers'];
  readonly body: IncomingMessage;
}

/** A fault that a second attempt may not meet. */
class Passing extends Error {}

const hints: Readonly<Record<string, string>> = {
  RequestTimeTooSkewed: 'Set the clock of this machine (chrony, systemd-timesyncd).',
  SignatureDoesNotMatch: 'Check secretAccessKey and region in the file of the store.',
  InvalidAccessKeyId: 'Check accessKeyId in the file of the store.',
  AccessDenied: 'The key needs to list, read, write and delete under the prefix of the store.',
  NoSuchBucket: 'Make the bucket; this program makes none.',
};

const failed = (message: string, hint: string, cause?: unknown): CodedError =>
  new CodedError('store_failed', message, { hint, ...(cause === undefined ? {} : { cause }) });

const textOf = async (body: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += (chunk as Buffer).length;
    if (bytes > answerBytesMax) throw new Error('its answer is too large');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
};

/** See the head of this file. */
export class SignedClient {
  readonly #options: SignedClientOptions;
  readonly #agent: Agent | PlainAgent;

  constructor(options: SignedClientOptions) {
    this.#options = options;
    const kept = { keepAlive: true, maxSockets: 2 };
    const { ca, endpoint } = options;
    this.#agent =
      endpoint.protocol === 'https:'
        ? new Agent({ ...kept, minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) })
        : new PlainAgent(kept);
  }

  /** The text and headers of a good answer. @throws CodedError `store_failed` */
  async ask(
    question: Question,
  ): Promise<{ readonly text: string; readonly headers: IncomingMessage['headers'] }> {
    return this.#again(async () => {
      const { body, headers } = await this.#good(question);
      const text = await textOf(body).catch((error: unknown) => {
        throw new Passing(error instanceof Error ? error.message : String(error));
      });
      const error = errorIn(text);
      if (error === undefined) return { text, headers };
      if (error.code === 'InternalError' || error.code === 'SlowDown')
        throw new Passing(error.code);
      throw this.#refusal(200, text);
    });
  }

  /** The bytes of a good answer, to its announced end. @throws CodedError `store_failed` */
  async *open(question: Question): AsyncGenerator<Buffer> {
    const { body, headers } = await this.#again(() => this.#good(question));
    const announced = Number(headers['content-length'] ?? Number.NaN);
    let bytes = 0;
    try {
      for await (const chunk of body) {
        bytes += (chunk as Buffer).length;
        yield chunk as Buffer;
      }
    } catch (error) {
      throw failed(`${this.#options.host} broke off: ${String(error)}`, 'Try again.', error);
    }
    if (!body.complete || (!Number.isNaN(announced) && bytes !== announced)) {
      throw failed(`${this.#options.host} broke off behind ${bytes} bytes`, 'Try again.');
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #again<Value>(work: () => Promise<Value>): Promise<Value> {
    const { wait, random, signal } = this.#options.effects;
    for (let attempt = 1; ; attempt++) {
      if (signal.aborted) throw failed('it was given up', 'Nothing is to be done.');
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof Passing)) throw error;
        if (attempt === attemptsMax || signal.aborted) {
          const { host } = this.#options;
          throw failed(
            `${host} does not take the request, ${attempt} times: ${error.message}`,
            'Does the store run, and is its address right?',
            error,
          );
        }
        const pause = retryPauseMs * 2 ** (attempt - 1);
        await wait(pause + pause * random());
      }
    }
  }

  async #good(question: Question): Promise<Answer> {
    const answer = await this.#once(question);
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return { headers: answer.headers, body: answer };
    const text = await textOf(answer).catch(() => '');
    if (status >= 500 || status === 429 || status === 408) {
      throw new Passing(`status ${status} ${errorIn(text)?.code ?? ''}`.trim());
    }
    throw this.#refusal(status, text);
  }

  #refusal(status: number, text: string): CodedError {
    const { code, message } = errorIn(text) ?? { code: 'no reason', message: '' };
    const why = `${code}${message === '' ? '' : `: ${message.slice(0, 300)}`}`;
    const moved = status >= 300 && status < 400;
    const hint = moved ? 'Set endpoint and region to those of the bucket.' : hints[code];
    return failed(
      `${this.#options.host} answers ${status}, ${why}`,
      hint ?? 'See the documentation of the store.',
    );
  }

  #once(question: Question): Promise<IncomingMessage> {
    const { endpoint, host, region, credentials, effects } = this.#options;
    const { method, path, query, payload } = question;
    const headers = signedHeaders(
      { ...question, host, headers: { 'content-length': String(payload.length) } },
      { region, credentials, nowMs: effects.wallMs() },
    );
    const parameters = encodedQuery(query);
    const options = {
      method,
      host: host.replace(/:\d+$/, ''),
      port: endpoint.port === '' ? undefined : endpoint.port,
      path: encodedPath(path) + (parameters === '' ? '' : `?${parameters}`),
      headers,
      agent: this.#agent,
      timeout: silenceMsMax,
      signal: AbortSignal.any([effects.signal, AbortSignal.timeout(requestMsMax)]),
    };
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => reject(this.#notReached(error));
      const sent =
        endpoint.protocol === 'https:'
          ? secureRequest(options, resolve)
          : plainRequest(options, resolve);
      sent.on('error', fail);
      sent.on('timeout', () => sent.destroy(new Error('nothing moves')));
      sent.end(payload);
    });
  }

  #notReached(error: Error & { readonly code?: string }): Error {
    const code = error.code ?? '';
    const untrusted = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/.test(code);
    if (!untrusted) return new Passing(`${code} ${error.message}`.trim());
    return failed(
      `the certificate of ${this.#options.host} is not to be trusted: ${error.message}`,
      'Name its authority as ca in the file of the store.',
      error,
    );
  }
}
