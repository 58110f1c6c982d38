// From fastify to a route: makes the exchange, sends it through the gate, hands it to its route. No
// answer goes through fastify's own writing: one writer, one set of headers.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CodedError } from '#errors.ts';
import { InvariantError } from '#invariant.ts';
import { requestTimeoutMs, urlBytesMax } from '#limits.ts';
import type { AnswerWriter } from './answer-writer.ts';
import { readBody } from './body-reader.ts';
import { codedAnswer, codedAnswerFrom } from './coded-answer.ts';
import { Exchange } from './exchange.ts';
import { connectionCheckMs, loadBodyBytesPerSecondMin, loadBodyGraceMs } from './front-limits.ts';
import type { Gate } from './gate.ts';
import { refuseSlow } from './https-server.ts';
import type { FrontCounters } from './metrics/front-counters.ts';
import { parametersDefault, parametersFrom } from './query-parameters.ts';
import { isBodyless, type OrdinaryAnswer, type Route, type StreamedRoute } from './route.ts';
import { methodsFor } from './route-table.ts';
import type { Services } from './services.ts';
import { type BodyPace, SlowBodies } from './slow-bodies.ts';

declare module 'fastify' {
  interface FastifyRequest {
    exchange: Exchange | null;
  }
}

/** What the intake works with. */
export interface IntakeOptions {
  readonly gate: Gate;
  readonly writer: AnswerWriter;
  readonly services: Services;
  readonly counters: FrontCounters;
  readonly requestIdPrefix: string;
  readonly onFault: (requestId: string, error: unknown) => void;
}

interface Arrival {
  readonly exchange: Exchange;
  /** What is wrong with the query string; said only to those who may use the route. */
  readonly parameterFault: string | undefined;
}

const ordinaryPace: BodyPace = { graceMs: requestTimeoutMs, bytesPerSecondMin: 0 };
const loadPace: BodyPace = {
  graceMs: loadBodyGraceMs,
  bytesPerSecondMin: loadBodyBytesPerSecondMin,
};

const noBody = Buffer.alloc(0);

/** The first hook of every route takes the request over, so fastify never gets this far. */
const unreachableHandler = (): never => {
  throw new InvariantError('broken invariant: the first hook takes every request over');
};

const tooLongTarget = `the request target is longer than ${urlBytesMax} bytes`;

