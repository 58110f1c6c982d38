// The first administrator of a cluster: a name, a random password, and its line in the auth file.
import { hashPassword } from '#auth/password.ts';
import { userNameFrom } from '#identity/user-name.ts';
import type { Random } from '#io/random.ts';

/** The administrator's name. */
export const adminName = userNameFrom('admin');

/** 144 bits: nobody guesses it, and it can be typed. */
const passwordBytes = 18;

/** What is made once and written down. */
export interface Administrator {
  readonly password: string;
  /** The text of an auth file with this one user. */
  readonly authFile: string;
}

/** A new administrator. */
export const newAdministrator = (random: Random): Administrator => {
  const password = Buffer.from(random.bytes(passwordBytes)).toString('base64url');
  const users = [{ username: adminName, password: hashPassword(password), perms: ['all'] }];
  return { password, authFile: `${JSON.stringify(users, null, 2)}\n` };
};
