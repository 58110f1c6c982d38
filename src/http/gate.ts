// The gate in front of every route: what a request must have before a route sees it. Deny by
// default; the order is: is it well formed, who sent it, may that user do this, is the rest in
// order.
import type { Auth, AuthDecision } from '#auth/open-auth.ts';
import type { Principal } from '#auth/principal.ts';
import { bodyBytesMax, frontInFlightBytesMax } from '#limits.ts';
import { type CodedAnswer, codedAnswer } from './coded-answer.ts';
import type { Exchange } from './exchange.ts';
import type { Route } from './route.ts';

/** What the gate decides by. */
export interface GateOptions {
  readonly auth: Auth;
  /** Names and addresses clients may use in `Host`; undefined: any. Lower case, without port. */
  readonly hosts: ReadonlySet<string> | undefined;
  /** Largest body, bytes. */
  readonly bodyBytesMax?: number;
  /** Told of everything that is turned away for who sent it. */
  readonly onDenied: (exchange: Exchange, code: CodedAnswer['code'], user: string) => void;
}

/** Lets requests through or answers them. */
export class Gate {
  readonly #options: GateOptions;
  /** Largest body, bytes. */
  readonly bodyBytesMax: number;
  #heldBytes = 0;

  constructor(options: GateOptions) {
    this.#options = options;
    this.bodyBytesMax = options.bodyBytesMax ?? bodyBytesMax;
  }

  /** Calls `pass` when the request may go on, at once or later; answers it otherwise. */
  check(
    exchange: Exchange,
    route: Route,
    parameterFault: string | undefined,
    pass: () => void,
  ): void {
    const fault = formFault(exchange, this.#options.hosts);
    if (fault !== undefined) {
      exchange.error(fault);
      return;
    }
    const header = exchange.message.headers.authorization;
    if (header === undefined) {
      this.#withoutCredentials(exchange, route, parameterFault, pass);
      return;
    }
    const principal = this.#options.auth.remembered(header);
    if (principal !== undefined) {
      this.#known(exchange, route, principal, parameterFault, pass);
      return;
    }
    this.#options.auth.prove(header, exchange.address, (decision) => {
      if (decision.kind === 'principal') {
        this.#known(exchange, route, decision.principal, parameterFault, pass);
      } else this.#turnAway(exchange, decision);
    });
  }

  /** The request was answered: its bytes are free again. */
  release(exchange: Exchange): void {
    this.#heldBytes -= exchange.heldBytes;
    exchange.heldBytes = 0;
  }

  #withoutCredentials(
    exchange: Exchange,
    route: Route,
    parameterFault: string | undefined,
    pass: () => void,
  ): void {
    const { anonymous } = this.#options.auth;
    // An empty list means `any user`, which nobody without a name is.
    if (anonymous?.mayAll(route.permissions) === true && route.permissions.length > 0) {
      this.#known(exchange, route, anonymous, parameterFault, pass);
    } else if (route.anonymous) this.#rest(exchange, route, parameterFault, pass);
    else {
      this.#options.onDenied(exchange, 'unauthenticated', '');
      exchange.error(unauthenticated(route));
    }
  }

  #turnAway(exchange: Exchange, decision: Exclude<AuthDecision, { kind: 'principal' }>): void {
    const code = decision.kind === 'wait' ? 'too_many_attempts' : 'unauthenticated';
    this.#options.onDenied(exchange, code, decision.user);
    exchange.error(
      decision.kind === 'wait'
        ? codedAnswer(code, tooManyAttempts, applied(exchange.route), decision.seconds)
        : unauthenticated(exchange.route),
    );
  }

  #known(
    exchange: Exchange,
    route: Route,
    principal: Principal,
    parameterFault: string | undefined,
    pass: () => void,
  ): void {
    exchange.principal = principal;
    if (principal.mayAll(route.permissions)) {
      this.#rest(exchange, route, parameterFault, pass);
      return;
    }
    this.#options.onDenied(exchange, 'permission_denied', principal.name);
    const needed = route.permissions.join(' and ');
    const message = `This user lacks the permission ${needed}; an administrator can give it in the auth file`;
    exchange.error(codedAnswer('permission_denied', message, applied(route)));
  }

  /** What is wrong with a request may be said to those who may send it. */
  #rest(
    exchange: Exchange,
    route: Route,
    parameterFault: string | undefined,
    pass: () => void,
  ): void {
    const fault =
      parameterFault !== undefined
        ? codedAnswer('bad_request', parameterFault, applied(route))
        : (crossSiteFault(exchange, route) ?? mediaFault(exchange, route) ?? this.#hold(exchange));
    if (fault === undefined) pass();
    else exchange.error(fault);
  }

  /** Counts the body that is about to be read against what all requests together may hold. */
  #hold(exchange: Exchange): CodedAnswer | undefined {
    const { headers, method } = exchange.message;
    if (method === 'GET') return undefined;
    const announced = Number(headers['content-length'] ?? this.bodyBytesMax);
    const bytes = Math.min(announced, this.bodyBytesMax);
    if (this.#heldBytes + bytes > frontInFlightBytesMax) {
      return codedAnswer('queue_full', 'Too many bytes of requests are in work; try again', 'no');
    }
    this.#heldBytes += bytes;
    exchange.heldBytes = bytes;
    return undefined;
  }
}

const applied = (route: Route | undefined): 'no' | undefined =>
  route?.changes === true ? 'no' : undefined;

const unauthenticated = (route: Route | undefined): CodedAnswer =>
  codedAnswer('unauthenticated', 'Valid credentials are needed (HTTP Basic)', applied(route));

const tooManyAttempts =
  'Too many logins failed from this address or for this user, or too many are under way; wait, then try again';

/** RFC 9112 3.2: one Host, and a target that does not name another. */
const formFault = (
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

/** Pages of other sites send what their visitors did not ask for; programs send neither header. */
const crossSiteFault = (exchange: Exchange, route: Route): CodedAnswer | undefined => {
  if (!route.changes) return undefined;
  const { headers } = exchange.message;
  const site = headers['sec-fetch-site'];
  const siteOk = site === undefined || site === 'same-origin' || site === 'none';
  const originOk = headers.origin === undefined || headers.origin === `https://${headers.host}`;
  return siteOk && originOk
    ? undefined
    : codedAnswer('permission_denied', 'Pages of other sites may not change anything here', 'no');
};

const mediaFault = (exchange: Exchange, route: Route): CodedAnswer | undefined => {
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
    applied(route),
  );
