// A receiver of changes: HTTPS on loopback, remembers what it is sent, answers what a test wants.

import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:https';
import type { TestContext } from 'node:test';
import { testCertificate } from '../../http/test-front.ts';

/** A message of a request: the changes of one entry. */
export interface SinkMessage {
  readonly index: number;
  readonly commit_timestamp?: number;
  readonly events: readonly Readonly<Record<string, unknown>>[];
}

/** A request as it came. */
export interface SinkRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly payload: readonly SinkMessage[];
}

/** What it answers. */
export interface SinkAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** It never answers. */
  readonly silent?: true;
}

/** An open receiver. */
export interface Sink {
  readonly url: string;
  /** PEM of who signed its certificate. */
  readonly ca: string;
  /** All requests, and those that were answered with 2xx. */
  readonly requests: SinkRequest[];
  readonly taken: SinkRequest[];
  answer: () => SinkAnswer;
}

/** Opens one that is closed when the test ends. */
export const openSink = async (context: TestContext): Promise<Sink> => {
  const { cert, key, ca } = testCertificate();
  const requests: SinkRequest[] = [];
  const taken: SinkRequest[] = [];
  const sink = { url: '', ca, requests, taken, answer: (): SinkAnswer => ({ status: 200 }) };
  const server = createServer({ cert, key }, (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const { payload } = JSON.parse(body) as { payload: SinkMessage[] };
      const request = { headers: incoming.headers, body, payload };
      requests.push(request);
      const answer = sink.answer();
      if (answer.silent) return;
      if (answer.status >= 200 && answer.status < 300) taken.push(request);
      outgoing.writeHead(answer.status, { ...answer.headers });
      outgoing.end(answer.body);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return Object.assign(sink, { url: `https://127.0.0.1:${port}/changes` });
};
