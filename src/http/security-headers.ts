// The security headers of every answer. @fastify/helmet is their single source; it is asked once,
// at the start, because running it for each request costs more than the rest of an answer.
import helmet from '@fastify/helmet';
import fastify from 'fastify';

const twoYearsSeconds = 63_072_000;

const nothing = ["'none'"];
const own = ["'self'"];

/** An answer of the API is no page: nothing may be loaded by, framed by or shared with one. */
const answerPolicy = { 'default-src': nothing, 'frame-ancestors': nothing };

/** The console loads its own files and asks its own server, and nothing written into it runs. */
const pagePolicy = {
  'default-src': nothing,
  'script-src': own,
  'style-src': own,
  'connect-src': own,
  'img-src': own,
  'frame-ancestors': nothing,
  'base-uri': nothing,
  'form-action': nothing,
};

const commonOptions = {
  strictTransportSecurity: { maxAge: twoYearsSeconds },
  crossOriginResourcePolicy: { policy: 'same-origin' },
  referrerPolicy: { policy: 'no-referrer' },
  frameguard: { action: 'deny' },
  // For browsers of the past, or about pages that we do not serve.
  crossOriginEmbedderPolicy: false,
  originAgentCluster: false,
  dnsPrefetchControl: false,
  ieNoOpen: false,
  permittedCrossDomainPolicies: false,
  xssFilter: false,
} as const;

/** Headers that the probe's own answer brings along. */
const ofTheProbe: ReadonlySet<string> = new Set([
  'content-type',
  'content-length',
  'date',
  'connection',
  'keep-alive',
]);

/** Headers, each a flat list of names and values. */
export interface SecurityHeaders {
  /** Of what the API answers. */
  readonly security: readonly string[];
  /** Of the web console's files. */
  readonly page: readonly string[];
}

const headersOf = async (
  directives: Readonly<Record<string, string[]>>,
  crossOriginOpenerPolicy: false | { readonly policy: 'same-origin' },
): Promise<readonly string[]> => {
  const probe = fastify();
  const contentSecurityPolicy = { useDefaults: false, directives: { ...directives } };
  const options = { ...commonOptions, contentSecurityPolicy, crossOriginOpenerPolicy };
  await probe.register(helmet, options);
  probe.get('/', () => '');
  const answer = await probe.inject('/');
  await probe.close();
  const set = Object.entries(answer.headers).filter(([name]) => !ofTheProbe.has(name));
  return set.flatMap(([name, value]) => [name, String(value)]);
};

/** All of them. */
export const securityHeaders = async (): Promise<SecurityHeaders> => {
  const answer = await headersOf(answerPolicy, false);
  const page = await headersOf(pagePolicy, { policy: 'same-origin' });
  return {
    security: [...answer, 'cache-control', 'no-store'],
    // Kept, and asked about each time: a node that was replaced brings its own console along.
    page: [...page, 'cache-control', 'no-cache'],
  };
};
