// AWS Signature Version 4 for S3, with the signature in the Authorization header, as its
// documentation describes it ("Authenticating Requests: Using the Authorization Header"). Pure:
// time comes as an argument. The body is always hashed: nothing is sent as UNSIGNED-PAYLOAD.
import { createHash, createHmac } from 'node:crypto';

/** Who signs. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials; empty for lasting ones. */
  readonly sessionToken: string;
}

/** A request that is to be signed. */
export interface Unsigned {
  readonly method: string;
  /** With its port when that is not the scheme's own, as the Host header has it. */
  readonly host: string;
  /** Decoded path, beginning with a slash. */
  readonly path: string;
  readonly query: readonly (readonly [string, string])[];
  /** Headers beside host and x-amz-*; all are signed. Lower case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Uint8Array;
}

/** Where and when a signature holds. */
export interface SigningScope {
  readonly region: string;
  readonly nowMs: number;
  readonly credentials: Credentials;
}

const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

const hmac = (key: Uint8Array | string, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest();

/** Everything but letters, digits and -._~ as %XX, upper case. */
export const uriEncoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** The path as it goes over the wire: S3 encodes each segment once. */
export const encodedPath = (path: string): string => path.split('/').map(uriEncoded).join('/');

const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

/** The query as it goes over the wire, sorted as the signature wants it. */
export const encodedQuery = (query: Unsigned['query']): string =>
  query
    .map(([name, value]) => [uriEncoded(name), uriEncoded(value)] as const)
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');

/** `20130524T000000Z`. */
const amazonTime = (ms: number): string =>
  `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;

/** All headers to send: those given, host, date, payload hash, token and signature. */
export const signedHeaders = (
  request: Unsigned,
  { region, nowMs, credentials }: SigningScope,
): Readonly<Record<string, string>> => {
  const time = amazonTime(nowMs);
  const day = time.slice(0, 8);
  const payloadHash = sha256(request.payload);
  const headers: Record<string, string> = {
    ...request.headers,
    host: request.host,
    'x-amz-content-sha256': payloadHash,
    'x-amz-date': time,
    ...(credentials.sessionToken === ''
      ? {}
      : { 'x-amz-security-token': credentials.sessionToken }),
  };
  const names = Object.keys(headers).sort(compare);
  const canonical = [
    request.method,
    encodedPath(request.path),
    encodedQuery(request.query),
    ...names.map((name) => `${name}:${(headers[name] ?? '').trim().replaceAll(/ +/g, ' ')}`),
    '',
    names.join(';'),
    payloadHash,
  ].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const dayKey = hmac(`AWS4${credentials.secretAccessKey}`, day);
  const key = hmac(hmac(hmac(dayKey, region), 's3'), 'aws4_request');
  const signature = hmac(key, toSign).toString('hex');
  const credential = `Credential=${credentials.accessKeyId}/${scope}`;
  const authorization = `AWS4-HMAC-SHA256 ${credential},SignedHeaders=${names.join(';')},Signature=${signature}`;
  return { ...headers, authorization };
};
