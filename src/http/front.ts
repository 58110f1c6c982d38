// The front: HTTPS server, routes and services put together. It knows no SQL and no Raft; it is
// handed authentication and a backend.
import type { Server, ServerOptions } from 'node:https';
import fastify, { type FastifyInstance } from 'fastify';
import type { AuthReload } from '#auth/auth-reload.ts';
import type { Auth } from '#auth/open-auth.ts';
import type { ErrorCode } from '#errors.ts';
import { bodyBytesMax as bodyBytesMaxDefault, connectionsUnprovedPerAddressMax } from '#limits.ts';
import { AddressLimit } from './address-limit.ts';
import { AnswerWriter } from './answer-writer.ts';
import { type AuditOptions, FrontAudit } from './audit.ts';
import type { Backend, RunningQuery } from './backend.ts';
import type { CertificateEnd } from './certificate-ends.ts';
import { ChangeStreams } from './changes/change-streams.ts';
import { type ClientCertificateOptions, ClientCertificates } from './client-certificates.ts';
import { ConnectionLogins } from './connection-logins.ts';
import { type ReadConsoleFile, readConsoleFiles } from './console-files.ts';
import { DataService, type ReadLimits } from './data/data-service.ts';
import { serveForwarded } from './data/serve-forwarded.ts';
import { idleConnectionMs } from './front-limits.ts';
import { Gate } from './gate.ts';
import { boundAddress, createServer, type ListenTarget, listen, stop } from './https-server.ts';
import { Intake } from './intake.ts';
import type { Sample } from './metrics/exposition.ts';
import { FrontCounters } from './metrics/front-counters.ts';
import { PipelinedLimit } from './pipelined-limit.ts';
import { type QueueFailure, type QueueSettings, WriteQueue } from './queue/write-queue.ts';
import { routes } from './route-table.ts';
import { type KillVerdict, RunningRequests, type SlowRequest } from './running/running-requests.ts';
import { securityHeaders } from './security-headers.ts';
import type { Services } from './services.ts';
import { TurnQueue } from './turn-queue.ts';
import { UnsentAnswers } from './unsent-answers.ts';

/** How a front is made. */
export interface FrontOptions {
  /** Certificate, key and everything else about TLS. */
  readonly tls: ServerOptions;
  readonly auth: Auth;
  readonly backend: Backend;
  /** Value of X-RQLITE-VERSION. */
  readonly version: string;
  /** Reads the web console's files, once. */
  readonly readConsoleFile: ReadConsoleFile;
  /** host:port of this node's API as others are told. */
  readonly advertisedAddress: string;
  /** host:port of this node's peer port. */
  readonly peerAddress: string;
  /** Names and addresses that a Host header may hold, lower case, without port; undefined: any. */
  readonly hosts: readonly string[] | undefined;
  /** Starts every request id; random, so that ids of two processes differ. */
  readonly requestIdPrefix: string;
  /** A monotonic clock, milliseconds. */
  readonly nowMs: () => number;
  readonly reads: ReadLimits;
  readonly queue: QueueSettings;
  /** The number of the first queued write: nanoseconds since 1970, so that none comes twice. */
  readonly firstSequence: bigint;
  /** Connections of one address on which nobody has proved a name. */
  readonly unprovedPerAddressMax?: number;
  /** Largest request body, bytes. */
  readonly bodyBytesMax?: number;
  /** Client certificates as identity beside Basic; without it they say nothing. */
  readonly certificates?: ClientCertificateOptions;
  /** When this node's certificates end; without it nothing is said of them. */
  readonly certificateEnds?: () => readonly CertificateEnd[];
  /** Origins whose pages may use this API, as browsers write them (`https://a.example`). */
  readonly allowOrigins?: readonly string[];
  /** `compat.statusCodes`: 401 for everything that is turned away, as rqlite. */
  readonly alwaysUnauthorized?: boolean;
  /** Where the audit goes, and whether what cannot be kept is refused. */
  readonly audit: Pick<AuditOptions, 'record' | 'refuse'>;
  /** Told of every request that is turned away for who sent it; for the log. */
  readonly onDenied: (denial: Denial) => void;
  /** From then on a request for data is slow, milliseconds; 0 or left out: none is. */
  readonly slowMs?: number;
  /** `compat.doubleQuotedStrings`: texts are shown accordingly. */
  readonly doubleQuotedStrings?: boolean;
  /** Told of requests for data that were slow; for the log. */
  readonly onSlow?: (slow: SlowRequest) => void;
  /** Told of queued writes that were not done, or not as they were meant; for the log. */
  readonly onQueueFailure: (failure: QueueFailure) => void;
  /** Told of faults of our own; for the log. */
  readonly onFault: (requestId: string, error: unknown) => void;
}

