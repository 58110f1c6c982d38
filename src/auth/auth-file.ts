// The auth file: rqlite's JSON array of users, read strictly. Anything that could give somebody
// more than was meant (a key or a user given twice, a permission that does not exist, a missing
// field) is refused with its line; nothing is ever inherited from the entry before.
import { CodedError } from '#errors.ts';
import { isUserName } from '#identity/user-name.ts';
import { bcryptCostMax, bcryptCostMin, bcryptCostOf, passwordFault } from './password.ts';
import { isPermission, type Permission, permissionNames } from './permission.ts';
import { type JsonNode, parseStrictJson } from './strict-json.ts';

/** The name that stands for requests without credentials. */
export const anonymousName = '*';

/** How a user proves who it is. */
export type Credential =
  | { readonly kind: 'bcrypt'; readonly hash: string; readonly cost: number }
  | { readonly kind: 'plaintext'; readonly password: string }
  | { readonly kind: 'none' };

/** One entry of the file. */
export interface FileUser {
  readonly name: string;
  readonly credential: Credential;
  readonly permissions: ReadonlySet<Permission>;
}

/** What the operator allows beyond the defaults. */
export interface AuthFileRules {
  /** `compat.plaintextPasswords`: passwords that are no hash are taken as they are. */
  readonly plaintextPasswords: boolean;
  /** What the user `*` may hold: `insecure.anonymous`; health only by default. */
  readonly anonymousPermissions: readonly Permission[];
}

/** What anonymous requests may always be given. */
export const anonymousPermissionsDefault: readonly Permission[] = ['ready'];

/** A file is a list of objects of strings and one list: no honest one nests deeper. */
const depthMax = 8;
const usersMax = 10_000;

/**
 * The users of an auth file by name.
 *
 * @throws CodedError `auth_file_invalid` with line and reason
 */
export const authFileFrom = (text: string, rules: AuthFileRules): ReadonlyMap<string, FileUser> => {
  const parsed = parseStrictJson(text, depthMax);
  if (parsed.kind === 'fault') refuse(parsed.line, parsed.reason);
  const list = parsed.value;
  if (list.kind !== 'array') refuse(list.line, 'the file must be an array of users');
  if (list.items.length > usersMax) refuse(list.line, `more than ${usersMax} users`);
  const users = new Map<string, FileUser>();
  for (const item of list.items) {
    const user = userFrom(item, rules);
    if (users.has(user.name)) refuse(item.line, `the user ${user.name} is listed twice`);
    users.set(user.name, user);
  }
  requireAdministrator(list.line, users);
  return users;
};

const refuse: (line: number, reason: string) => never = (line, reason) => {
  throw new CodedError('auth_file_invalid', `line ${line}: ${reason}`, {
    hint: 'Correct the auth file; until then the users of the last good one stay in force. `stockade user check` reads it the same way.',
  });
};

const userFrom = (item: JsonNode, rules: AuthFileRules): FileUser => {
  if (item.kind !== 'object') refuse(item.line, 'every user must be an object');
  for (const [key, value] of item.members) {
    if (key !== 'username' && key !== 'password' && key !== 'perms') {
      refuse(value.line, `unknown key ${JSON.stringify(key)}`);
    }
  }
  const name = nameFrom(item.line, item.members.get('username'));
  const permissions = permissionsFrom(item.line, item.members.get('perms'));
  const password = item.members.get('password');
  if (name === anonymousName) {
    requireAnonymous(item.line, password, permissions, rules);
    return { name, permissions, credential: { kind: 'none' } };
  }
  return { name, permissions, credential: credentialFrom(item.line, password, rules) };
};

const nameFrom = (line: number, node: JsonNode | undefined): string => {
  if (node === undefined) refuse(line, 'a user has no "username"');
  if (node.kind !== 'string') refuse(node.line, '"username" must be a string');
  if (node.value !== anonymousName && !isUserName(node.value)) {
    refuse(node.line, 'a user name has 1 to 64 letters, digits and the characters . _ @ -');
  }
  return node.value;
};

const permissionsFrom = (line: number, node: JsonNode | undefined): ReadonlySet<Permission> => {
  if (node === undefined) refuse(line, 'a user has no "perms" (an empty list is allowed)');
  if (node.kind !== 'array') refuse(node.line, '"perms" must be an array of names');
  const permissions = new Set<Permission>();
  for (const item of node.items) {
    if (item.kind !== 'string') refuse(item.line, '"perms" must be an array of names');
    if (!isPermission(item.value)) {
      refuse(
        item.line,
        `unknown permission ${JSON.stringify(item.value)}; there are ${permissionNames.join(', ')}`,
      );
    }
    permissions.add(item.value);
  }
  return permissions;
};

const credentialFrom = (
  line: number,
  node: JsonNode | undefined,
  rules: AuthFileRules,
): Credential => {
  if (node === undefined) refuse(line, 'a user has no "password"');
  if (node.kind !== 'string') refuse(node.line, '"password" must be a string');
  const cost = bcryptCostOf(node.value);
  if (cost !== undefined) return { kind: 'bcrypt', hash: node.value, cost };
  if (node.value.startsWith('$2')) {
    refuse(
      node.line,
      `the password looks like a bcrypt hash, but is none of $2a$, $2b$, $2y$ with a cost from ${bcryptCostMin} to ${bcryptCostMax}`,
    );
  }
  if (!rules.plaintextPasswords) {
    refuse(node.line, 'the password is no bcrypt hash; make one with `stockade user passwd`');
  }
  const fault = passwordFault(node.value);
  if (fault !== undefined) refuse(node.line, `this cannot be a password: ${fault}`);
  return { kind: 'plaintext', password: node.value };
};

const requireAnonymous = (
  line: number,
  password: JsonNode | undefined,
  permissions: ReadonlySet<Permission>,
  rules: AuthFileRules,
): void => {
  if (password !== undefined && !(password.kind === 'string' && password.value === '')) {
    refuse(line, 'the user * stands for everybody and has no password');
  }
  for (const permission of permissions) {
    if (rules.anonymousPermissions.includes(permission)) continue;
    refuse(
      line,
      `the user * may not hold ${JSON.stringify(permission)} unless insecure.anonymous names it`,
    );
  }
};

const requireAdministrator = (line: number, users: ReadonlyMap<string, FileUser>): void => {
  for (const user of users.values()) {
    if (user.name === anonymousName) continue;
    if (user.permissions.has('all') || user.permissions.has('admin')) return;
  }
  refuse(line, 'no user holds "all" or "admin", so nobody could put this file right');
};
