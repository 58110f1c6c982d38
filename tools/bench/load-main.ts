// The load process: opens keep-alive connections, sends prepared requests by hand and measures. It
// is a process of its own, so that its CPU time is nobody's but its own, and it does as little as
// it can.
import * as net from 'node:net';
import * as tls from 'node:tls';
import { type Response, ResponseReader } from './response-reader.ts';
import type { FromLoad, SliceJob, ToLoad } from './slice.ts';

/** A server that does not answer for this long after the slice is over ends the bench. */
const answerGraceMs = 30_000;
/** So many failures end a slice: it measures nothing then. */
const failuresMax = 1000;

const tell = (message: FromLoad): void => {
  process.send?.(message);
};

const connect = (job: SliceJob, session: Buffer | undefined): net.Socket =>
  job.ca === undefined
    ? net.connect({ host: job.host, port: job.port, noDelay: true })
    : tls.connect({
        host: job.host,
        port: job.port,
        ca: job.ca,
        ...(net.isIP(job.host) === 0 ? { servername: job.host } : {}),
        ...(session === undefined ? {} : { session }),
      });

/** One slice from its connections to its result. */
class Slice {
  readonly #job: SliceJob;
  readonly #sockets = new Set<net.Socket>();
  readonly #latencies: number[] = [];
  readonly #waiting: (() => void)[] = [];
  #failures = 0;
  #failure: string | undefined;
  #next = 0;
  #running = 0;
  #startedAt = 0;
  #lastAt = 0;
  #goesOn = true;
  #session: Buffer | undefined;

  constructor(job: SliceJob) {
    this.#job = job;
    for (let client = 0; client < job.clients; client++) this.#open();
  }

  /** Starts all clients at once. */
  go(): void {
    this.#startedAt = performance.now();
    this.#lastAt = this.#startedAt;
    setTimeout(() => {
      this.#goesOn = false;
      setTimeout(() => this.#end(), answerGraceMs).unref();
    }, this.#job.durationMs);
    for (const start of this.#waiting.splice(0)) start();
  }

  #open(): void {
    const socket = connect(this.#job, this.#session);
    const reader = new ResponseReader();
    let sentAt = 0;
    const send = (): void => {
      sentAt = performance.now();
      socket.write(this.#job.requests[this.#next++ % this.#job.requests.length] ?? '');
    };
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('session', (session: Buffer) => {
      this.#session = session;
    });
    socket.on(this.#job.ca === undefined ? 'connect' : 'secureConnect', () => {
      this.#running += 1;
      if (this.#startedAt > 0) {
        send();
        return;
      }
      this.#waiting.push(send);
      if (this.#waiting.length === this.#job.clients) tell({ kind: 'connected' });
    });
    socket.on('data', (chunk: Buffer) => {
      let response: Response | undefined;
      try {
        response = reader.take(chunk);
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
      if (response === undefined) return;
      this.#count(response, sentAt);
      sentAt = 0;
      if (!this.#goesOn) socket.end();
      else if (!response.closes) send();
    });
    socket.on('error', (error) => {
      if (this.#startedAt === 0) tell({ kind: 'failed', reason: error.message });
      else this.#fail(error.message);
    });
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#running -= 1;
      if (sentAt > 0 && this.#goesOn) this.#fail('the server closed a connection with a request');
      if (this.#goesOn && this.#startedAt > 0) this.#open();
      else if (this.#running === 0) this.#end();
    });
  }

  #count(response: Response, sentAt: number): void {
    this.#lastAt = performance.now();
    if (response.status !== 200 || response.body.includes('"error"')) {
      this.#fail(`HTTP ${response.status} ${response.body.toString('utf8', 0, 200)}`);
    } else this.#latencies.push(this.#lastAt - sentAt);
  }

  #fail(reason: string): void {
    this.#failures += 1;
    this.#failure ??= reason;
    if (this.#failures >= failuresMax) this.#goesOn = false;
  }

  #end(): void {
    for (const socket of this.#sockets) socket.destroy();
    const result = {
      requests: this.#latencies.length,
      failures: this.#failures,
      failure: this.#failure,
      seconds: (this.#lastAt - this.#startedAt) / 1000,
      latencies: Float64Array.from(this.#latencies),
    };
    process.send?.({ kind: 'done', result } satisfies FromLoad, () => process.exit(0));
  }
}

let slice: Slice | undefined;
process.on('message', (message: ToLoad) => {
  if (message.kind === 'job') slice = new Slice(message.job);
  else slice?.go();
});
process.on('disconnect', () => process.exit(1));