/** Takes requests in. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #bodies: SlowBodies;
  #requests = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#bodies = new SlowBodies(options.services.nowMs, connectionCheckMs, refuseSlow);
  }

  /** Registers a route with fastify. */
  register(app: FastifyInstance, route: Route): void {
    app.route({
      method: [...route.methods],
      url: route.path,
      // Everything happens in this first hook: who is turned away is answered, who passes is read
      // and handled here. fastify's later stages (body parsers by content type, a new async scope
      // each, its own writing of answers) would cost a request more than all that this server does
      // for it.
      onRequest: (request, reply) => {
        // The router reads escapes; a path has one spelling here.
        if (isOtherSpelling(route.path, request.raw.url ?? '')) {
          this.notFound(request, reply);
          return;
        }
        const { exchange, parameterFault } = this.#arrive(request.raw, reply.raw, route);
        request.exchange = exchange;
        this.#options.gate.check(exchange, route, parameterFault, () => {
          reply.hijack();
          this.#read(exchange, route);
        });
      },
      handler: unreachableHandler,
    });
  }

  #read(exchange: Exchange, route: Route): void {
    const { message } = exchange;
    if (route.kind === 'streamed') {
      this.#bodies.watch(message, loadPace);
      message.once('close', () => this.#bodies.done(message));
      this.#settle(exchange, route.handle(exchange, this.#options.services));
      return;
    }
    if (isBodyless(message.method)) {
      message.resume();
      this.#handle(exchange, route, noBody);
      return;
    }
    this.#bodies.watch(message, ordinaryPace);
    readBody(message, this.#options.gate.bodyBytesMax, (error, body) => {
      this.#bodies.done(message);
      if (error === null) this.#handle(exchange, route, body ?? noBody);
      else this.#fail(exchange, error);
    });
  }

  /** Answers requests for which there is no route: 405 when the path has others, else 404. */
  notFound(request: FastifyRequest, reply: FastifyReply): void {
    reply.hijack();
    const { exchange } = this.#arrive(request.raw, reply.raw, undefined);
    const methods = methodsFor(exchange.path);
    if (methods !== undefined && exchange.allowedOrigin !== '' && request.method === 'OPTIONS') {
      exchange.preflight(methods);
      return;
    }
    exchange.error(
      methods === undefined
        ? codedAnswer('not_found', 'There is no such path')
        : codedAnswer('method_not_allowed', `This path is for ${methods} only`),
    );
  }

  /** Answers what fastify or a body reader refused. */
  failed(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    // fastify knows fewer methods than Node does; a path says which are its own.
    const methods = methodsFor((request.raw.url ?? '').split('?', 1)[0] ?? '');
    const isOwn = methods?.split(', ').includes(request.raw.method ?? '') ?? true;
    if (request.exchange === null && !isOwn) {
      this.notFound(request, reply);
      return;
    }
    if (!reply.sent) reply.hijack();
    const exchange = request.exchange ?? this.#arrive(request.raw, reply.raw, undefined).exchange;
    this.#fail(exchange, error);
  }

  #arrive(message: IncomingMessage, response: ServerResponse, route: Route | undefined): Arrival {
    const url = message.url ?? '';
    const mark = url.indexOf('?');
    const query = mark < 0 ? '' : url.slice(mark + 1);
    const parsed = url.length > urlBytesMax ? tooLongTarget : parametersFrom(query);
    const broken = typeof parsed === 'string';
    this.#requests += 1;
    this.#options.counters.arrived();
    const exchange = new Exchange(this.#options.writer, {
      requestId: `${this.#options.requestIdPrefix}-${this.#requests.toString(36)}`,
      message,
      response,
      route,
      path: mark < 0 ? url : url.slice(0, mark),
      query,
      address: message.socket.remoteAddress ?? '',
      startedMs: this.#options.services.nowMs(),
      allowedOrigin: this.#allowedOrigin(message),
      parameters: broken ? parametersDefault : parsed,
    });
    return { exchange, parameterFault: broken ? parsed : undefined };
  }

  #allowedOrigin(message: IncomingMessage): string {
    const { origin } = message.headers;
    return origin !== undefined && this.#options.services.allowOrigins.has(origin) ? origin : '';
  }

  #settle(exchange: Exchange, answered: Promise<OrdinaryAnswer>): void {
    answered.then(
      (answer) => exchange.ordinary(answer),
      (error: unknown) => this.#fail(exchange, error),
    );
  }

  #handle(exchange: Exchange, route: Exclude<Route, StreamedRoute>, body: Buffer): void {
    if (route.kind === 'ordinary') {
      this.#settle(exchange, route.handle(exchange, this.#options.services, body));
      return;
    }
    try {
      route.handle(exchange, body, this.#options.services);
    } catch (error) {
      this.#fail(exchange, error);
    }
  }

  #fail(exchange: Exchange, error: unknown): void {
    const answer = isRefusedByFastify(error)
      ? codedAnswer('bad_request', 'The request cannot be read')
      : codedAnswerFrom(error);
    const fault = answer.code === 'internal';
    if (fault) this.#options.onFault(exchange.requestId, error);
    // How far a fault of our own came is not known.
    const applied = answer.applied ?? (fault ? 'unknown' : 'no');
    exchange.error(exchange.route?.changes === true ? { ...answer, applied } : answer);
  }
}

/** Whether a request's target came to a path of letters by another spelling (`/%64b/query`). */
const isOtherSpelling = (path: string, url: string): boolean =>
  !path.includes(':id') && url.replace(absoluteForm, '').split('?', 1)[0] !== path;

/** What a proxy puts in front of a path (RFC 9112, 3.2.2). */
const absoluteForm = /^https?:\/\/[^/?]*/i;

/** fastify's own errors about a request carry a status in the 400s. */
const isRefusedByFastify = (error: unknown): boolean =>
  error instanceof Error &&
  !(error instanceof CodedError) &&
  'statusCode' in error &&
  typeof error.statusCode === 'number' &&
  error.statusCode >= 400 &&
  error.statusCode < 500;
