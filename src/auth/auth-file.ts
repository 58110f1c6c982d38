// The auth file: rqlite's JSON array of users, read strictly. Anything that could give somebody
// more than was meant (a key, a user or a token given twice, a permission that does not exist, a
// missing field) is refused with its line; nothing is ever inherited from the entry before.
import { type AuthFileRules, anonymousName, type FileUser, userFrom } from './file-user.ts';
import type { Permission } from './permission.ts';
import { refuse } from './refuse-auth-file.ts';
import { parseStrictJson } from './strict-json.ts';

/** What anonymous requests may always be given. */
export const anonymousPermissionsDefault: readonly Permission[] = ['ready'];

/** Users, lists, tokens, their fields: no honest file nests deeper. */
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
  const tokenIds = new Set<string>();
  for (const item of list.items) {
    const user = userFrom(item, rules);
    if (users.has(user.name)) refuse(item.line, `the user ${user.name} is listed twice`);
    users.set(user.name, user);
    for (const { id } of user.tokens) {
      if (tokenIds.has(id)) refuse(item.line, `the token ${id} is listed twice`);
      tokenIds.add(id);
    }
  }
  if (!hasAdministrator(users.values())) {
    refuse(list.line, 'no user holds "all" or "admin", so nobody could put this file right');
  }
  return users;
};

/** Whether some user may administer: no file without one is taken. */
export const hasAdministrator = (users: Iterable<FileUser>): boolean => {
  for (const { name, permissions } of users) {
    if (name === anonymousName) continue;
    if (permissions.has('all') || permissions.has('admin')) return true;
  }
  return false;
};
