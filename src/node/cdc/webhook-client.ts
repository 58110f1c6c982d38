// Posts one body to the receiver: over TLS 1.2 or newer, without redirects, bounded in time and in
// what is read of the answer. No secret gets into an error.
import { createHmac } from 'node:crypto';
import { type ClientRequest, type IncomingMessage, request as plainRequest } from 'node:http';
import { Agent, request as secureRequest } from 'node:https';
import { CodedError } from '#errors.ts';
import type { FileSystem } from '#io/file-system.ts';
import { readPrivateFile } from '#io/private-path.ts';
import { answerBytesMax, secretBytesMax } from './bounds.ts';
import type { WebhookSettings } from './webhook-settings.ts';

/** Shorter ones can be guessed. */
const signatureKeyLengthMin = 32;

const secretFrom = (path: string, files: FileSystem): string | undefined => {
  if (path === '') return undefined;
  const text = readPrivateFile(path, secretBytesMax, files).toString('utf8').trim();
  if (text !== '' && !/[^\x21-\x7e]/.test(text)) return text;
  throw new CodedError('config_invalid', `${path} holds no key`, {
    hint: 'One line of printable characters without blanks.',
  });
};

/** Of a PEM file: a chain of many certificates. */
const pemBytesMax = 65_536;

const pemFrom = (path: string, files: FileSystem): string | undefined => {
  if (path === '') return undefined;
  const file = files.open(path, 'read');
  try {
    const content = Buffer.alloc(Math.min(file.status().bytes, pemBytesMax));
    return content.toString('utf8', 0, file.read(content, 0));
  } finally {
    file.close();
  }
};

/** Sends to one receiver. */
export class WebhookClient {
  readonly #settings: WebhookSettings;
  readonly #agent: Agent;
  readonly #signatureKey: string | undefined;
  readonly #bearer: string | undefined;
  readonly #wallMs: () => number;

  /** Reads keys. @throws CodedError `config_invalid`, `file_permissions` */
  constructor(settings: WebhookSettings, files: FileSystem, wallMs: () => number) {
    const { tls, signatureKeyFile, bearerFile } = settings;
    this.#settings = settings;
    this.#wallMs = wallMs;
    this.#signatureKey = secretFrom(signatureKeyFile, files);
    if ((this.#signatureKey?.length ?? signatureKeyLengthMin) < signatureKeyLengthMin) {
      throw new CodedError('config_invalid', `${signatureKeyFile} holds too short a key`, {
        hint: `At least ${signatureKeyLengthMin} characters: openssl rand -hex 32.`,
      });
    }
    this.#bearer = secretFrom(bearerFile, files);
    const key = tls.key === '' ? undefined : readPrivateFile(tls.key, pemBytesMax, files);
    const options = {
      ca: pemFrom(tls.ca, files),
      cert: pemFrom(tls.certificate, files),
      key: key?.toString('utf8'),
      servername: tls.serverName === '' ? undefined : tls.serverName,
    };
    const given = Object.fromEntries(
      Object.entries(options).filter(([, value]) => value !== undefined),
    );
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1, minVersion: 'TLSv1.2', ...given });
  }

  /** Why the receiver has not taken it; undefined: it has. */
  post(body: Buffer): Promise<string | undefined> {
    return new Promise((resolve) => {
      const { endpoint, transmitTimeoutMs } = this.#settings;
      const url = new URL(endpoint);
      const options = { method: 'POST', headers: this.#headers(body) };
      const request: ClientRequest =
        url.protocol === 'https:'
          ? secureRequest(url, { ...options, agent: this.#agent })
          : plainRequest(url, options);
      const end = (problem: string | undefined): void => {
        clearTimeout(timer);
        resolve(problem);
      };
      const timer = setTimeout(() => {
        end(`no answer within ${transmitTimeoutMs} ms`);
        request.destroy();
      }, transmitTimeoutMs);
      request.on('error', (error) => end(error.message === '' ? String(error) : error.message));
      request.on('response', (answer: IncomingMessage) => {
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > answerBytesMax) request.destroy();
        });
        answer.on('error', () => undefined);
        const { statusCode = 0 } = answer;
        answer.on('close', () =>
          end(statusCode >= 200 && statusCode < 300 ? undefined : `it answered ${statusCode}`),
        );
      });
      request.end(body);
    });
  }

  #headers(body: Buffer): Record<string, string> {
    const headers: Record<string, string> = {
      'Content-Type': 'application/json',
      'Content-Length': String(body.length),
    };
    if (this.#bearer !== undefined) headers['Authorization'] = `Bearer ${this.#bearer}`;
    if (this.#signatureKey === undefined) return headers;
    const seconds = Math.floor(this.#wallMs() / 1000);
    const signature = createHmac('sha256', this.#signatureKey)
      .update(`${seconds}.`)
      .update(body)
      .digest('hex');
    headers['X-Stockade-Signature'] = `t=${seconds},v1=${signature}`;
    return headers;
  }
}
