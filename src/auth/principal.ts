// Who a request comes from, and what that user may do. Sets, never plain objects: a user called
// `constructor` must have no permission that nobody gave.
import type { Permission } from './permission.ts';

/** A user of the auth file, or the anonymous one. Replaced as a whole by a reload. */
export class Principal {
  readonly name: string;
  readonly permissions: ReadonlySet<Permission>;

  constructor(name: string, permissions: ReadonlySet<Permission>) {
    this.name = name;
    this.permissions = permissions;
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
