// One HTTP request with JSON to a store of keys, over TLS or on loopback; bounded in time and size.
// The next endpoint is asked when one does not answer, and all of them once more after a pause.
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';

/** How a store is reached. */
export interface StoreAccess {
  /** https://host:port, or http:// on loopback. */
  readonly endpoints: readonly string[];
  /** PEM; absent: the authorities of the system. */
  readonly ca?: string;
  /** PEM of a client certificate and its key. */
  readonly certificate?: string;
  readonly key?: string;
}

/** A request to the store. */
export interface StoreRequest {
  readonly method: 'GET' | 'PUT' | 'POST';
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Text as it is; absent: none. */
  readonly body?: string;
}

/** What came back: a status that is no fault of the server, and its text. */
export interface StoreAnswer {
  readonly status: number;
  readonly text: string;
}

const requestTimeoutMs = 3000;
const answerBytesMax = 1024 * 1024;
const rounds = 2;
const pauseMs = 250;

/** @throws Error why no endpoint answered */
export const askStore = async (access: StoreAccess, asked: StoreRequest): Promise<StoreAnswer> => {
  let why = 'no endpoint is set';
  for (let round = 0; round < rounds; round++) {
    if (round > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    for (const endpoint of access.endpoints) {
      try {
        const answer = await ask(endpoint, access, asked);
        if (answer.status < 500) return answer;
        why = `${endpoint} answers ${answer.status}`;
      } catch (error) {
        why = `${endpoint}: ${error instanceof Error ? error.message : String(error)}`;
      }
    }
  }
  throw new Error(why);
};

const ask = (
  endpoint: string,
  { ca, certificate, key }: StoreAccess,
  { method, path, headers, body }: StoreRequest,
): Promise<StoreAnswer> =>
  new Promise((resolve, reject) => {
    const url = new URL(path, endpoint);
    const options = {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      agent: false as const,
      signal: AbortSignal.timeout(requestTimeoutMs),
    };
    const tls = {
      minVersion: 'TLSv1.2' as const,
      ...(ca === undefined ? {} : { ca }),
      ...(certificate === undefined ? {} : { cert: certificate, key }),
    };
    const sent =
      url.protocol === 'https:'
        ? secureRequest(url, { ...options, ...tls })
        : plainRequest(url, options);
    sent.on('error', reject);
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > answerBytesMax) response.destroy(new Error('its answer is too large'));
      });
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    sent.end(body);
  });
