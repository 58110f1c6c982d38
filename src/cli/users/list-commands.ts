// `stockade user list` and `check`: what is in the auth file, and whether a server would take it.
import { authFileFrom } from '#auth/auth-file.ts';
import type { AuthFileRules, FileUser } from '#auth/file-user.ts';
import { bcryptCostDefault } from '#auth/password.ts';
import type { Command, CommandInput } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-code.ts';
import { systemEffects } from '#node/node-effects.ts';
import { readPrivateText } from '#node/node-files.ts';
import { authFileOf, fileOptions, type RawUser, readUsers } from './auth-file-edit.ts';
import { jsonOption } from './user-options.ts';

/** What a server takes that was not told otherwise. */
const strict: AuthFileRules = { plaintextPasswords: false, anonymousPermissions: ['ready'] };

const passwordKind = ({ password }: RawUser): string => {
  if (password === undefined || password === null || password === '') return 'none';
  return password.startsWith('$2') ? 'bcrypt' : 'PLAINTEXT';
};

const shown = (user: RawUser) => ({
  user: user.username,
  permissions: user.perms,
  password: passwordKind(user),
  tokens: (user.tokens ?? []).length,
  allow_from: user.allow_from ?? ['anywhere'],
  read: user.tables === undefined ? ['*'] : (user.tables.read ?? []),
  write: user.tables === undefined ? ['*'] : (user.tables.write ?? []),
  statement_deadline_ms: user.statement_deadline_ms ?? null,
});

/** Rows in columns as wide as they must be. */
export const tableText = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_cell, at) =>
    Math.max(...rows.map((row) => (row[at] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  return rows.map((row) => `${line(row)}\n`).join('');
};

const list = async (input: CommandInput): Promise<number> => {
  const users = readUsers(authFileOf(input).path).map(shown);
  if (input.on('json')) {
    process.stdout.write(`${JSON.stringify(users, null, 2)}\n`);
    return exitCodes.done;
  }
  const rows = users.map((user) =>
    [
      [user.user],
      user.permissions,
      [user.password],
      [String(user.tokens)],
      user.allow_from,
      user.read,
      user.write,
    ].map((cell) => (cell.length === 0 ? '-' : cell.join(','))),
  );
  const head = ['USER', 'PERMISSIONS', 'PASSWORD', 'TOKENS', 'FROM', 'READS', 'WRITES'];
  process.stdout.write(tableText([head, ...rows]));
  return exitCodes.done;
};

const check = async (input: CommandInput): Promise<number> => {
  const { path, rules = strict } = authFileOf(input);
  const users = [...authFileFrom(readPrivateText(path, systemEffects.files), rules).values()];
  for (const remark of users.flatMap((user) => remarksOn(user, Date.now()))) {
    process.stderr.write(`${remark}\n`);
  }
  process.stdout.write(`${path}: ${users.length} users, a server takes this file\n`);
  return exitCodes.done;
};

/** What is allowed and not good. */
const remarksOn = (user: FileUser, nowMs: number): readonly string[] => {
  const { name, line, credential, tokens } = user;
  const cheap = credential.kind === 'bcrypt' && credential.cost < bcryptCostDefault;
  const expired = tokens.filter(({ expiresMs }) => expiresMs <= nowMs);
  return [
    ...(credential.kind === 'plaintext' ? ['its password stands there in plain text'] : []),
    ...(cheap
      ? [`its hash has a cost below ${bcryptCostDefault}; a new password gets a better one`]
      : []),
    ...expired.map(({ id }) => `its token ${id} has expired`),
  ].map((remark) => `line ${line}: ${name}: ${remark}`);
};

/** The commands. */
export const userListCommands: readonly Command[] = [
  {
    name: 'user list',
    summary: 'list the users of the auth file',
    usage: 'stockade user list [--json] [OPTIONS]',
    example: 'stockade user list',
    takesSettings: false,
    options: [jsonOption, ...fileOptions],
    run: list,
  },
  {
    name: 'user check',
    summary: 'say whether a server would take the auth file',
    usage: 'stockade user check [OPTIONS]',
    example: 'stockade user check --config /etc/stockade/node.yaml',
    takesSettings: false,
    options: fileOptions,
    run: check,
  },
];
