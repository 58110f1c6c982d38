// `stockade user add`, `passwd`, `remove`, `grant`, `revoke`, `rules`: edits of the auth file.
// A node that runs takes what they write within two seconds.
import { hashPassword } from '#auth/password.ts';
import type { Command, CommandInput, CommandOption } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-code.ts';
import { CodedError } from '#errors.ts';
import { isUserName } from '#identity/user-name.ts';
import {
  authFileOf,
  editUsers,
  fileOptions,
  type RawUser,
  readUsers,
  userNamed,
  withUser,
} from './auth-file-edit.ts';
import { newPassword, passwordOptions } from './new-password.ts';
import { listFrom, oneName, permissionsFrom, ruledBy, ruleOptions } from './user-options.ts';

const say = (sentence: string): number => {
  process.stderr.write(`${sentence}\n`);
  return exitCodes.done;
};

const permsOption: CommandOption = {
  name: 'perms',
  kind: 'text',
  value: 'NAMES',
  standard: '',
  meaning: 'its permissions, with commas between',
};

const noPasswordOption: CommandOption = {
  name: 'no-password',
  kind: 'switch',
  value: '',
  standard: 'false',
  meaning: 'no password is right: a certificate or a token names this user',
};

const hashOf = async (input: CommandInput, name: string): Promise<string | null> =>
  input.on('no-password') ? null : hashPassword(await newPassword(input, name));

const requireFree = (users: readonly RawUser[], name: string): void => {
  if (!users.some(({ username }) => username === name)) return;
  throw new CodedError('already_exists', `there is a user ${name} already`, {
    hint: 'Change it with: stockade user passwd, grant, revoke, rules',
  });
};

const add = async (input: CommandInput): Promise<number> => {
  const name = oneName(input, 'new user', 'stockade user add app --perms query,execute');
  if (!isUserName(name)) {
    throw new CodedError('usage', `${JSON.stringify(name)} is not a user name`, {
      hint: 'Use 1 to 64 letters, digits and the characters . _ @ -',
    });
  }
  const { path } = authFileOf(input);
  const perms = permissionsFrom(listFrom(input.text('perms')));
  requireFree(readUsers(path), name);
  const user = ruledBy(input, { username: name, password: await hashOf(input, name), perms });
  editUsers(path, (users) => {
    requireFree(users, name);
    return [...users, user];
  });
  return say(`${name} is added to ${path}`);
};

const passwd = async (input: CommandInput): Promise<number> => {
  const name = oneName(input, 'user', 'stockade user passwd app');
  const { path } = authFileOf(input);
  requirePerson(userNamed(readUsers(path), name));
  const password = await hashOf(input, name);
  editUsers(path, (users) => withUser(users, { ...userNamed(users, name), password }));
  return say(`${name} has ${password === null ? 'no password any longer' : 'a new password'}`);
};

const requirePerson = ({ username }: RawUser): void => {
  if (username === '*') throw new CodedError('usage', 'the user * stands for everybody');
};

const remove = async (input: CommandInput): Promise<number> => {
  const name = oneName(input, 'user', 'stockade user remove app');
  const { path } = authFileOf(input);
  editUsers(path, (users) => {
    userNamed(users, name);
    return users.filter(({ username }) => username !== name);
  });
  return say(`${name} is removed from ${path}; its open connections end when the file is taken`);
};

/** A user and at least one permission. */
const namedPermissions = (
  input: CommandInput,
  verb: string,
): { readonly name: string; readonly perms: readonly string[] } => {
  const [name, ...words] = input.words;
  const perms = permissionsFrom(words.flatMap(listFrom));
  if (name !== undefined && perms.length > 0) return { name, perms };
  throw new CodedError('usage', 'name a user and its permissions', {
    hint: `For example: stockade user ${verb} app query execute`,
  });
};

const grant = async (input: CommandInput): Promise<number> => {
  const { name, perms } = namedPermissions(input, 'grant');
  editUsers(authFileOf(input).path, (users) => {
    const user = userNamed(users, name);
    return withUser(users, { ...user, perms: [...new Set([...user.perms, ...perms])] });
  });
  return say(`${name} holds ${perms.join(', ')}`);
};

const revoke = async (input: CommandInput): Promise<number> => {
  const { name, perms } = namedPermissions(input, 'revoke');
  editUsers(authFileOf(input).path, (users) => {
    const user = userNamed(users, name);
    const missing = perms.find((perm) => !user.perms.includes(perm));
    if (missing !== undefined) {
      const hint = user.perms.includes('all')
        ? 'It holds all, which stands for every other: revoke all and grant what it needs.'
        : 'See: stockade user list';
      throw new CodedError('usage', `${name} does not hold ${missing}`, { hint });
    }
    return withUser(users, { ...user, perms: user.perms.filter((perm) => !perms.includes(perm)) });
  });
  return say(`${name} does not hold ${perms.join(', ')} any longer`);
};

const rules = async (input: CommandInput): Promise<number> => {
  const name = oneName(
    input,
    'user',
    'stockade user rules app --read orders --allow-from 10.0.0.0/8',
  );
  editUsers(authFileOf(input).path, (users) => {
    const user = userNamed(users, name);
    const { tables: _tables, ...everywhere } = user;
    return withUser(users, ruledBy(input, input.on('all-tables') ? everywhere : user));
  });
  return say(`the rules of ${name} are changed`);
};

const command = (
  name: string,
  summary: string,
  words: string,
  example: string,
  options: readonly CommandOption[],
  run: Command['run'],
): Command => ({
  name: `user ${name}`,
  summary,
  usage: `stockade user ${name} ${words} [OPTIONS]`,
  example: `stockade user ${name} ${example}`,
  takesSettings: false,
  options: [...options, ...fileOptions],
  run,
});

/** The commands. */
export const userEditCommands: readonly Command[] = [
  command(
    'add',
    'add a user to the auth file',
    'NAME',
    'app --perms query,execute',
    [permsOption, ...passwordOptions, noPasswordOption, ...ruleOptions],
    add,
  ),
  command(
    'passwd',
    'give a user another password',
    'NAME',
    'app',
    [...passwordOptions, noPasswordOption],
    passwd,
  ),
  command('remove', 'remove a user', 'NAME', 'app', [], remove),
  command('grant', 'give a user permissions', 'NAME PERMISSION...', 'app query execute', [], grant),
  command(
    'revoke',
    'take permissions from a user',
    'NAME PERMISSION...',
    'app execute',
    [],
    revoke,
  ),
  command(
    'rules',
    'say from where a user may come and which tables it may touch',
    'NAME',
    'app --read orders,customers --write orders',
    [
      ...ruleOptions,
      {
        name: 'all-tables',
        kind: 'switch',
        value: '',
        standard: 'false',
        meaning: 'all tables again',
      },
    ],
    rules,
  ),
];
