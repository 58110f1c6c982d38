// One request and its answer, as the routes see it: what the gate found out about the request, and
// the one way to answer. An exchange is answered once; a second answer does nothing.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '#auth/principal.ts';
import type { ErrorCode } from '#errors.ts';
import type { AnswerWriter } from './answer-writer.ts';
import { type CodedAnswer, codedBody } from './coded-answer.ts';
import type { Parameters } from './query-parameters.ts';
import type { OrdinaryAnswer, Route } from './route.ts';

/** A request that passed the gate, or is about to. */
export class Exchange {
  readonly requestId: string;
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly route: Route | undefined;
  /** Path without the query string. */
  readonly path: string;
  /** What stands behind `?`, unread. */
  readonly query: string;
  readonly address: string;
  /** By the front's monotonic clock. */
  readonly startedMs: number;
  readonly parameters: Parameters;
  /** The Origin that sent this, when its pages may use this API; otherwise empty. */
  readonly allowedOrigin: string;
  /** Undefined on a route that answers those without credentials too. */
  principal: Principal | undefined;
  /** The gate turned it away. */
  turnedAway = false;
  /** Bytes of this request counted against the front's budget. */
  heldBytes = 0;
  /** Status of the answer; 0 before it is known. */
  status = 0;
  /** Code of the error that was answered. */
  refusalCode: ErrorCode | undefined;
  readonly #writer: AnswerWriter;
  #answered = false;

  constructor(
    writer: AnswerWriter,
    fields: {
      readonly requestId: string;
      readonly message: IncomingMessage;
      readonly response: ServerResponse;
      readonly route: Route | undefined;
      readonly path: string;
      readonly query: string;
      readonly address: string;
      readonly startedMs: number;
      readonly parameters: Parameters;
      readonly allowedOrigin: string;
    },
  ) {
    this.#writer = writer;
    this.requestId = fields.requestId;
    this.message = fields.message;
    this.response = fields.response;
    this.route = fields.route;
    this.path = fields.path;
    this.query = fields.query;
    this.address = fields.address;
    this.startedMs = fields.startedMs;
    this.parameters = fields.parameters;
    this.allowedOrigin = fields.allowedOrigin;
  }

  /** Whether an answer of so many bytes may be held until the client has taken it. */
  fits(bytes: number): boolean {
    return this.#writer.fits(bytes);
  }

  /** Answers with a JSON body, now: for callbacks that come in batches by nature. */
  json(status: number, body: Buffer, servedBy: string, warning = ''): void {
    if (this.#take()) this.#writer.json(this, status, body, servedBy, warning);
  }

  /** Answers as an ordinary route does, at the end of this turn. */
  ordinary(answer: OrdinaryAnswer): void {
    if (this.#take()) this.#writer.ordinary(this, answer);
  }

  /** Tells a browser what pages of an allowed origin may send here. */
  preflight(methods: string): void {
    if (this.#take()) this.#writer.preflight(this, methods);
  }

  /** Answers 301 to the same request at another node. */
  redirect(location: string): void {
    if (this.#take()) this.#writer.redirect(this, location);
  }

  /** Answers with a coded error, at the end of this turn. */
  error(answer: CodedAnswer): void {
    if (!this.#answered) this.refusalCode = answer.code;
    this.errorBody(answer.status, codedBody(answer, this.requestId), answer.retryAfterSeconds);
  }

  /**
   * Answers with an error body that is written already (another node's), at the end of this turn.
   */
  errorBody(status: number, body: Buffer, retryAfterSeconds: number | undefined): void {
    if (this.#take()) this.#writer.error(this, status, body, retryAfterSeconds);
  }

  #take(): boolean {
    if (this.#answered) return false;
    this.#answered = true;
    return true;
  }
}
