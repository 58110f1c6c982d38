// Edits the auth file as a whole: read, changed, judged as a server would judge it, and put in its
// place in one step. What a change would break is refused before anything is written.
import { resolve } from 'node:path';
import { authFileFrom } from '#auth/auth-file.ts';
import type { AuthFileRules } from '#auth/file-user.ts';
import { permissionNames } from '#auth/permission.ts';
import { nodeFolder, standardFolder } from '#cli/cluster/node-folder.ts';
import type { CommandInput, CommandOption } from '#cli/command.ts';
import { CodedError } from '#errors.ts';
import { writeFileAtomically, writeNewFile } from '#io/write-file-atomically.ts';
import { configFrom, processEnvironment } from '#node/config.ts';
import { nearestOf } from '#node/nearest.ts';
import { systemEffects } from '#node/node-effects.ts';
import { readPrivateText, readPublicText } from '#node/node-files.ts';

/** A token as the file has it. */
export interface RawToken {
  readonly id: string;
  readonly sha256: string;
  readonly expires: string;
  readonly note?: string;
  readonly perms?: readonly string[];
}

/** A user as the file has it. */
export interface RawUser {
  readonly username: string;
  readonly password?: string | null;
  readonly perms: readonly string[];
  readonly allow_from?: readonly string[];
  readonly tables?: { readonly read?: readonly string[]; readonly write?: readonly string[] };
  readonly statement_deadline_ms?: number;
  readonly tokens?: readonly RawToken[];
}

/** Where the file is. */
export const fileOptions: readonly CommandOption[] = [
  {
    name: 'file',
    kind: 'text',
    value: 'FILE',
    standard: '',
    meaning: 'the auth file',
  },
  {
    name: 'config',
    kind: 'text',
    value: 'FILE',
    standard: '',
    meaning: 'the configuration of the node whose auth file it is',
  },
  {
    name: 'data',
    kind: 'text',
    value: 'DIR',
    standard: standardFolder,
    meaning: "the folder of this machine's node",
  },
];

/** What `user add` and the others accept that only some servers do: they judge by themselves. */
const lenient: AuthFileRules = {
  plaintextPasswords: true,
  anonymousPermissions: permissionNames,
};

/** The file that a command is about, and what its node allows where the configuration is named. */
export const authFileOf = (
  input: CommandInput,
): { readonly path: string; readonly rules: AuthFileRules | undefined } => {
  if (input.given('file')) return { path: resolve(input.text('file')), rules: undefined };
  if (!input.given('config')) {
    return { path: nodeFolder(resolve(input.text('data'))).auth, rules: undefined };
  }
  const path = input.text('config');
  const { auth, compat, insecure } = configFrom({
    flags: new Map(),
    environment: processEnvironment(),
    file: { path, text: readPublicText(path, systemEffects.files) },
  });
  const { plaintextPasswords } = compat;
  const anonymousPermissions = ['ready' as const, ...insecure.anonymous];
  return { path: auth.file, rules: { plaintextPasswords, anonymousPermissions } };
};

const textOf = (path: string): string => {
  if (systemEffects.files.status(path) === undefined) {
    throw new CodedError('usage', `there is no ${path}`, {
      hint: 'Name the auth file with --file FILE, or the folder of the node with --data DIR.',
    });
  }
  return readPrivateText(path, systemEffects.files);
};

/** The users of a text that has been judged. */
const usersIn = (text: string): readonly RawUser[] => JSON.parse(text) as readonly RawUser[];

/** The users of a file. @throws CodedError `auth_file_invalid`, `file_permissions`, `usage` */
export const readUsers = (path: string): readonly RawUser[] => {
  const text = textOf(path);
  authFileFrom(text, lenient);
  return usersIn(text);
};

/** How often a change is made anew because another command changed the file meanwhile. */
const attemptsMax = 5;

/**
 * Replaces the users of a file by what `change` makes of them.
 *
 * @throws CodedError `last_administrator` when nobody would be left to administer,
 *   `auth_file_invalid` when a server would refuse the result, and what `change` throws
 */
export const editUsers = (
  path: string,
  change: (users: readonly RawUser[]) => readonly RawUser[],
): void => {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const before = textOf(path);
    authFileFrom(before, lenient);
    const after = judgedText(change(usersIn(before)));
    if (textOf(path) !== before) continue;
    writeFileAtomically({ path, content: Buffer.from(after) }, systemEffects);
    return;
  }
  throw new CodedError('storage_failed', `${path} changes all the time`, {
    hint: 'Another program writes it; nothing was changed.',
  });
};

/** Makes the file. @throws CodedError `already_exists`, and as {@link editUsers} */
export const createUsers = (path: string, users: readonly RawUser[]): void => {
  writeNewFile({ path, content: Buffer.from(judgedText(users)) }, systemEffects);
};

const judgedText = (users: readonly RawUser[]): string => {
  const text = `${JSON.stringify(users, null, 2)}\n`;
  const administrators = users.filter(
    ({ username, perms }) =>
      username !== '*' && perms.some((name) => ['all', 'admin'].includes(name)),
  );
  if (administrators.length === 0) {
    throw new CodedError('last_administrator', 'nobody would hold "all" or "admin" then', {
      hint: 'Give another user the permission admin first: stockade user grant NAME admin',
    });
  }
  authFileFrom(text, lenient);
  return text;
};

/** The user of this name. @throws CodedError `usage` with the nearest name */
export const userNamed = (users: readonly RawUser[], name: string): RawUser => {
  const user = users.find(({ username }) => username === name);
  if (user !== undefined) return user;
  const names = users.map(({ username }) => username);
  throw new CodedError('usage', `there is no user ${JSON.stringify(name)}`, {
    hint: `Did you mean ${nearestOf(name, names)}? See: stockade user list`,
  });
};

/** The users with one of them replaced. */
export const withUser = (users: readonly RawUser[], changed: RawUser): readonly RawUser[] =>
  users.map((user) => (user.username === changed.username ? changed : user));
