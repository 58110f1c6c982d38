// One user of the auth file, read strictly: every entry starts empty, every key is known, and what
// is left out gives nothing.
import { isUserName } from '#identity/user-name.ts';
import type { AddressRange } from './address-range.ts';
import { type FileToken, isTokenDigest, isTokenId } from './bearer-token.ts';
import { bcryptCostMax, bcryptCostMin, bcryptCostOf, passwordFault } from './password.ts';
import { isPermission, type Permission, permissionNames } from './permission.ts';
import { refuse } from './refuse-auth-file.ts';
import type { JsonNode } from './strict-json.ts';
import type { TableRules } from './table-rules.ts';
import { allowFromOf, deadlineMsOf, tableRulesOf, textOf, textsOf } from './user-rules.ts';

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
  /** `none`: no password is right; a certificate or a token may still name this user. */
  readonly credential: Credential;
  readonly permissions: ReadonlySet<Permission>;
  /** From where this user may come; undefined: from anywhere. */
  readonly allowFrom: readonly AddressRange[] | undefined;
  /** Which tables this user may read and write; undefined: all. */
  readonly tables: TableRules | undefined;
  /** How long one read of this user may run; undefined: as long as the server lets any. */
  readonly deadlineMs: number | undefined;
  readonly tokens: readonly FileToken[];
  /** Line of the file, from 1. */
  readonly line: number;
}

/** What the operator allows beyond the defaults. */
export interface AuthFileRules {
  /** `compat.plaintextPasswords`: passwords that are no hash are taken as they are. */
  readonly plaintextPasswords: boolean;
  /** What the user `*` may hold: `insecure.anonymous`; health only by default. */
  readonly anonymousPermissions: readonly Permission[];
}

const keys: ReadonlySet<string> = new Set([
  'username',
  'password',
  'perms',
  'allow_from',
  'tables',
  'tokens',
  'statement_deadline_ms',
]);
const tokenKeys: ReadonlySet<string> = new Set(['id', 'sha256', 'expires', 'note', 'perms']);
const tokensMax = 100;
const noteCharactersMax = 200;

/** They reach every table, whatever the rules. */
const beyondTables: readonly Permission[] = ['all', 'backup', 'load'];

/** @throws CodedError `auth_file_invalid` with line and reason */
export const userFrom = (item: JsonNode, rules: AuthFileRules): FileUser => {
  if (item.kind !== 'object') refuse(item.line, 'every user must be an object');
  const { line, members } = item;
  refuseUnknownKeys(members, keys);
  const name = nameFrom(line, members.get('username'));
  const permissions = permissionsFrom(line, members.get('perms'));
  const tables = tableRulesOf(members.get('tables'));
  const beyond = beyondTables.find((permission) => permissions.has(permission));
  if (tables !== undefined && beyond !== undefined) {
    refuse(line, `"tables" cannot bind a user who holds ${JSON.stringify(beyond)}`);
  }
  const common = {
    name,
    permissions,
    allowFrom: allowFromOf(members.get('allow_from')),
    tables,
    deadlineMs: deadlineMsOf(members.get('statement_deadline_ms')),
    line,
  };
  const password = members.get('password');
  const tokens = tokensFrom(members.get('tokens'));
  if (name === anonymousName) {
    if (tokens.length > 0) refuse(line, 'the user * stands for everybody and has no tokens');
    requireAnonymous(line, password, permissions, rules);
    return { ...common, credential: { kind: 'none' }, tokens };
  }
  return { ...common, credential: credentialFrom(line, password, rules), tokens };
};

const refuseUnknownKeys = (
  members: ReadonlyMap<string, JsonNode>,
  known: ReadonlySet<string>,
): void => {
  for (const [key, value] of members) {
    if (!known.has(key)) refuse(value.line, `unknown key ${JSON.stringify(key)}`);
  }
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
  const permissions = new Set<Permission>();
  for (const { line: at, text } of textsOf(node, 'perms')) {
    if (!isPermission(text)) {
      refuse(
        at,
        `unknown permission ${JSON.stringify(text)}; there are ${permissionNames.join(', ')}`,
      );
    }
    permissions.add(text);
  }
  return permissions;
};

const credentialFrom = (
  line: number,
  node: JsonNode | undefined,
  rules: AuthFileRules,
): Credential => {
  if (node === undefined) refuse(line, 'a user has no "password"');
  if (node.kind === 'literal' && node.value === null) return { kind: 'none' };
  if (node.kind !== 'string') refuse(node.line, '"password" must be a string or null');
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
  const empty =
    password === undefined ||
    (password.kind === 'string' && password.value === '') ||
    (password.kind === 'literal' && password.value === null);
  if (!empty) refuse(line, 'the user * stands for everybody and has no password');
  for (const permission of permissions) {
    if (rules.anonymousPermissions.includes(permission)) continue;
    refuse(
      line,
      `the user * may not hold ${JSON.stringify(permission)} unless insecure.anonymous names it`,
    );
  }
};

const tokensFrom = (node: JsonNode | undefined): readonly FileToken[] => {
  if (node === undefined) return [];
  if (node.kind !== 'array') refuse(node.line, '"tokens" must be an array of tokens');
  if (node.items.length > tokensMax) refuse(node.line, `a user has at most ${tokensMax} tokens`);
  return node.items.map(tokenFrom);
};

const tokenFrom = (item: JsonNode): FileToken => {
  if (item.kind !== 'object') refuse(item.line, 'every token must be an object');
  const { line, members } = item;
  refuseUnknownKeys(members, tokenKeys);
  const id = textOf(line, members.get('id'), 'id');
  if (!isTokenId(id)) refuse(line, 'the "id" of a token has 16 hexadecimal digits');
  const digest = textOf(line, members.get('sha256'), 'sha256');
  if (!isTokenDigest(digest)) refuse(line, '"sha256" of a token has 64 hexadecimal digits');
  const expires = textOf(line, members.get('expires'), 'expires');
  const expiresMs = utcPattern.test(expires) ? Date.parse(expires) : Number.NaN;
  if (Number.isNaN(expiresMs)) {
    refuse(line, '"expires" of a token must be a time such as 2027-01-31T00:00:00Z');
  }
  const note = members.get('note');
  const noteFits = note?.kind === 'string' && note.value.length <= noteCharactersMax;
  if (note !== undefined && !noteFits) {
    refuse(line, `"note" of a token must be a string of at most ${noteCharactersMax} characters`);
  }
  const perms = members.get('perms');
  const permissions = perms === undefined ? undefined : [...permissionsFrom(line, perms)];
  return { id, digest, expiresMs, permissions };
};

const utcPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/;
