// `stockade user import`: takes the users of rqlite's auth file over and hashes their passwords.
import type { Command, CommandInput } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-code.ts';
import { CodedError } from '#errors.ts';
import { systemEffects } from '#node/node-effects.ts';
import { readPrivateText } from '#node/node-files.ts';
import { authFileOf, createUsers, editUsers, fileOptions } from './auth-file-edit.ts';
import { rqliteUsersFrom } from './rqlite-users.ts';
import { oneName } from './user-options.ts';

/**
 * Takes the users of rqlite's file over into the auth file of the options; `replace` replaces.
 *
 * @throws CodedError `auth_file_invalid`, `already_exists`, `file_permissions`
 */
export const importUsersFrom = (source: string, input: CommandInput): void => {
  const { path } = authFileOf(input);
  const { users, remarks } = rqliteUsersFrom(readPrivateText(source, systemEffects.files));
  const names = new Set(users.map(({ username }) => username));
  if (systemEffects.files.status(path) === undefined) createUsers(path, users);
  else {
    editUsers(path, (before) => {
      const both = before.find(({ username }) => names.has(username));
      if (both !== undefined && !input.on('replace')) {
        throw new CodedError('already_exists', `there is a user ${both.username} already`, {
          hint: 'Use --replace to take the imported one in its place.',
        });
      }
      return [...before.filter(({ username }) => !names.has(username)), ...users];
    });
  }
  for (const remark of remarks) process.stderr.write(`${remark}\n`);
  process.stderr.write(
    `${users.length} users are in ${path}; ${source} still holds their passwords in plain text\n`,
  );
};

const importUsers = async (input: CommandInput): Promise<number> => {
  importUsersFrom(
    oneName(input, "file of rqlite's", 'stockade user import /etc/rqlite/auth.json'),
    input,
  );
  return exitCodes.done;
};

/** The command. */
export const userImportCommand: Command = {
  name: 'user import',
  summary: "take over the users of rqlite's auth file, with their passwords hashed",
  usage: 'stockade user import FILE [--replace] [OPTIONS]',
  example: 'stockade user import /etc/rqlite/auth.json',
  takesSettings: false,
  options: [
    {
      name: 'replace',
      kind: 'switch',
      value: '',
      standard: 'false',
      meaning: 'replace users of the same name',
    },
    ...fileOptions,
  ],
  run: importUsers,
};
