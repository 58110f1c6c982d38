// The security headers of every answer. @fastify/helmet is their single source; it is asked once,
// at the start, because running it for each request costs more than the rest of an answer.
import helmet from '@fastify/helmet';
import fastify from 'fastify';

const twoYearsSeconds = 63_072_000;

/** An API serves no pages: nothing may be loaded by, framed by or shared with one. */
const helmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
  },
  strictTransportSecurity: { maxAge: twoYearsSeconds },
  crossOriginResourcePolicy: { policy: 'same-origin' },
  referrerPolicy: { policy: 'no-referrer' },
  frameguard: { action: 'deny' },
  // For browsers of the past, or about pages that we do not serve.
  crossOriginEmbedderPolicy: false,
  crossOriginOpenerPolicy: false,
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

/** The headers as a flat list of names and values. */
export const securityHeaders = async (): Promise<readonly string[]> => {
  const probe = fastify();
  await probe.register(helmet, helmetOptions);
  probe.get('/', () => '');
  const answer = await probe.inject('/');
  await probe.close();
  const set = Object.entries(answer.headers).filter(([name]) => !ofTheProbe.has(name));
  return [...set.flatMap(([name, value]) => [name, String(value)]), 'cache-control', 'no-store'];
};
