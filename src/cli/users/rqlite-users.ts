// The users of rqlite's auth file as users of ours. rqlite lets an entry that leaves out password
// or permissions inherit those of the entry before; nobody means that, so such a file is refused.
import { bcryptCostOf, hashPassword, passwordFault } from '#auth/password.ts';
import { isPermission } from '#auth/permission.ts';
import { type JsonNode, parseStrictJson } from '#auth/strict-json.ts';
import { CodedError } from '#errors.ts';
import { isUserName } from '#identity/user-name.ts';
import type { RawUser } from './auth-file-edit.ts';

/** What came of a file. */
export interface RqliteUsers {
  readonly users: readonly RawUser[];
  /** What the operator should know, a sentence each. */
  readonly remarks: readonly string[];
}

/** Everybody's permissions; more of them only with `insecure.anonymous`. */
const anonymousMay = 'ready';
const depthMax = 4;
const charactersGood = 15;

const refuse: (line: number, reason: string) => never = (line, reason) => {
  throw new CodedError('auth_file_invalid', `line ${line} of rqlite's file: ${reason}`, {
    hint: 'Correct that file and import it again; nothing was changed.',
  });
};

const text = (line: number, node: JsonNode | undefined, key: string): string => {
  if (node === undefined) {
    refuse(line, `"${key}" is missing; rqlite would give this user that of the user before`);
  }
  if (node.kind !== 'string') refuse(node.line, `"${key}" is no string`);
  return node.value;
};

/** @throws CodedError `auth_file_invalid` with the line of rqlite's file */
export const rqliteUsersFrom = (source: string): RqliteUsers => {
  const parsed = parseStrictJson(source, depthMax);
  if (parsed.kind === 'fault') refuse(parsed.line, parsed.reason);
  const list = parsed.value;
  if (list.kind !== 'array') refuse(list.line, 'it is no array of users');
  const remarks: string[] = [];
  // Everything is read before the first hash is made: those take a third of a second each.
  const read = list.items.map((item) => userFrom(item, remarks));
  const users = read.map(({ user, password }) =>
    password === undefined ? user : { ...user, password: hashPassword(password) },
  );
  return { users, remarks };
};

/** A user, and the password that still has to be hashed. */
interface ReadUser {
  readonly user: RawUser;
  readonly password?: string;
}

const userFrom = (item: JsonNode, remarks: string[]): ReadUser => {
  if (item.kind !== 'object') refuse(item.line, 'a user is no object');
  const { line, members } = item;
  for (const [key, value] of members) {
    if (!['username', 'password', 'perms'].includes(key)) refuse(value.line, `what is "${key}"?`);
  }
  const username = text(line, members.get('username'), 'username');
  if (username !== '*' && !isUserName(username)) {
    refuse(line, 'a user name has 1 to 64 letters, digits and the characters . _ @ -');
  }
  const perms = permsFrom(line, members.get('perms'));
  if (username === '*') return { user: anonymous(perms, remarks) };
  const password = text(line, members.get('password'), 'password');
  if (bcryptCostOf(password) !== undefined) return { user: { username, password, perms } };
  const fault = passwordFault(password);
  if (fault !== undefined) refuse(line, `the password of ${username} cannot be taken: ${fault}`);
  if (Array.from(password).length < charactersGood) {
    remarks.push(
      `${username}: its password is short; give it another: stockade user passwd ${username}`,
    );
  }
  return { user: { username, perms }, password };
};

const permsFrom = (line: number, node: JsonNode | undefined): readonly string[] => {
  if (node === undefined) {
    refuse(line, '"perms" is missing; rqlite would give this user those of the user before');
  }
  if (node.kind !== 'array') refuse(node.line, '"perms" is no array');
  return node.items.map((item) => {
    const name = text(node.line, item, 'perms');
    if (!isPermission(name)) refuse(item.line, `unknown permission ${JSON.stringify(name)}`);
    return name;
  });
};

const anonymous = (perms: readonly string[], remarks: string[]): RawUser => {
  const left = perms.filter((perm) => perm !== anonymousMay);
  if (left.length > 0) {
    remarks.push(
      `*: ${left.join(', ')} for everybody is not taken over; insecure.anonymous is needed for that`,
    );
  }
  return { username: '*', perms: perms.filter((perm) => perm === anonymousMay) };
};
