// Writes answers straight to Node's response: one flat list of headers, one call of `end`. The
// security headers are helmet's, learnt once at the start and frozen, because setting them anew for
// every request costs more than the rest of an answer.
import type { ByteSource } from './backend.ts';
import type { OnFault } from './data/guarded.ts';
import type { Exchange } from './exchange.ts';
import type { OrdinaryAnswer } from './route.ts';
import { methodsFor } from './route-table.ts';
import { sendBytes } from './send-bytes.ts';
import type { TurnQueue } from './turn-queue.ts';
import type { UnsentAnswers } from './unsent-answers.ts';

/** Name of the header that carries the request id. */
export const requestIdHeader = 'X-Request-Id';

/** Says on a success what its user should know. */
const warningHeader = 'X-Stockade-Warning';

const jsonType = 'application/json; charset=utf-8';

const preflightSeconds = '600';
const exposedHeaders = `${requestIdHeader}, X-RQLITE-SERVED-BY, ${warningHeader}, Retry-After`;

/** Headers that are the same for every answer of a front. */
export interface AnswerHeaders {
  /** Flat list of names and values, on every answer but those of the web console. */
  readonly security: readonly string[];
  /** The same for the web console. */
  readonly page: readonly string[];
  readonly version: string;
}

/** Writes every answer of a front. */
export class AnswerWriter {
  readonly #queue: TurnQueue;
  readonly #unsent: UnsentAnswers;
  readonly #onDone: (exchange: Exchange) => void;
  readonly #onFault: OnFault;
  readonly #headers: AnswerHeaders;
  readonly #knownHeaders: readonly string[];
  readonly #jsonHeaders: readonly string[];
  #last = false;

  /**
   * @param onDone called once an answer has been handed to the response
   * @param onFault called when an answer that was begun cannot be finished
   */
  constructor(
    queue: TurnQueue,
    unsent: UnsentAnswers,
    headers: AnswerHeaders,
    onDone: (exchange: Exchange) => void,
    onFault: OnFault,
  ) {
    this.#queue = queue;
    this.#unsent = unsent;
    this.#headers = headers;
    this.#onDone = onDone;
    this.#onFault = onFault;
    this.#knownHeaders = [...headers.security, 'X-RQLITE-VERSION', headers.version];
    this.#jsonHeaders = [...this.#knownHeaders, 'Content-Type', jsonType];
  }

  /** The front stops: each answer from now on is the last one of its connection. */
  lastAnswers(): void {
    this.#last = true;
  }

  /** Whether an answer of so many bytes may be held until its client has taken it. */
  fits(bytes: number): boolean {
    return this.#unsent.fits(bytes);
  }

  json(exchange: Exchange, status: number, body: Buffer, servedBy: string, warning: string): void {
    const headers = [
      ...this.#jsonHeaders,
      'Content-Length',
      String(body.length),
      requestIdHeader,
      exchange.requestId,
    ];
    if (servedBy !== '') headers.push('X-RQLITE-SERVED-BY', servedBy);
    if (warning !== '') headers.push(warningHeader, warning);
    this.#end(exchange, status, headers, body);
  }

  /** An answer of a route that is asked now and then. */
  ordinary(exchange: Exchange, answer: OrdinaryAnswer): void {
    const { status, contentType, body } = answer;
    // Which program this is concerns those who have proved who they are.
    const known = exchange.principal !== undefined;
    const headers = [...(answer.page === true ? this.#headers.page : this.#headers.security)];
    if (known) headers.push('X-RQLITE-VERSION', this.#headers.version);
    headers.push(requestIdHeader, exchange.requestId, ...(answer.headers ?? []));
    if (contentType !== '') headers.push('Content-Type', contentType);
    if (typeof body !== 'string') {
      this.#stream(exchange, status, headers, body);
      return;
    }
    const bytes = Buffer.from(body);
    // RFC 9110, 8.6: these two have no content, not content of no bytes.
    if (status !== 204 && status !== 304) headers.push('Content-Length', String(bytes.length));
    this.#queue.push(() => this.#end(exchange, status, headers, bytes));
  }

  redirect(exchange: Exchange, location: string): void {
    const headers = [...this.#jsonHeaders, 'Content-Length', '0'];
    headers.push(requestIdHeader, exchange.requestId, 'Location', location);
    this.#queue.push(() => this.#end(exchange, 301, headers, undefined));
  }

  /** What a browser asks before a page of an allowed origin may send anything unusual. */
  preflight(exchange: Exchange, methods: string): void {
    const headers = [...this.#headers.security, requestIdHeader, exchange.requestId];
    headers.push('Access-Control-Allow-Methods', methods);
    headers.push('Access-Control-Allow-Headers', 'Authorization, Content-Type, Idempotency-Key');
    headers.push('Access-Control-Max-Age', preflightSeconds);
    this.#queue.push(() => this.#end(exchange, 204, headers, undefined));
  }

  error(
    exchange: Exchange,
    status: number,
    body: Buffer,
    retryAfterSeconds: number | undefined,
  ): void {
    const known = exchange.principal !== undefined;
    const headers = [...(known ? this.#knownHeaders : this.#headers.security)];
    headers.push('Content-Type', jsonType, 'Content-Length', String(body.length));
    headers.push(requestIdHeader, exchange.requestId);
    if (status === 401) headers.push('WWW-Authenticate', 'Basic realm="rqlite"');
    if (status === 405) headers.push('Allow', methodsFor(exchange.path) ?? '');
    if (retryAfterSeconds !== undefined) headers.push('Retry-After', String(retryAfterSeconds));
    this.#queue.push(() => {
      // The rest of an unread body is not worth waiting for.
      if (!exchange.message.complete) headers.push('Connection', 'close');
      this.#end(exchange, status, headers, body);
    });
  }

  /** Counts as answered when the last byte is on its way. */
  #stream(exchange: Exchange, status: number, headers: string[], body: ByteSource): void {
    const { response, requestId } = exchange;
    exchange.status = status;
    if (response.destroyed) {
      body.release();
      this.#onDone(exchange);
      return;
    }
    if (body.bytes !== undefined) headers.push('Content-Length', String(body.bytes));
    this.#common(exchange, headers);
    response.writeHead(status, headers);
    void sendBytes(response, body).then((fault) => {
      if (fault !== undefined) this.#onFault(requestId, fault);
      this.#onDone(exchange);
    });
  }

  #common({ allowedOrigin }: Exchange, headers: string[]): void {
    if (this.#last && !headers.includes('Connection')) headers.push('Connection', 'close');
    if (allowedOrigin === '') return;
    headers.push('Access-Control-Allow-Origin', allowedOrigin, 'Vary', 'Origin');
    headers.push('Access-Control-Expose-Headers', exposedHeaders);
  }

  #end(exchange: Exchange, status: number, headers: string[], body: Buffer | undefined): void {
    const { response } = exchange;
    exchange.status = status;
    if (!response.destroyed && !response.headersSent) {
      this.#common(exchange, headers);
      if (body !== undefined) this.#unsent.hold(response, body.length);
      response.writeHead(status, headers);
      response.end(body);
    }
    this.#onDone(exchange);
  }
}