/** A request that was turned away for who sent it. */
export interface Denial {
  readonly requestId: string;
  readonly address: string;
  readonly method: string;
  readonly path: string;
  /** As claimed; empty when nobody was named. */
  readonly user: string;
  readonly code: ErrorCode;
}

/** An open front. */
export interface Front {
  readonly server: Server;
  /** Starts to listen on a handle of another process, or on an address; gives the port. */
  listen(target: ListenTarget): Promise<number>;
  /** Serves a request that another node forwards: an encoded ForwardRequest to a ForwardReply. */
  serveForwarded(bytes: Buffer, done: (reply: Uint8Array) => void): void;
  /** Ends the connections that rest on what a reload of the users took away; how many. */
  cutOff(reload: AuthReload): number;
  /**
   * Cuts connections whose client certificate has ended or is denied by now; `all`: every one that
   * has a certificate, because the authorities changed.
   */
  sweepCertificates(all?: boolean): void;
  /** What this front has under way. */
  queries(): readonly RunningQuery[];
  /** Ends a request that this front has, as far as it can. */
  kill(id: string): KillVerdict;
  /** What this front has counted. */
  samples(): readonly Sample[];
  /** Takes no new connections; cuts what is not over after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Makes a front; it does not listen yet. */
export const createFront = async (options: FrontOptions): Promise<Front> => {
  const { auth, backend, nowMs, version, advertisedAddress, requestIdPrefix, onFault } = options;
  const bodyBytesMax = options.bodyBytesMax ?? bodyBytesMaxDefault;
  const counters = new FrontCounters(nowMs);
  const addresses = new AddressLimit(
    options.unprovedPerAddressMax ?? connectionsUnprovedPerAddressMax,
  );
  const connections = new ConnectionLogins((socket) => addresses.proved(socket));
  const certificates =
    options.certificates === undefined
      ? undefined
      : new ClientCertificates({
          ...options.certificates,
          onRefused: () => counters.refused('certificate'),
        });
  const audit = new FrontAudit({ ...options.audit, nowMs });
  const gate = new Gate({
    audit,
    auth,
    connections,
    bodyBytesMax,
    certificates,
    alwaysUnauthorized: options.alwaysUnauthorized ?? false,
    hosts: options.hosts === undefined ? undefined : new Set(options.hosts),
    onDenied: (exchange, code, user) => {
      const { requestId, address, path, message } = exchange;
      options.onDenied({ requestId, address, method: message.method ?? '', path, user, code });
    },
  });
  const headers = { ...(await securityHeaders()), version };
  const unsent = new UnsentAnswers(nowMs);
  const writer = new AnswerWriter(
    new TurnQueue(),
    unsent,
    headers,
    (exchange) => {
      gate.release(exchange);
      counters.answered(exchange);
      audit.answered(exchange);
    },
    onFault,
  );
  const running = new RunningRequests({
    nowMs,
    slowMs: options.slowMs ?? 0,
    doubleQuotedStrings: options.doubleQuotedStrings ?? false,
    cancel: (requestId) => backend.cancel(requestId),
    onSlow: options.onSlow ?? (() => {}),
  });
  const data = new DataService(backend, options.reads, nowMs, running, onFault);
  const queue = new WriteQueue({
    ...options.queue,
    firstSequence: options.firstSequence,
    nowMs,
    run: (request, done) => data.run(request, done),
    onFailure: options.onQueueFailure,
  });
  const changes = new ChangeStreams(backend);
  const server = createServer(options.tls, options.reads.deadlineMs, addresses, (reason) =>
    counters.refused(reason),
  );
  const services: Services = {
    backend,
    data,
    queue,
    changes,
    advertisedAddress,
    allowOrigins: new Set(options.allowOrigins),
    version,
    consoleFiles: await readConsoleFiles(options.readConsoleFile),
    certificateEnds: options.certificateEnds ?? (() => []),
    wallMs: options.certificates?.wallMs ?? Date.now,
    nowMs,
    onFault,
    boundAddress: () => boundAddress(server),
  };
  const intake = new Intake({ gate, writer, services, counters, requestIdPrefix, onFault });
  const app = fastifyOn(server, bodyBytesMax, intake);
  await app.ready();
  return {
    server,
    listen: (target) => listen(server, target),
    serveForwarded: (bytes, done) => {
      serveForwarded({ auth, data, nowMs, peerAddress: options.peerAddress }, bytes, done);
    },
    cutOff: (reload) => connections.cut(reload),
    sweepCertificates: (all = false) => certificates?.sweep(all),
    queries: () => running.list(),
    kill: (id) => running.kill(id),
    samples: () => [
      ...counters.samples(),
      ...ownSamples(data, queue, running, backend),
      ...changes.samples(),
    ],
    close: async (graceMs) => {
      writer.lastAnswers();
      changes.close();
      await Promise.all([stop(server, idleConnectionMs, graceMs), queue.close(graceMs)]);
      data.close();
      audit.close();
      await app.close();
    },
  };
};

const ownSamples = (
  data: DataService,
  queue: WriteQueue,
  running: RunningRequests,
  backend: Backend,
): readonly Sample[] =>
  Object.entries({
    stockade_verdict_cache_hits_total: data.verdicts.hits,
    stockade_verdict_cache_misses_total: data.verdicts.misses,
    stockade_readers_killed_total: backend.readersKilled,
    stockade_readers: backend.readers,
    stockade_slow_requests_total: running.slow,
    stockade_requests_killed_total: running.killed,
    stockade_queue_waiting: queue.size,
    stockade_queue_failures_total: queue.failuresTotal,
  }).map(([name, value]) => ({ name, labels: {}, value }));

const fastifyOn = (server: Server, bodyBytesMax: number, intake: Intake): FastifyInstance => {
  const noQuery = Object.freeze({});
  const pipelined = new PipelinedLimit();
  const app = fastify({
    serverFactory: (handler) =>
      server.on('request', (request, response) => {
        if (pipelined.takes(request.socket)) handler(request, response);
        else request.socket.destroy();
      }),
    logger: false,
    // Ids and answers are the intake's.
    genReqId: () => '',
    frameworkErrors: (error, request, reply) => intake.failed(error, request, reply),
    bodyLimit: bodyBytesMax,
    trustProxy: false,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    routerOptions: {
      caseSensitive: true,
      ignoreTrailingSlash: false,
      ignoreDuplicateSlashes: false,
      // Query strings are read by rqlite's rules, not by these.
      querystringParser: () => noQuery,
    },
  });
  app.decorateRequest('exchange', null);
  // Bodies are read by the intake, for requests that passed the gate.
  app.removeAllContentTypeParsers();
  for (const route of routes) intake.register(app, route);
  app.setNotFoundHandler((request, reply) => intake.notFound(request, reply));
  app.setErrorHandler((error, request, reply) => intake.failed(error, request, reply));
  return app;
};
