// What is wrong with a request's form, apart from who sent it: its target and Host, where a browser
// says it comes from, its media type.
import { type CodedAnswer, codedAnswer } from './coded-answer.ts';
import type { Exchange } from './exchange.ts';
import type { Route } from './route.ts';

/** `no` for a route that could have changed something: it did not. */
export const untouched = (route: Route | undefined): 'no' | undefined =>
  route?.changes === true ? 'no' : undefined;

/** RFC 9112 3.2: one Host, and a target that does not name another. */
export const formFault = (
  exchange: Exchange,
  hosts: ReadonlySet<string> | undefined,
): CodedAnswer | undefined => {
  const { rawHeaders, headers, url } = exchange.message;
  let hostHeaders = 0;
  let authorizationHeaders = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') hostHeaders += 1;
    else if (name.length === 13 && name.toLowerCase() === 'authorization') {
      authorizationHeaders += 1;
    }
  }
  if (hostHeaders !== 1) return codedAnswer('bad_request', 'A request has exactly one Host header');
  if (authorizationHeaders > 1) {
    return codedAnswer('bad_request', 'A request has at most one Authorization header');
  }
  if (url?.startsWith('/') !== true) {
    return codedAnswer('bad_request', 'The request target must be a path');
  }
  if (hosts === undefined) return undefined;
  const host = (headers.host ?? '').toLowerCase().replace(/:\d+$/, '');
  return hosts.has(host)
    ? undefined
    : codedAnswer('bad_request', 'This server does not answer to the name in the Host header');
};

/**
 * Pages of other sites send what their visitors did not ask for; programs send neither header. They
 * cannot read the answer to a read, but how long it took says something of the data.
 */
export const crossSiteFault = (exchange: Exchange, route: Route): CodedAnswer | undefined => {
  const ofData = route.changes || route.path.startsWith('/db/');
  if (!ofData || exchange.allowedOrigin !== '') return undefined;
  const { headers } = exchange.message;
  const site = headers['sec-fetch-site'];
  const siteOk = site === undefined || site === 'same-origin' || site === 'none';
  const originOk = headers.origin === undefined || headers.origin === `https://${headers.host}`;
  return siteOk && originOk
    ? undefined
    : codedAnswer('permission_denied', notOfOtherSites, untouched(route));
};

const notOfOtherSites = 'Pages of other sites may neither change nor ask for anything here';

/** A body of a type, character set or encoding that the route does not read. */
export const mediaFault = (exchange: Exchange, route: Route): CodedAnswer | undefined => {
  if (route.media.length === 0) return undefined;
  const { headers } = exchange.message;
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    return unsupportedMedia(route, 'Compressed bodies are not read');
  }
  const type = headers['content-type'];
  if (type === undefined || type === 'application/json') return undefined;
  const [media = '', ...rest] = type.toLowerCase().split(';');
  const charsetOk = rest.every((parameter) => !isForeignCharset(parameter.trim()));
  return route.media.includes(media.trim()) && charsetOk
    ? undefined
    : unsupportedMedia(route, 'The Content-Type is not one this route reads');
};

const isForeignCharset = (parameter: string): boolean =>
  parameter.startsWith('charset=') && !/^charset="?(?:utf-8|us-ascii)"?$/.test(parameter);

const unsupportedMedia = (route: Route, why: string): CodedAnswer =>
  codedAnswer(
    'unsupported_media_type',
    `${why}; send ${route.media.join(' or ')} in UTF-8`,
    untouched(route),
  );
