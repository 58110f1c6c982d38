// A store that speaks as much of S3 as the program does, and believes nothing: it derives every
// signature by itself from the bytes that came over the wire, refuses old dates, other payloads,
// unsigned headers and uploads that S3 would refuse. It can be told to fail at any request.
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createServer as createPlain, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { testCertificate } from '../http/test-front.ts';

/** A request as the store saw it. */
interface Seen {
  readonly method: string;
  readonly url: string;
}

/** What it does in place of answering. */
export type Fault = { readonly status: number; readonly code: string } | 'drop' | 'cut';

/** How it is. */
export interface S3ServerOptions {
  readonly plain?: boolean;
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly sessionToken?: string;
  readonly region?: string;
  /** Names on one page of a listing. */
  readonly pageNames?: number;
  /** The bucket is in the host's name. */
  readonly virtualHost?: boolean;
}

/** Of S3: what is not the last part has at least so many bytes. */
const partBytesMin = 5 * 1024 * 1024;
const skewMsMax = 15 * 60_000;

interface Upload {
  readonly key: string;
  readonly parts: Map<number, Buffer>;
}

class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message = code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const hex = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

/** RFC 3986, byte by byte: nothing here is taken from the program. */
const percent = (text: string): string =>
  [...Buffer.from(text, 'utf8')]
    .map((byte) => {
      const sign = String.fromCharCode(byte);
      return /[A-Za-z0-9._~-]/.test(sign)
        ? sign
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');

export class S3Server {
  readonly objects = new Map<string, Buffer>();
  readonly uploads = new Map<string, Upload>();
  readonly seen: Seen[] = [];
  readonly bucket = 'backups';
  readonly ca: string;
  endpoint = '';
  /** Asked before each request; a fault it gives is what happens. */
  fault: (request: Seen) => Fault | undefined = () => undefined;
  /** By how much its clock is ahead. */
  aheadMs = 0;
  /** Most bytes of one request. */
  bodyBytesMax = 0;
  readonly #options: Required<S3ServerOptions>;
  readonly #server;

  constructor(options: S3ServerOptions = {}) {
    this.#options = {
      plain: false,
      accessKeyId: 'TESTKEY',
      secretAccessKey: 'test/secret+key',
      sessionToken: '',
      region: 'eu-central-1',
      pageNames: 1000,
      virtualHost: false,
      ...options,
    };
    const certificate = testCertificate();
    this.ca = certificate.ca;
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      void this.#answer(request, response);
    };
    this.#server = this.#options.plain
      ? createPlain(answer)
      : createSecure({ cert: certificate.cert, key: certificate.key }, answer);
  }

  static async start(t: TestContext, options: S3ServerOptions = {}): Promise<S3Server> {
    const store = new S3Server(options);
    await new Promise<void>((resolve) => store.#server.listen(0, '127.0.0.1', resolve));
    const { port } = store.#server.address() as AddressInfo;
    store.endpoint = `${options.plain === true ? 'http' : 'https'}://localhost:${port}`;
    t.after(() => {
      store.#server.closeAllConnections();
      store.#server.close();
    });
    return store;
  }

  /** The file that a node is given. */
  settings(more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
    const { accessKeyId, secretAccessKey, region } = this.#options;
    return {
      type: 's3',
      ...{ endpoint: this.endpoint, region, bucket: this.bucket, pathStyle: true },
      ...{ accessKeyId, secretAccessKey },
      ...more,
    };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    this.bodyBytesMax = Math.max(this.bodyBytesMax, body.length);
    const seen = { method: request.method ?? '', url: request.url ?? '' };
    this.seen.push(seen);
    const fault = this.fault(seen);
    if (fault === 'drop') {
      request.socket.destroy();
      return;
    }
    try {
      if (typeof fault === 'object') throw new Refusal(fault.status, fault.code);
      this.#authenticate(request, body);
      this.#serve(request, body, response, fault === 'cut');
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      response.writeHead(error.status, { 'content-type': 'application/xml' });
      response.end(`<Error><Code>${error.code}</Code><Message>${error.message}</Message></Error>`);
    }
  }

  /** Task 1 to 4 of the documentation, from what came over the wire. */
  #authenticate({ method, url = '', headers }: IncomingMessage, body: Buffer): void {
    const { accessKeyId, secretAccessKey, sessionToken, region } = this.#options;
    const said =
      /^AWS4-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=(\w{64})$/.exec(
        headers.authorization ?? '',
      );
    if (said === null) throw new Refusal(403, 'AccessDenied', 'no signature');
    const [, credential = '', names = '', signature = ''] = said;
    const [key, day = '', where, service, end] = credential.split('/');
    if (key !== accessKeyId) throw new Refusal(403, 'InvalidAccessKeyId');
    const time = String(headers['x-amz-date']);
    const scoped = where === region && service === 's3' && end === 'aws4_request';
    if (!scoped || !time.startsWith(day)) throw new Refusal(400, 'AuthorizationHeaderMalformed');
    const at = Date.parse(
      time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'),
    );
    if (!(Math.abs(Date.now() + this.aheadMs - at) < skewMsMax)) {
      throw new Refusal(403, 'RequestTimeTooSkewed');
    }
    if (String(headers['x-amz-security-token'] ?? '') !== sessionToken) {
      throw new Refusal(403, 'InvalidToken');
    }
    const signed = names.split(';');
    const must = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))];
    if (must.some((name) => !signed.includes(name))) throw new Refusal(403, 'AccessDenied');
    const payload = String(headers['x-amz-content-sha256']);
    if (payload !== hex(body)) throw new Refusal(400, 'XAmzContentSHA256Mismatch');
    const [path = '', query = ''] = url.split('?');
    const pairs = query === '' ? [] : query.split('&').map((pair) => pair.split('='));
    const canonicalQuery = pairs
      .map(([name = '', value = '']) => {
        return `${percent(decodeURIComponent(name))}=${percent(decodeURIComponent(value))}`;
      })
      .sort()
      .join('&');
    const canonicalPath = path.split('/').map((part) => percent(decodeURIComponent(part)));
    let canonical = `${method}\n${canonicalPath.join('/')}\n${canonicalQuery}\n`;
    for (const name of [...signed].sort()) canonical += `${name}:${String(headers[name])}\n`;
    canonical += `\n${[...signed].sort().join(';')}\n${payload}`;
    const scope = `${day}/${region}/s3/aws4_request`;
    let secret = Buffer.from(`AWS4${secretAccessKey}`);
    for (const step of [day, region, 's3', 'aws4_request']) {
      secret = createHmac('sha256', secret).update(step).digest();
    }
    const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hex(canonical)}`;
    const right = createHmac('sha256', secret).update(text).digest('hex');
    if (signature !== right) throw new Refusal(403, 'SignatureDoesNotMatch');
  }

  #serve(
    { method, url = '', headers }: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
    cut: boolean,
  ): unknown {
    const { pathname, searchParams } = new URL(url, this.endpoint);
    const path = decodeURIComponent(pathname);
    const root = this.#options.virtualHost ? '/' : `/${this.bucket}/`;
    const host = String(headers.host).split('.')[0];
    if (!path.startsWith(root) || (this.#options.virtualHost && host !== this.bucket)) {
      throw new Refusal(404, 'NoSuchBucket');
    }
    const key = path.slice(root.length);
    const xml = (text: string): void => {
      response.writeHead(200, { 'content-type': 'application/xml' });
      response.end(text);
    };
    const uploadId = searchParams.get('uploadId');
    const upload = uploadId === null ? undefined : this.uploads.get(uploadId);
    if (uploadId !== null && upload?.key !== key) throw new Refusal(404, 'NoSuchUpload');
    const asked = `${method} ${upload === undefined ? '' : 'upload'}`.trim();
    switch (asked) {
      case 'GET': {
        if (key === '') return xml(this.#list(searchParams));
        const object = this.objects.get(key);
        if (object === undefined) throw new Refusal(404, 'NoSuchKey');
        response.writeHead(200, { 'content-length': object.length });
        if (!cut) return void response.end(object);
        return response.write(object.subarray(0, object.length / 2), () => response.destroy());
      }
      case 'PUT':
        this.objects.set(key, body);
        return void response.writeHead(200, { etag: `"${hex(body).slice(0, 32)}"` }).end();
      case 'DELETE':
        this.objects.delete(key);
        return void response.writeHead(204).end();
      case 'POST': {
        if (!searchParams.has('uploads')) throw new Refusal(400, 'InvalidRequest');
        const id = `${randomBytes(8).toString('hex')}&+`;
        this.uploads.set(id, { key, parts: new Map() });
        return xml(`<R><UploadId>${id.replace('&', '&amp;')}</UploadId></R>`);
      }
      case 'PUT upload':
        upload?.parts.set(Number(searchParams.get('partNumber')), body);
        return void response.writeHead(200, { etag: `"${hex(body).slice(0, 32)}"` }).end();
      case 'DELETE upload':
        this.uploads.delete(uploadId ?? '');
        return void response.writeHead(204).end();
      case 'POST upload':
        this.#complete(uploadId ?? '', body.toString());
        return xml(
          `<CompleteMultipartUploadResult><Key>${key}</Key></CompleteMultipartUploadResult>`,
        );
      default:
        throw new Refusal(405, 'MethodNotAllowed');
    }
  }

  #list(parameters: URLSearchParams): string {
    if (parameters.get('list-type') !== '2') throw new Refusal(400, 'InvalidArgument');
    const prefix = parameters.get('prefix') ?? '';
    const after = parameters.get('continuation-token') ?? '';
    const names = [...this.objects.keys()]
      .filter((name) => name.startsWith(prefix) && name > after)
      .sort();
    const page = names.slice(0, this.#options.pageNames);
    const more = names.length > page.length;
    const contents = page.map((name) => {
      const escaped = name.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
      const size = this.objects.get(name)?.length;
      return `<Contents><Key>${escaped}</Key><Size>${size}</Size></Contents>`;
    });
    const next = more ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : '';
    return `<ListBucketResult><IsTruncated>${more}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`;
  }

  #complete(id: string, list: string): void {
    const upload = this.uploads.get(id);
    if (upload === undefined) throw new Refusal(404, 'NoSuchUpload');
    const named = [...list.matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>"?(\w+)"?<\/ETag>/g)];
    const bodies = named.map(([, number, tag], at) => {
      const part = upload.parts.get(Number(number));
      if (Number(number) !== at + 1) throw new Refusal(400, 'InvalidPartOrder');
      if (part === undefined || hex(part).slice(0, 32) !== tag)
        throw new Refusal(400, 'InvalidPart');
      const isLast = at === named.length - 1;
      if (!isLast && part.length < partBytesMin) throw new Refusal(400, 'EntityTooSmall');
      return part;
    });
    if (bodies.length === 0) throw new Refusal(400, 'MalformedXML');
    this.objects.set(upload.key, Buffer.concat(bodies));
    this.uploads.delete(id);
  }
}
