// What a front tells the audit log: who was turned away, who was recognised, what was administered.
// Data itself is not here: every write is in the Raft log with its user and its request.

import type { AuditEvent } from '#audit/audit-event.ts';
import { Repeats } from '#audit/repeats.ts';
import { sourceOf } from '#auth/attempt-limiter.ts';
import type { Login } from '#auth/login.ts';
import type { Permission } from '#auth/permission.ts';
import type { ErrorCode } from '#errors.ts';
import { type CodedAnswer, codedAnswer } from './coded-answer.ts';
import type { Exchange } from './exchange.ts';
import { untouched } from './request-form.ts';
import type { Route } from './route.ts';

/** Where events go. */
export interface AuditOptions {
  /** `done` is told once whether the event is durable. */
  readonly record: (event: AuditEvent, done: (durable: boolean) => void) => void;
  /** `audit.onFailure`: what cannot be kept is refused (else it is done all the same). */
  readonly refuse: boolean;
  /** A monotonic clock, milliseconds. */
  readonly nowMs: () => number;
}

/** Permissions that administer: what they open is in the audit log before it is done. */
const administering: ReadonlySet<Permission> = new Set<Permission>([
  'admin',
  'backup',
  'load',
  'snapshot',
  'leader-ops',
  'remove',
  'kill',
  'join',
  'join-read-only',
  'join-read-replica',
]);

const flushEveryMs = 1000;

/** Whether a route administers; who leads may be asked without a line. */
const isAdministration = ({ permissions, changes }: Route): boolean =>
  permissions.some((name) => administering.has(name) && (changes || name === 'backup'));

const actionOf = ({ message, path }: Exchange): string => `${message.method ?? ''} ${path}`;

const byOf = ({ by, tokenId }: Login): string => (tokenId === '' ? by : `${by} ${tokenId}`);

/** The audit of one front. */
export class FrontAudit {
  readonly #options: AuditOptions;
  readonly #repeats: Repeats;
  readonly #timer: NodeJS.Timeout;
  readonly #administered = new WeakSet<Exchange>();
  #failing = false;

  constructor(options: AuditOptions) {
    this.#options = options;
    this.#repeats = new Repeats(options.nowMs, (event) => this.#record(event, () => {}));
    this.#timer = setInterval(() => this.#repeats.flush(), flushEveryMs);
    this.#timer.unref();
  }

  /** Somebody was turned away; `user` as claimed. */
  denied(exchange: Exchange, code: ErrorCode, user: string): void {
    const { requestId, address } = exchange;
    // Whoever has to wait tries other names; the address is what is the same.
    const who = code === 'too_many_attempts' ? '' : user;
    this.#repeats.add(`${code} ${who} ${sourceOf(address)}`, {
      event: 'denied',
      requestId,
      ...(user === '' ? {} : { user }),
      address,
      action: actionOf(exchange),
      code,
    });
  }

  /**
   * A request of somebody who may do what it asks. `pass` is called when it may go on: at once, or
   * when what has to be durable is; `refuse` when that cannot be.
   */
  admit(
    exchange: Exchange,
    route: Route,
    login: Login,
    isNewLogin: boolean,
    pass: () => void,
    refuse: (answer: CodedAnswer) => void,
  ): void {
    const settled = (durable: boolean): void => {
      if (durable || !this.#options.refuse) pass();
      else refuse(codedAnswer('audit_failed', notKept, untouched(route)));
    };
    if (isNewLogin) {
      const { requestId, address } = exchange;
      const user = login.principal.name;
      const event: AuditEvent = { event: 'login', requestId, user, by: byOf(login), address };
      // While nothing can be kept nobody new changes anything: this line shows whether it can.
      if (this.#failing && this.#options.refuse && route.changes) {
        this.#record(event, settled);
        return;
      }
      this.#repeats.add(`login ${user} ${event.by ?? ''} ${address}`, event);
    }
    if (!isAdministration(route)) {
      pass();
      return;
    }
    this.#administered.add(exchange);
    this.#record(this.#administration(exchange, login), settled);
  }

  /** A request was answered. */
  answered(exchange: Exchange): void {
    const { requestId, status, refusalCode, principal } = exchange;
    if (this.#administered.has(exchange)) {
      const code = refusalCode === undefined ? {} : { code: refusalCode };
      const user = principal?.name ?? '';
      const action = actionOf(exchange);
      this.#record({ event: 'administered', requestId, user, action, status, ...code }, () => {});
    } else if (status === 403 && !exchange.turnedAway) {
      // The rules of the user, or the leader's file, said no.
      this.denied(exchange, refusalCode ?? 'permission_denied', principal?.name ?? '');
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#repeats.flush(true);
  }

  #administration(exchange: Exchange, login: Login): AuditEvent {
    const { requestId, address } = exchange;
    const user = login.principal.name;
    const action = actionOf(exchange);
    return { event: 'administration', requestId, user, by: byOf(login), address, action };
  }

  #record(event: AuditEvent, done: (durable: boolean) => void): void {
    this.#options.record(event, (durable) => {
      this.#failing = !durable;
      done(durable);
    });
  }
}

const notKept =
  'The audit log cannot be written, and what it does not hold is not done here (audit.onFailure); see the log of the node';
