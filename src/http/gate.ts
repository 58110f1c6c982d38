// The gate in front of every route: what a request must have before a route sees it. Deny by
// default; the order is: is it well formed, who sent it, may that user do this, is the rest in
// order.

import type { Login } from '#auth/login.ts';
import type { Auth, AuthDecision } from '#auth/open-auth.ts';
import type { ErrorCode } from '#errors.ts';
import { frontInFlightBytesMax } from '#limits.ts';
import type { FrontAudit } from './audit.ts';
import type { ClientCertificates } from './client-certificates.ts';
import { type CodedAnswer, codedAnswer } from './coded-answer.ts';
import type { ConnectionLogins } from './connection-logins.ts';
import type { Exchange } from './exchange.ts';
import { crossSiteFault, formFault, mediaFault, untouched } from './request-form.ts';
import { isBodyless, type Route } from './route.ts';

/** What the gate decides by. */
export interface GateOptions {
  readonly auth: Auth;
  /** Names and addresses clients may use in `Host`; undefined: any. Lower case, without port. */
  readonly hosts: ReadonlySet<string> | undefined;
  /** Largest body, bytes. */
  readonly bodyBytesMax: number;
  /** Client certificates as identity beside Basic; undefined: they say nothing. */
  readonly certificates: ClientCertificates | undefined;
  readonly audit: FrontAudit;
  /** Learns who uses which connection. */
  readonly connections: ConnectionLogins;
  /** `compat.statusCodes`: 401 for everything that is turned away, as rqlite. */
  readonly alwaysUnauthorized: boolean;
  /** Told of everything that is turned away for who sent it. */
  readonly onDenied: (exchange: Exchange, code: ErrorCode, user: string) => void;
}

/** Lets requests through or answers them. */
export class Gate {
  readonly #options: GateOptions;
  /** Largest body, bytes. */
  readonly bodyBytesMax: number;
  #heldBytes = 0;

  constructor(options: GateOptions) {
    this.#options = options;
    this.bodyBytesMax = options.bodyBytesMax;
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
    const shown = this.#options.certificates?.shownBy(exchange.message.socket) ?? noCertificate;
    // One that is there and wrong is never taken for none, whatever else the request brings.
    if (shown.kind === 'refused') {
      this.#turnAway(exchange, 'unauthenticated', '', unauthenticated(route));
      return;
    }
    if (header === undefined) {
      if (shown.kind === 'user') this.#byCertificate(exchange, route, shown, parameterFault, pass);
      else this.#withoutCredentials(exchange, route, parameterFault, pass);
      return;
    }
    const login = this.#options.auth.remembered(header, exchange.address);
    if (login !== undefined) {
      this.#known(exchange, route, login, parameterFault, pass);
      return;
    }
    this.#options.auth.prove(header, exchange.address, (decision) => {
      if (decision.kind === 'proved') {
        this.#known(exchange, route, decision.login, parameterFault, pass);
      } else this.#notProved(exchange, route, decision);
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
    const open = anonymous?.mayAll(route.permissions) === true && route.permissions.length > 0;
    if (open && anonymous.mayComeFrom(exchange.address)) {
      const login: Login = { principal: anonymous, by: 'nothing', tokenId: '' };
      this.#known(exchange, route, login, parameterFault, pass);
    } else if (route.anonymous) this.#rest(exchange, route, parameterFault, pass);
    else this.#turnAway(exchange, 'unauthenticated', '', unauthenticated(route));
  }

  #byCertificate(
    exchange: Exchange,
    route: Route,
    shown: { readonly name: string },
    parameterFault: string | undefined,
    pass: () => void,
  ): void {
    const principal = this.#options.auth.principal(shown.name);
    if (principal?.mayComeFrom(exchange.address) !== true) {
      this.#turnAway(exchange, 'unauthenticated', shown.name, unauthenticated(route));
      return;
    }
    const login: Login = { principal, by: 'certificate', tokenId: '' };
    this.#known(exchange, route, login, parameterFault, pass);
  }

  #notProved(
    exchange: Exchange,
    route: Route,
    decision: Exclude<AuthDecision, { kind: 'proved' }>,
  ): void {
    const { user } = decision;
    if (decision.kind === 'rejected') {
      this.#turnAway(exchange, 'unauthenticated', user, unauthenticated(route));
      return;
    }
    const code = 'too_many_attempts';
    const { seconds } = decision;
    this.#turnAway(
      exchange,
      code,
      user,
      codedAnswer(code, tooManyAttempts, untouched(route), seconds),
    );
  }

  #turnAway(exchange: Exchange, code: ErrorCode, user: string, answer: CodedAnswer): void {
    exchange.turnedAway = true;
    this.#options.audit.denied(exchange, code, user);
    this.#options.onDenied(exchange, code, user);
    exchange.error(this.#options.alwaysUnauthorized ? { ...answer, status: 401 } : answer);
  }

  #known(
    exchange: Exchange,
    route: Route,
    login: Login,
    parameterFault: string | undefined,
    pass: () => void,
  ): void {
    const { principal } = login;
    exchange.principal = principal;
    const isNew = this.#options.connections.note(exchange.message.socket, login);
    if (principal.mayAll(route.permissions)) {
      const admitted = (): void => this.#rest(exchange, route, parameterFault, pass);
      const refused = (answer: CodedAnswer): void => exchange.error(answer);
      this.#options.audit.admit(exchange, route, login, isNew, admitted, refused);
      return;
    }
    const code = 'permission_denied';
    const needed = route.permissions.join(' and ');
    const message = `This user lacks the permission ${needed}; an administrator can give it in the auth file`;
    this.#turnAway(exchange, code, principal.name, codedAnswer(code, message, untouched(route)));
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
        ? codedAnswer('bad_request', parameterFault, untouched(route))
        : (crossSiteFault(exchange, route) ?? mediaFault(exchange, route) ?? this.#hold(exchange));
    if (fault === undefined) pass();
    else exchange.error(fault);
  }

  /** Counts the body that is about to be read against what all requests together may hold. */
  #hold(exchange: Exchange): CodedAnswer | undefined {
    const { headers, method } = exchange.message;
    if (isBodyless(method)) return undefined;
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

const noCertificate = { kind: 'none' } as const;

const unauthenticated = (route: Route): CodedAnswer =>
  codedAnswer(
    'unauthenticated',
    'Valid credentials are needed (HTTP Basic, a token or a client certificate)',
    untouched(route),
  );

const tooManyAttempts =
  'Too many logins failed from this address or for this user, or too many are under way; wait, then try again';
