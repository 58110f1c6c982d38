// Who a request comes from, and what that user may do. Sets, never plain objects: a user called
// `constructor` must have no permission that nobody gave.
import { type AddressRange, inRanges } from './address-range.ts';
import type { Permission } from './permission.ts';
import type { TableRules } from './table-rules.ts';

/** What a user of the auth file may do, and from where. */
export interface PrincipalRules {
  readonly permissions: ReadonlySet<Permission>;
  /** Undefined: from anywhere. */
  readonly allowFrom?: readonly AddressRange[] | undefined;
  /** Undefined: every table. */
  readonly tables?: TableRules | undefined;
}

/** A user of the auth file, or the anonymous one. Replaced as a whole by a reload. */
export class Principal {
  readonly name: string;
  readonly permissions: ReadonlySet<Permission>;
  /** Which tables its statements may reach; undefined: all. */
  readonly tables: TableRules | undefined;
  readonly #allowFrom: readonly AddressRange[] | undefined;

  constructor(name: string, rules: PrincipalRules) {
    this.name = name;
    this.permissions = rules.permissions;
    this.tables = rules.tables;
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

  /** Whether this user holds every one of the permissions; true for an empty list. */
  mayAll(permissions: readonly Permission[]): boolean {
    return permissions.every((permission) => this.may(permission));
  }
}
