// Who a request comes from, and what that user may do. Sets, never plain objects: a user called
// `constructor` must have no permission that nobody gave.
import { type AddressRange, inRanges } from './address-range.ts';
import { type Permission, permissionNames } from './permission.ts';
import type { TableRules } from './table-rules.ts';

/** What a user of the auth file may do, and from where. */
export interface PrincipalRules {
  readonly permissions: ReadonlySet<Permission>;
  /** Undefined: from anywhere. */
  readonly allowFrom?: readonly AddressRange[] | undefined;
  /** Undefined: every table. */
  readonly tables?: TableRules | undefined;
  /** Of one read of its; undefined: the server's own. */
  readonly deadlineMs?: number | undefined;
}

/** A user of the auth file, or the anonymous one. Replaced as a whole by a reload. */
export class Principal {
  readonly name: string;
  readonly permissions: ReadonlySet<Permission>;
  /** Which tables its statements may reach; undefined: all. */
  readonly tables: TableRules | undefined;
  /** How long one read of this user may run; undefined: as long as the server lets any. */
  readonly deadlineMs: number | undefined;
  readonly #allowFrom: readonly AddressRange[] | undefined;

  constructor(name: string, rules: PrincipalRules) {
    this.name = name;
    this.permissions = rules.permissions;
    this.tables = rules.tables;
    this.deadlineMs = rules.deadlineMs;
    this.#allowFrom = rules.allowFrom;
  }

  /** Whether this user may come from an address, as a socket gives it. */
  mayComeFrom(address: string): boolean {
    return this.#allowFrom === undefined || inRanges(address, this.#allowFrom);
  }

  /**
   * Whether this user holds the permission, by its name or by `all`. `heavy` is not part of `all`:
   * a write without a bound that was let through stops every node of the cluster, so whoever may do
   * that was given it by name.
   */
  may(permission: Permission): boolean {
    if (this.permissions.has(permission)) return true;
    return permission !== 'heavy' && this.permissions.has('all');
  }

  /** This user with no more than what it holds and `permissions` hold as well: never more. */
  narrowedTo(permissions: ReadonlySet<Permission>): Principal {
    const { name, tables, deadlineMs } = this;
    const bound = new Principal(name, { permissions });
    const both = permissionNames.filter((each) => this.may(each) && bound.may(each));
    const rules = { tables, deadlineMs, allowFrom: this.#allowFrom };
    return new Principal(name, { permissions: new Set(both), ...rules });
  }

  /** How long a read may run that asks for `wantedMs`; undefined: as the server has it. */
  readMs(wantedMs: number | undefined): number | undefined {
    if (this.deadlineMs === undefined || wantedMs === undefined) return wantedMs ?? this.deadlineMs;
    return Math.min(wantedMs, this.deadlineMs);
  }

  /** Whether this user holds every one of the permissions; true for an empty list. */
  mayAll(permissions: readonly Permission[]): boolean {
    return permissions.every((permission) => this.may(permission));
  }
}
