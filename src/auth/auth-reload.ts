// What a reload of the auth file changed: for the log, and to know whose connections must end.
import type { Credential, FileUser } from './file-user.ts';
import type { Login } from './login.ts';

/** What a reload changed, by name of user or id of token. */
export interface AuthReload {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
  /** Ids of tokens that are gone. */
  readonly revoked: readonly string[];
  /** Users whose password is another one, or gone. */
  readonly newPasswords: readonly string[];
}

type Users = ReadonlyMap<string, FileUser>;

/** Whether two credentials are the same; nothing is the same as none. */
export const sameCredential = (
  left: Credential | undefined,
  right: Credential | undefined,
): boolean => JSON.stringify(left) === JSON.stringify(right) && left !== undefined;

/** Compares the users before and after. */
export const authReloadOf = (before: Users, after: Users): AuthReload => {
  const kept = [...after.values()].flatMap((user) => {
    const old = before.get(user.name);
    return old === undefined ? [] : [{ user, old }];
  });
  const tokensNow = new Set(tokenIdsOf(after));
  return {
    added: [...after.keys()].filter((name) => !before.has(name)),
    removed: [...before.keys()].filter((name) => !after.has(name)),
    changed: kept.filter(({ user, old }) => differs(old, user)).map(({ user }) => user.name),
    revoked: tokenIdsOf(before).filter((id) => !tokensNow.has(id)),
    newPasswords: kept
      .filter(({ user, old }) => !sameCredential(old.credential, user.credential))
      .map(({ user }) => user.name),
  };
};

/** Whether what proved a login is no longer there: its connections end at once. */
export const isTakenAway = (login: Login, reload: AuthReload): boolean => {
  const { name } = login.principal;
  if (reload.removed.includes(name)) return true;
  if (login.by === 'token') return reload.revoked.includes(login.tokenId);
  return login.by === 'password' && reload.newPasswords.includes(name);
};

const tokenIdsOf = (users: Users): readonly string[] =>
  [...users.values()].flatMap(({ tokens }) => tokens.map(({ id }) => id));

const differs = (before: FileUser, after: FileUser): boolean =>
  !sameCredential(before.credential, after.credential) || shown(before) !== shown(after);

const shown = (user: FileUser): string =>
  JSON.stringify([
    [...user.permissions].sort(),
    user.allowFrom,
    user.tables?.described,
    user.tokens,
    user.deadlineMs,
  ]);
